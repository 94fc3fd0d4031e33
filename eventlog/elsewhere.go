package eventlog

import (
	"context"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// CountedElsewhere returns the part of a session's costs that counts in other sessions. It
// reads at most 20,000 costs with an id of the session.
func (l *Log) CountedElsewhere(ctx context.Context, task string, id SessionID) (Elsewhere, error) {
	var sum record.Amounts
	var tasks []string
	err := l.view(ctx, func(r store.Reader) error {
		if _, err := record.ReadWhole(r, task, id); err != nil {
			return err
		}
		return record.EachSaid(r, id, func(a record.AccountID, said record.Amounts) error {
			own, others, err := record.Credits(r, a, id)
			if err != nil {
				return err
			}
			if missing := said.Since(own); missing != (record.Amounts{}) && len(others) > 0 {
				sum.Add(missing)
				tasks = append(tasks, others...)
			}
			return nil
		})
	})
	slices.Sort(tasks)
	tasks = slices.Compact(tasks)
	return Elsewhere{
		Tokens: sum.InputTokens + sum.OutputTokens + sum.CacheReadTokens + sum.CacheWriteTokens,
		USD:    USD(sum.USD), Tasks: tasks[:min(len(tasks), record.MostElsewhere)],
	}, err
}
