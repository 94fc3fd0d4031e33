package eventlog

import (
	"encoding/binary"
	"math"
)

// costValues are the amounts of one cost event, or what several add up to.
type costValues struct {
	USD              float64 `json:"usd,omitempty"`
	InputTokens      uint64  `json:"input_tokens,omitempty"`
	OutputTokens     uint64  `json:"output_tokens,omitempty"`
	CacheReadTokens  uint64  `json:"cache_read_tokens,omitempty"`
	CacheWriteTokens uint64  `json:"cache_write_tokens,omitempty"`
}

// cost is a cost event, decoded.
type cost struct {
	costValues
	Model      string
	Cumulative bool
	// ID is what the agent calls that which cost so much, PartOf the account in which
	// that is a part, Turn the turn of the account ID that alone is meant. See
	// accounts.go.
	ID, Turn, PartOf string
}

// since returns how much v exceeds last, in each amount on its own.
func (v costValues) since(last costValues) costValues {
	return costValues{
		USD:              max(0, v.USD-last.USD),
		InputTokens:      exceed(v.InputTokens, last.InputTokens),
		OutputTokens:     exceed(v.OutputTokens, last.OutputTokens),
		CacheReadTokens:  exceed(v.CacheReadTokens, last.CacheReadTokens),
		CacheWriteTokens: exceed(v.CacheWriteTokens, last.CacheWriteTokens),
	}
}

func exceed(v, last uint64) uint64 { return max(v, last) - last }

// most returns the larger of each amount.
func (v costValues) most(o costValues) costValues {
	return costValues{
		USD:         max(v.USD, o.USD),
		InputTokens: max(v.InputTokens, o.InputTokens), OutputTokens: max(v.OutputTokens, o.OutputTokens),
		CacheReadTokens: max(v.CacheReadTokens, o.CacheReadTokens), CacheWriteTokens: max(v.CacheWriteTokens, o.CacheWriteTokens),
	}
}

// least returns the smaller of each amount.
func (v costValues) least(o costValues) costValues {
	return costValues{
		USD:         min(v.USD, o.USD),
		InputTokens: min(v.InputTokens, o.InputTokens), OutputTokens: min(v.OutputTokens, o.OutputTokens),
		CacheReadTokens: min(v.CacheReadTokens, o.CacheReadTokens), CacheWriteTokens: min(v.CacheWriteTokens, o.CacheWriteTokens),
	}
}

func (v *costValues) add(o costValues) {
	v.USD += o.USD
	v.InputTokens += o.InputTokens
	v.OutputTokens += o.OutputTokens
	v.CacheReadTokens += o.CacheReadTokens
	v.CacheWriteTokens += o.CacheWriteTokens
}

// subtract takes o from v, as much of it as there is.
func (v *costValues) subtract(o costValues) { *v = v.since(o) }

// tokens returns v without its money.
func (v costValues) tokens() costValues {
	v.USD = 0
	return v
}

// Amounts on disk: US dollars (8 bytes, IEEE 754), input, output, cache read and
// cache write tokens (8 each). Those of tokens alone begin with the second.
const (
	amountsSize = 40
	tokensSize  = amountsSize - 8
)

func appendAmounts(dst []byte, v costValues) []byte {
	return appendTokens(binary.BigEndian.AppendUint64(dst, math.Float64bits(v.USD)), v)
}

func appendTokens(dst []byte, v costValues) []byte {
	for _, n := range [...]uint64{v.InputTokens, v.OutputTokens, v.CacheReadTokens, v.CacheWriteTokens} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

func readAmounts(b []byte) costValues {
	v := readTokens(b[8:])
	v.USD = math.Float64frombits(binary.BigEndian.Uint64(b))
	return v
}

func readTokens(b []byte) costValues {
	n := binary.BigEndian.Uint64
	return costValues{InputTokens: n(b), OutputTokens: n(b[8:]), CacheReadTokens: n(b[16:]), CacheWriteTokens: n(b[24:])}
}

// appendName appends a text of less than 64 KiB, behind its length.
func appendName(dst []byte, name string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(name))), name...)
}

// cutName takes off what appendName appended.
func cutName(b []byte) (name string, rest []byte, ok bool) {
	if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
		return "", nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	return string(b[2:n]), b[n:], true
}

// totals is [Totals] on disk. Money keeps its full precision here.
type totals struct {
	Events           uint64  `json:"events"`
	USD              float64 `json:"usd"`
	InputTokens      uint64  `json:"input_tokens"`
	OutputTokens     uint64  `json:"output_tokens"`
	CacheReadTokens  uint64  `json:"cache_read_tokens"`
	CacheWriteTokens uint64  `json:"cache_write_tokens"`
}

func (t totals) public() Totals {
	return Totals{
		Events: t.Events, USD: USD(t.USD), InputTokens: t.InputTokens, OutputTokens: t.OutputTokens,
		CacheReadTokens: t.CacheReadTokens, CacheWriteTokens: t.CacheWriteTokens,
	}
}

// costs returns the totals without the number of events, set what setCosts takes.
func (t *totals) costs() costValues {
	return costValues{t.USD, t.InputTokens, t.OutputTokens, t.CacheReadTokens, t.CacheWriteTokens}
}

func (t *totals) setCosts(v costValues) {
	*t = totals{t.Events, v.USD, v.InputTokens, v.OutputTokens, v.CacheReadTokens, v.CacheWriteTokens}
}

func (t *totals) addCosts(v costValues) {
	sum := t.costs()
	sum.add(v)
	t.setCosts(sum)
}

func (t *totals) subtractCosts(v costValues) { t.setCosts(t.costs().since(v)) }

func (t *totals) add(o totals) {
	t.Events += o.Events
	t.addCosts(o.costs())
}

func (t *totals) subtract(o totals) {
	t.Events -= o.Events
	t.subtractCosts(o.costs())
}
