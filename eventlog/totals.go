package eventlog

// costValues are the amounts of one cost event.
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

// totals is [Totals] on disk. Money keeps its full precision here.
type totals struct {
	Events       uint64  `json:"events"`
	USD          float64 `json:"usd"`
	InputTokens  uint64  `json:"input_tokens"`
	OutputTokens uint64  `json:"output_tokens"`
}

func (t totals) public() Totals {
	return Totals{Events: t.Events, USD: USD(t.USD), InputTokens: t.InputTokens, OutputTokens: t.OutputTokens}
}

func (t *totals) add(o totals) {
	t.Events += o.Events
	t.USD += o.USD
	t.InputTokens += o.InputTokens
	t.OutputTokens += o.OutputTokens
}

func (t *totals) subtract(o totals) {
	t.Events -= o.Events
	t.USD = max(0, t.USD-o.USD)
	t.InputTokens -= o.InputTokens
	t.OutputTokens -= o.OutputTokens
}

// count returns what c adds to the session's totals, and remembers cumulative
// amounts so that they never count twice.
func (s *sessionState) count(c cost) costValues {
	if !c.Cumulative {
		return c.costValues
	}
	added := c.since(s.Cumulative[c.Model])
	if s.Cumulative == nil {
		s.Cumulative = map[string]costValues{}
	}
	s.Cumulative[c.Model] = c.costValues
	return added
}
