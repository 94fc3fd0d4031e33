package record

import (
	"encoding/binary"
	"math"

	"jrweb/eventlog/event"
)

// Amounts are the amounts of one cost event, or a sum of several.
type Amounts struct {
	USD              float64 `json:"usd,omitempty"`
	InputTokens      uint64  `json:"input_tokens,omitempty"`
	OutputTokens     uint64  `json:"output_tokens,omitempty"`
	CacheReadTokens  uint64  `json:"cache_read_tokens,omitempty"`
	CacheWriteTokens uint64  `json:"cache_write_tokens,omitempty"`
}

// Since returns how much v exceeds last, each amount on its own. It is never negative.
func (v Amounts) Since(last Amounts) Amounts {
	return Amounts{
		USD:              max(0, v.USD-last.USD),
		InputTokens:      exceed(v.InputTokens, last.InputTokens),
		OutputTokens:     exceed(v.OutputTokens, last.OutputTokens),
		CacheReadTokens:  exceed(v.CacheReadTokens, last.CacheReadTokens),
		CacheWriteTokens: exceed(v.CacheWriteTokens, last.CacheWriteTokens),
	}
}

func exceed(v, last uint64) uint64 { return max(v, last) - last }

// Most returns the larger of each amount.
func (v Amounts) Most(o Amounts) Amounts {
	return Amounts{
		USD:         max(v.USD, o.USD),
		InputTokens: max(v.InputTokens, o.InputTokens), OutputTokens: max(v.OutputTokens, o.OutputTokens),
		CacheReadTokens: max(v.CacheReadTokens, o.CacheReadTokens), CacheWriteTokens: max(v.CacheWriteTokens, o.CacheWriteTokens),
	}
}

// least returns the smaller of each amount.
func (v Amounts) least(o Amounts) Amounts {
	return Amounts{
		USD:         min(v.USD, o.USD),
		InputTokens: min(v.InputTokens, o.InputTokens), OutputTokens: min(v.OutputTokens, o.OutputTokens),
		CacheReadTokens: min(v.CacheReadTokens, o.CacheReadTokens), CacheWriteTokens: min(v.CacheWriteTokens, o.CacheWriteTokens),
	}
}

// Add adds the amounts of o.
func (v *Amounts) Add(o Amounts) {
	v.USD += o.USD
	v.InputTokens += o.InputTokens
	v.OutputTokens += o.OutputTokens
	v.CacheReadTokens += o.CacheReadTokens
	v.CacheWriteTokens += o.CacheWriteTokens
}

// subtract subtracts o from v, but never below 0.
func (v *Amounts) subtract(o Amounts) { *v = v.Since(o) }

// Tokens returns v without its money.
func (v Amounts) Tokens() Amounts {
	v.USD = 0
	return v
}

// Amounts on disk: US dollars (8 bytes, IEEE 754), input, output, cache read and cache
// write tokens (8 each). Amounts of tokens alone begin with the input tokens.
const (
	AmountsSize = 40
	tokensSize  = AmountsSize - 8
)

func appendAmounts(dst []byte, v Amounts) []byte {
	return appendTokens(binary.BigEndian.AppendUint64(dst, math.Float64bits(v.USD)), v)
}

func appendTokens(dst []byte, v Amounts) []byte {
	for _, n := range [...]uint64{v.InputTokens, v.OutputTokens, v.CacheReadTokens, v.CacheWriteTokens} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

// ReadAmounts is the inverse of appendAmounts.
func ReadAmounts(b []byte) Amounts {
	v := readTokens(b[8:])
	v.USD = math.Float64frombits(binary.BigEndian.Uint64(b))
	return v
}

func readTokens(b []byte) Amounts {
	n := binary.BigEndian.Uint64
	return Amounts{InputTokens: n(b), OutputTokens: n(b[8:]), CacheReadTokens: n(b[16:]), CacheWriteTokens: n(b[24:])}
}

// appendName appends the length of a text (2 bytes) and the text, which must be less than
// 64 KiB.
func appendName(dst []byte, name string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(name))), name...)
}

// CutName is the inverse of appendName.
func CutName(b []byte) (name string, rest []byte, ok bool) {
	if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
		return "", nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(b))
	return string(b[2:n]), b[n:], true
}

// Totals is [event.Totals] on disk. Money keeps its full precision here.
type Totals struct {
	Events           uint64  `json:"events"`
	USD              float64 `json:"usd"`
	InputTokens      uint64  `json:"input_tokens"`
	OutputTokens     uint64  `json:"output_tokens"`
	CacheReadTokens  uint64  `json:"cache_read_tokens"`
	CacheWriteTokens uint64  `json:"cache_write_tokens"`
}

// Public returns the public view of the totals.
func (t Totals) Public() event.Totals {
	return event.Totals{
		Events: t.Events, USD: event.USD(t.USD), InputTokens: t.InputTokens, OutputTokens: t.OutputTokens,
		CacheReadTokens: t.CacheReadTokens, CacheWriteTokens: t.CacheWriteTokens,
	}
}

// Costs returns the totals without the number of events.
func (t *Totals) Costs() Amounts {
	return Amounts{t.USD, t.InputTokens, t.OutputTokens, t.CacheReadTokens, t.CacheWriteTokens}
}

// SetCosts sets everything in the totals except the number of events.
func (t *Totals) SetCosts(v Amounts) {
	*t = Totals{t.Events, v.USD, v.InputTokens, v.OutputTokens, v.CacheReadTokens, v.CacheWriteTokens}
}

// AddCosts adds amounts.
func (t *Totals) AddCosts(v Amounts) {
	sum := t.Costs()
	sum.Add(v)
	t.SetCosts(sum)
}

func (t *Totals) subtractCosts(v Amounts) { t.SetCosts(t.Costs().Since(v)) }

// Add adds the totals of o.
func (t *Totals) Add(o Totals) {
	t.Events += o.Events
	t.AddCosts(o.Costs())
}

func (t *Totals) subtract(o Totals) {
	t.Events -= o.Events
	t.subtractCosts(o.Costs())
}
