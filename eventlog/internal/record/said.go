package record

import (
	"bytes"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// MostElsewhere is the largest number of tasks that [event.Elsewhere] names.
const MostElsewhere = 10

// EachSaid calls do with each account and the amounts that the session itself reported for
// it.
func EachSaid(r store.Reader, id event.SessionID, do func(AccountID, Amounts) error) error {
	var of AccountID
	var sums AccountSums
	reads := 0
	for key, raw := range r.Ascend(store.Said, id[:], PrefixEnd(id[:])) {
		_, a, m, ok := SplitSaidKey(key)
		if reads++; !ok || reads > takeBackReads {
			break
		}
		payload, err := Decode(store.Said, key, raw)
		if err != nil {
			return err
		}
		var says Saying
		if !says.Decode(payload) {
			return &store.DamageError{Bucket: store.Said, Key: bytes.Clone(key), Reason: "is no record of an account"}
		}
		if a != of && sums != (AccountSums{}) {
			if err := do(of, sums.Worth()); err != nil {
				return err
			}
			sums = AccountSums{}
		}
		of = a
		if m == WholeAccount {
			sums.Whole = says.Amounts
		} else {
			sums.Of(m).Add(says.Amounts)
		}
	}
	return do(of, sums.Worth())
}

// Credits returns what a session has added to an account, and the tasks of the other
// sessions that have added to it.
func Credits(r store.Reader, a AccountID, id event.SessionID) (own Amounts, others []string, err error) {
	prefix := append(a[:], AccountCredit)
	for key, raw := range r.Ascend(store.Accounts, prefix, PrefixEnd(prefix)) {
		payload, err := Decode(store.Accounts, key, raw)
		if err != nil {
			return own, nil, err
		}
		var c Credit
		if !c.Decode(payload) {
			return own, nil, &store.DamageError{Bucket: store.Accounts, Key: bytes.Clone(key), Reason: "is no record of an account"}
		}
		switch _, _, of, _ := SplitAccountKey(key); {
		case event.SessionID(of) == id:
			own = c.Total()
		case c.Total() != (Amounts{}) && len(others) < MostElsewhere:
			others = append(others, c.Task)
		}
	}
	return own, others, nil
}
