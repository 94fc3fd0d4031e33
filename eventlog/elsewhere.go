package eventlog

import (
	"bytes"
	"context"
	"slices"
)

// Elsewhere is what a session said that it has cost, and that counts in other sessions:
// they have said it before.
type Elsewhere struct {
	// Tokens are those of all kinds.
	Tokens uint64 `json:"tokens"`
	USD    USD    `json:"usd,omitempty"`
	// Tasks are those of the other sessions, at most 10.
	Tasks []string `json:"tasks,omitempty"`
}

// mostElsewhere is how many tasks are named.
const mostElsewhere = 10

// CountedElsewhere returns what of a session's costs counts in other sessions. Of a
// session that said more than 20,000 costs with an id it looks at so many.
func (l *Log) CountedElsewhere(ctx context.Context, task string, id SessionID) (Elsewhere, error) {
	var sum costValues
	var tasks []string
	err := l.view(ctx, func(r Reader) error {
		if _, err := readWhole(r, task, id); err != nil {
			return err
		}
		return eachSaid(r, id, func(a accountID, said costValues) error {
			own, others, err := credits(r, a, id)
			if err != nil {
				return err
			}
			if missing := said.since(own); missing != (costValues{}) && len(others) > 0 {
				sum.add(missing)
				tasks = append(tasks, others...)
			}
			return nil
		})
	})
	slices.Sort(tasks)
	tasks = slices.Compact(tasks)
	return Elsewhere{
		Tokens: sum.InputTokens + sum.OutputTokens + sum.CacheReadTokens + sum.CacheWriteTokens,
		USD:    USD(sum.USD), Tasks: tasks[:min(len(tasks), mostElsewhere)],
	}, err
}

// eachSaid calls do with what a session alone said of each account.
func eachSaid(r Reader, id SessionID, do func(accountID, costValues) error) error {
	var of accountID
	var sums accountSums
	reads := 0
	for key, raw := range r.Ascend(bucketSaid, id[:], prefixEnd(id[:])) {
		_, a, m, ok := splitSaidKey(key)
		if reads++; !ok || reads > takeBackReads {
			break
		}
		payload, err := decodeRecord(bucketSaid, key, raw)
		if err != nil {
			return err
		}
		var says saying
		if !says.decode(payload) {
			return &DamageError{Bucket: bucketSaid, Key: bytes.Clone(key), Reason: "is no record of an account"}
		}
		if a != of && sums != (accountSums{}) {
			if err := do(of, sums.worth()); err != nil {
				return err
			}
			sums = accountSums{}
		}
		of = a
		if m == wholeAccount {
			sums.whole = says.costValues
		} else {
			sums.of(m).add(says.costValues)
		}
	}
	return do(of, sums.worth())
}

// credits returns what a session has added to an account, and the tasks of the others
// that have added to it.
func credits(r Reader, a accountID, id SessionID) (own costValues, others []string, err error) {
	prefix := append(a[:], accountCredit)
	for key, raw := range r.Ascend(bucketAccounts, prefix, prefixEnd(prefix)) {
		payload, err := decodeRecord(bucketAccounts, key, raw)
		if err != nil {
			return own, nil, err
		}
		var c credit
		if !c.decode(payload) {
			return own, nil, &DamageError{Bucket: bucketAccounts, Key: bytes.Clone(key), Reason: "is no record of an account"}
		}
		switch _, _, of, _ := splitAccountKey(key); {
		case SessionID(of) == id:
			own = c.total()
		case c.total() != (costValues{}) && len(others) < mostElsewhere:
			others = append(others, c.task)
		}
	}
	return own, others, nil
}
