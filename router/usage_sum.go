package router

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// usageSum is what was spent under the same names in the dimensions that were asked for.
type usageSum struct {
	names  []string // in the order of the dimensions
	totals eventlog.Totals
}

// maxUsageSums is how many sums one answer has.
const maxUsageSums = 10_000

// usageSums are sums by their names, and all of them together.
type usageSums struct {
	query  usageQuery
	prices *price.Table
	sums   map[string]*usageSum
	total  eventlog.Totals
	known  map[string]modelPrice // models that were looked up
}

type modelPrice struct {
	price.Price
	known bool
}

// sumUsage adds up what the log has counted.
func sumUsage(ctx context.Context, log *eventlog.Log, prices *price.Table, q usageQuery) (*usageSums, error) {
	u := &usageSums{query: q, prices: prices, sums: map[string]*usageSum{}, known: map[string]modelPrice{}}
	err := log.Usage(ctx, q.since, q.until, func(row *eventlog.UsageRow) bool {
		if q.wants(row) {
			u.add(row)
		}
		return len(u.sums) <= maxUsageSums
	})
	if err == nil && len(u.sums) > maxUsageSums {
		err = badQuery("by", fmt.Sprintf("would give more than %d rows: name fewer dimensions, or a shorter time", maxUsageSums))
	}
	return u, err
}

func (u *usageSums) add(row *eventlog.UsageRow) {
	names := make([]string, len(u.query.by))
	for i, dimension := range u.query.by {
		names[i] = usageValue(row, dimension)
	}
	key := strings.Join(names, "\x00")
	sum := u.sums[key]
	if sum == nil {
		sum = &usageSum{names: names}
		u.sums[key] = sum
	}
	is := u.totalsOf(row)
	addTotals(&sum.totals, &is)
	addTotals(&u.total, &is)
}

// totalsOf is a row with its estimate.
func (u *usageSums) totalsOf(row *eventlog.UsageRow) eventlog.Totals {
	t := eventlog.Totals{
		USD: eventlog.USD(row.USD), InputTokens: row.InputTokens, OutputTokens: row.OutputTokens,
		CacheReadTokens: row.CacheReadTokens, CacheWriteTokens: row.CacheWriteTokens,
	}
	tokens := price.UnpricedOf(row)
	if tokens == (price.Tokens{}) {
		return t
	}
	p, looked := u.known[row.Model]
	if !looked {
		p.Price, p.known = u.prices.Price(row.Model)
		u.known[row.Model] = p
	}
	if p.known {
		t.EstimatedUSD = eventlog.USD(p.Of(tokens))
	} else {
		t.Unpriced = true
	}
	return t
}

func addTotals(to, t *eventlog.Totals) {
	to.USD += t.USD
	to.EstimatedUSD += t.EstimatedUSD
	to.Unpriced = to.Unpriced || t.Unpriced
	to.InputTokens += t.InputTokens
	to.OutputTokens += t.OutputTokens
	to.CacheReadTokens += t.CacheReadTokens
	to.CacheWriteTokens += t.CacheWriteTokens
}

// sorted returns the sums: by the times among their names, then the most expensive first.
func (u *usageSums) sorted() []*usageSum {
	list := make([]*usageSum, 0, len(u.sums))
	for _, sum := range u.sums {
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b *usageSum) int {
		for i, dimension := range u.query.by {
			if c := strings.Compare(a.names[i], b.names[i]); c != 0 && !slices.Contains(usageNames, dimension) {
				return c
			}
		}
		return cmp.Or(
			cmp.Compare(b.totals.USD+b.totals.EstimatedUSD, a.totals.USD+a.totals.EstimatedUSD),
			cmp.Compare(b.totals.OutputTokens, a.totals.OutputTokens),
			slices.Compare(a.names, b.names))
	})
	return list
}

// usageAmounts is what was spent, in JSON.
type usageAmounts struct {
	USD              eventlog.USD `json:"usd"`
	InputTokens      uint64       `json:"input_tokens"`
	OutputTokens     uint64       `json:"output_tokens"`
	CacheReadTokens  uint64       `json:"cache_read_tokens"`
	CacheWriteTokens uint64       `json:"cache_write_tokens"`
	EstimatedUSD     eventlog.USD `json:"estimated_usd,omitempty"`
	Unpriced         bool         `json:"unpriced,omitempty"`
}

func amountsOf(t *eventlog.Totals) usageAmounts {
	return usageAmounts{t.USD, t.InputTokens, t.OutputTokens, t.CacheReadTokens, t.CacheWriteTokens, t.EstimatedUSD, t.Unpriced}
}

// usageRow is a sum in JSON: its names by their dimensions, before its amounts.
type usageRow struct {
	by  []string
	sum *usageSum
}

// MarshalJSON implements [json.Marshaler].
func (r usageRow) MarshalJSON() ([]byte, error) {
	amounts, err := json.Marshal(amountsOf(&r.sum.totals))
	if err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for i, name := range r.by {
		value, err := json.Marshal(r.sum.names[i])
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, "%q:%s,", name, value)
	}
	return append(out, amounts[1:]...), nil
}
