package eventlog

import (
	"context"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// UsageRow is what was spent on one day under its names. The names are those of the time of the
// append. Long ones are cut; rows for which a day has no room are added up under the name
// "other".
type UsageRow struct {
	Day                                    time.Time // when it begins, UTC
	Agent, Model, Project, Person, Machine string
	Spent
	// Unpriced are the tokens of these that no cost with money covers.
	Unpriced ModelTokens
}

// Spent is an amount of money and tokens.
type Spent struct {
	USD                                                          float64
	InputTokens, OutputTokens, CacheReadTokens, CacheWriteTokens uint64
}

// Usage calls fn for what was spent from the day of from to the day of to, in the order of
// days, until fn returns false. Days are those of UTC. What was deleted since is still in it:
// it was spent. fn runs within a read transaction, so it must not wait. A damaged row is
// left out, and logged.
func (l *Log) Usage(ctx context.Context, from, to time.Time, fn func(*UsageRow) bool) error {
	return l.view(ctx, func(r store.Reader) error {
		first, end := record.UsageFrom(record.DayOf(from)), record.UsageFrom(record.DayOf(to)+1)
		for key, raw := range r.Ascend(store.Usage, first, end) {
			u, err := record.DecodeUsage(key, raw)
			if err != nil {
				l.passOver(err)
				continue
			}
			row := &UsageRow{
				Day: u.Day.Time(), Agent: u.Agent, Model: u.Model, Project: u.Project, Person: u.Person, Machine: u.Machine,
				Spent: Spent{u.USD, u.InputTokens, u.OutputTokens, u.CacheReadTokens, u.CacheWriteTokens},
				Unpriced: ModelTokens{
					Model: u.Model, InputTokens: u.Unpriced.InputTokens, OutputTokens: u.Unpriced.OutputTokens,
					CacheReadTokens: u.Unpriced.CacheReadTokens, CacheWriteTokens: u.Unpriced.CacheWriteTokens,
				},
			}
			if !fn(row) {
				return ctx.Err()
			}
		}
		return ctx.Err()
	})
}
