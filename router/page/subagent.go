package page

import (
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// SubagentTotals says in short what the subagent did whose rows stand in this one.
// assets/joins.js says the same of rows that arrive later.
func (r *row) SubagentTotals() string {
	var t subagentTotals
	t.add(r.Nested)
	parts := []string{"Subagent", plural(t.calls, "call")}
	if t.failed > 0 {
		parts = append(parts, strconv.Itoa(t.failed)+" failed")
	}
	if t.usd > 0 {
		parts = append(parts, dollars(t.usd))
	}
	return strings.Join(parts, " · ")
}

type subagentTotals struct {
	calls, failed int
	usd           float64
}

func (t *subagentTotals) add(rows []*row) {
	for _, r := range rows {
		if r.Mark.Type == eventlog.TypeToolCall {
			t.calls++
		}
		if r.Mark.Outcome == "failed" {
			t.failed++
		}
		costs := r.Costs
		if r.Mark.Type == eventlog.TypeCost {
			costs = []*row{r}
		}
		for _, c := range costs {
			if usd, err := strconv.ParseFloat(c.Mark.USD, 64); err == nil && !c.Hidden {
				t.usd += usd
			}
		}
		t.add(r.Nested)
	}
}
