package page

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// costFields are the fields of a cost event that its row has words for.
var costFields = []string{
	"usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "model", "scope", "id", "part_of", "turn",
}

// cost is the row of a cost event, in one line.
func (m *maker) cost() {
	r := m.row
	r.Compact = true
	t := costTotals(m.data, m.view.prices)
	parts := []string{price.Text(&t)}
	if text := tokenKinds(&t); text != "" {
		parts = append(parts, text)
	}
	if r.Mark.Model = shorten(m.data.text("model")); r.Mark.Model != "" {
		parts = append(parts, r.Mark.Model)
	}
	switch id := m.data.text("id"); {
	case isCostOfStep(m.data):
		r.Mark.Cost = id
		m.costOfStep(&t)
	case id != "":
		r.Hidden = true // the head has what a thread has come to
	default:
		parts = append(parts, "so far")
	}
	r.Line = strings.Join(parts, " · ")
	r.Fields = m.fields(m.data.without(costFields...), "")
}

// isCostOfStep tells whether a cost is of one step, and not of a whole thread.
func isCostOfStep(data fields) bool { return data.text("scope") != "cumulative" }

// costOfStep says what one step has cost, in short.
func (m *maker) costOfStep(t *eventlog.Totals) {
	mark := &m.row.Mark
	mark.Amount = price.Text(t)
	if sum := sumOf(t); sum > 0 {
		mark.USD = strconv.FormatFloat(sum, 'g', -1, 64)
	} else if n := t.InputTokens + t.CacheWriteTokens + t.OutputTokens; n > 0 {
		mark.Amount = count(float64(n)) + " tokens"
	}
}

// costTotals is what a cost event says, as totals, with an estimate where it names no
// money.
func costTotals(data fields, prices *price.Table) eventlog.Totals {
	var t eventlog.Totals
	if n, ok := data.number("usd"); ok {
		t.USD = eventlog.USD(n)
	}
	for _, f := range []struct {
		name string
		to   *uint64
	}{
		{"input_tokens", &t.InputTokens}, {"output_tokens", &t.OutputTokens},
		{"cache_read_tokens", &t.CacheReadTokens}, {"cache_write_tokens", &t.CacheWriteTokens},
	} {
		if n, ok := data.number(f.name); ok && n >= 0 && n < math.MaxInt64 {
			*f.to = uint64(n)
		}
	}
	if t.USD == 0 {
		if p, known := prices.Price(data.text("model")); known {
			t.EstimatedUSD = eventlog.USD(p.Of(price.Tokens{
				Input: t.InputTokens, Cached: t.CacheReadTokens, CacheWrite: t.CacheWriteTokens, Output: t.OutputTokens,
			}))
		}
	}
	return t
}

// tokenKinds tells the tokens of each kind that there are.
func tokenKinds(t *eventlog.Totals) string {
	var parts []string
	for _, kind := range []struct {
		n    uint64
		name string
	}{
		{t.InputTokens, "in"}, {t.OutputTokens, "out"}, {t.CacheReadTokens, "from cache"}, {t.CacheWriteTokens, "to cache"},
	} {
		if kind.n > 0 {
			parts = append(parts, count(float64(kind.n))+" "+kind.name)
		}
	}
	return strings.Join(parts, " · ")
}

// tokens are those that were new to a model or made by it. What it has read from a
// cache it has seen before, and again with each step.
func tokens(t eventlog.Totals) string {
	return count(float64(t.InputTokens) + float64(t.CacheWriteTokens) + float64(t.OutputTokens))
}

// costNote says where the money that is shown comes from, "" if agents said it all.
func costNote(t eventlog.Totals, date string) string {
	var parts []string
	switch prices := "list prices of " + cmp.Or(date, "an unknown day"); {
	case t.EstimatedUSD > 0 && t.USD > 0:
		parts = append(parts, fmt.Sprintf("%s as the agent says, the rest estimated from %s", price.Dollars(t.USD), prices))
	case t.EstimatedUSD > 0:
		parts = append(parts, "estimated from "+prices)
	}
	if t.Unpriced {
		parts = append(parts, "without what tokens of an unknown price cost")
	}
	return strings.Join(parts, ", ")
}

// Note says where the money that is shown comes from.
func (v taskView) Note() string { return costNote(v.Totals, v.Prices.Date()) }
