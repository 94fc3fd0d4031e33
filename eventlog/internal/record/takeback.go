package record

import (
	"bytes"
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// When a session is deleted, its credit in an account is deleted too. The purger removes
// what it reported, a few records at a time. Other sessions may have reported the same
// amounts without credit, because they counted already. The newest of these sessions then
// gets the credit. So in the end the sums of the log are those of the remaining sessions.

// takeBackReads is about how many records one transaction of the purger reads to find other
// sessions that reported the same.
const takeBackReads = 20_000

// TakeBack removes some of what a deleted session reported. more is false when nothing is
// left.
func (tx *Txn) TakeBack(session event.SessionID) (more bool) {
	tx.writeAccounts()
	var keys [][]byte
	for key := range tx.Ascend(store.Said, session[:], PrefixEnd(session[:])) {
		if keys = append(keys, bytes.Clone(key)); len(keys) == PurgeKeys {
			break
		}
	}
	reads := 0
	for len(keys) > 0 && reads < takeBackReads {
		_, a, _, ok := SplitSaidKey(keys[0])
		if !ok { // the session is another's, and check reports it
			tx.Delete(store.Said, keys[0])
			keys = keys[1:]
			continue
		}
		b := tx.openTakeBack(session, a)
		n := 0
		for n < len(keys) && bytes.HasPrefix(keys[n], keys[0][:32]) && reads < takeBackReads {
			reads += 1 + b.takeBack(keys[n])
			tx.Delete(store.Said, keys[n])
			n++
		}
		keys = keys[n:]
		if !tx.saysMore(session, a) {
			b.settle()
		}
		tx.writeAccounts()
	}
	for range tx.Ascend(store.Said, session[:], PrefixEnd(session[:])) {
		return true
	}
	return false
}

// saysMore reports whether the session has more records for an account.
func (tx *Txn) saysMore(session event.SessionID, a AccountID) bool {
	prefix := append(session[:], a[:]...)
	for range tx.Ascend(store.Said, prefix, PrefixEnd(prefix)) {
		return true
	}
	return false
}

// takeBack removes from one account what one session reported for it.
type takeBack struct {
	tx      *Txn
	id      AccountID
	session event.SessionID
	sums    *account // AccountSums
	credit  *account // the session's
	others  []sharer // other sessions that reported something for the account, the newest first
}

// sharer is another session with a credit in an account.
type sharer struct {
	id     event.SessionID
	credit *account

	looked, gone bool // whether it was looked up; whether it has been deleted or cannot be changed
}

// read is tx.account for records that may be damaged: it returns nil for those. It leaves
// the damage for check to find, and the rest of the log goes on.
func (b *takeBack) read(bucket store.Bucket, key []byte, empty AccountValue) *account {
	a, err := b.tx.account(bucket, key, empty)
	if err != nil {
		b.tx.Note(err)
		return nil
	}
	return a
}

func (tx *Txn) openTakeBack(session event.SessionID, id AccountID) *takeBack {
	b := &takeBack{tx: tx, id: id, session: session}
	b.sums = b.read(store.Accounts, AccountKey(id), &AccountSums{})
	prefix := append(id[:], AccountCredit)
	var ids []event.SessionID
	for key := range tx.Descend(store.Accounts, prefix, PrefixEnd(prefix)) {
		if _, _, of, ok := SplitAccountKey(key); ok {
			ids = append(ids, of)
		}
	}
	for _, other := range ids {
		credit := b.read(store.Accounts, CreditKey(id, other), &Credit{Models: map[string]Amounts{}})
		switch {
		case other == session:
			b.credit = credit
		case credit != nil:
			b.others = append(b.others, sharer{id: other, credit: credit})
		}
	}
	return b
}

// takeBack removes the amounts under one key of store.Said. It returns how many records of
// other sessions it has read.
func (b *takeBack) takeBack(key []byte) (reads int) {
	_, _, m, _ := SplitSaidKey(key)
	said := b.read(store.Said, key, &Saying{})
	if said == nil || b.sums == nil {
		return 0
	}
	mine := said.is.(*Saying)
	// The amounts that are left without this record, and the newest session that also reported
	// it.
	var rest Amounts
	var heir *sharer
	var model string
	for i := range b.others {
		also := b.read(store.Said, SaidKey(b.others[i].id, b.id, m), &Saying{})
		if also == nil || !also.exists {
			continue
		}
		says := also.is.(*Saying)
		rest = rest.Most(says.Amounts)
		if heir == nil && b.tx.lives(&b.others[i]) {
			heir, model = &b.others[i], says.model
		}
	}
	sums := b.sums.is.(*AccountSums)
	before := sums.Worth()
	if m == WholeAccount {
		sums.Whole = rest
	} else if member := b.read(store.Accounts, MemberKey(b.id, m), &MemberSum{}); member != nil {
		sum := member.is.(*MemberSum)
		sums.Of(m).subtract(sum.Since(rest))
		if sum.Amounts = rest; rest == (Amounts{}) {
			b.tx.gone(member)
		} else {
			b.tx.change(member)
		}
	}
	b.tx.change(b.sums)
	if b.credit == nil {
		return len(b.others)
	}
	own := b.credit.is.(*Credit)
	own.subtract(before.Since(sums.Worth()))
	// What others reported as well has counted for this session, up to its credit.
	if handed := mine.least(rest).least(own.Total()); heir != nil && handed != (Amounts{}) {
		own.subtract(handed)
		b.tx.give(heir, model, handed, sums.Worth().USD > 0)
	}
	b.tx.change(b.credit)
	return len(b.others)
}

// settle ends the session's part in the account. If the other sessions have too little
// credit for the worth of the account, the newest that reported enough get the rest. If
// they have too much, the surplus is taken from them.
func (b *takeBack) settle() {
	if b.credit != nil {
		b.tx.gone(b.credit)
	}
	if b.sums == nil {
		return
	}
	if len(b.others) == 0 {
		b.tx.gone(b.sums)
		return
	}
	var counted Amounts
	for i := range b.others {
		counted.Add(b.others[i].credit.is.(*Credit).Total())
	}
	worth := b.sums.is.(*AccountSums).Worth()
	missing, surplus := worth.Since(counted), counted.Since(worth)
	var newest *sharer
	for i := range b.others {
		other := &b.others[i]
		if !b.tx.lives(other) {
			continue
		}
		if newest == nil {
			newest = other
		}
		if missing != (Amounts{}) {
			said := b.saidBy(other).Since(other.credit.is.(*Credit).Total())
			missing.subtract(b.give(other, missing.least(said), worth))
		}
		if surplus != (Amounts{}) {
			surplus.subtract(b.tx.take(other, surplus))
		}
	}
	if newest != nil {
		b.give(newest, missing, worth)
	}
}

// give is tx.give with the first of the models that the session named.
func (b *takeBack) give(to *sharer, v, worth Amounts) Amounts {
	models := slices.Sorted(maps.Keys(to.credit.is.(*Credit).Models))
	if v == (Amounts{}) || len(models) == 0 {
		return Amounts{}
	}
	b.tx.give(to, models[0], v, worth.USD > 0)
	return v
}

// saidBy is what a session itself reported for the account. It reads at most takeBackReads
// members.
func (b *takeBack) saidBy(other *sharer) Amounts {
	var sums AccountSums
	prefix := append(other.id[:], b.id[:]...)
	reads := 0
	for key, raw := range b.tx.Ascend(store.Said, prefix, PrefixEnd(prefix)) {
		var says Saying
		if payload, err := Decode(store.Said, key, raw); err != nil || !says.Decode(payload) {
			continue // check reports it
		}
		if _, _, m, _ := SplitSaidKey(key); m == WholeAccount {
			sums.Whole = says.Amounts
		} else {
			sums.Of(m).Add(says.Amounts)
		}
		if reads++; reads == takeBackReads {
			break
		}
	}
	return sums.Worth()
}

// lives reports whether a session still exists and can be changed.
func (tx *Txn) lives(s *sharer) bool {
	if !s.looked {
		_, _, err := tx.heir(s)
		s.looked, s.gone = true, err != nil
		if UnlessGone(err) != nil {
			tx.Note(err)
		}
	}
	return !s.gone
}

// heir reads the session of a credit, and its task.
func (tx *Txn) heir(s *sharer) (*Task, *Session, error) {
	task := s.credit.is.(*Credit).Task
	t, err := tx.Task(task)
	if err != nil {
		return nil, nil, err
	}
	session, err := tx.Session(task, s.id)
	return t, session, err
}

// give adds to the cost of a session that still exists.
func (tx *Txn) give(s *sharer, model string, v Amounts, priced bool) {
	t, session, err := tx.heir(s)
	if err != nil {
		panic("eventlog: a session that could be read cannot be read: " + err.Error())
	}
	name, m := session.Slot(model)
	m.Add(v)
	if !priced {
		m.Unpriced.Add(v.Tokens())
	}
	session.Totals.AddCosts(v)
	if session.Status != event.StatusOpen {
		t.Totals.AddCosts(v)
		if !priced {
			t.Unpriced.AddTo(name, v.Tokens())
		}
	}
	tx.revalued(t, session)
	s.credit.is.(*Credit).add(name, v)
	tx.change(s.credit)
}

// take subtracts from the cost of a session that still exists, up to its credit, and
// returns what it has subtracted.
func (tx *Txn) take(s *sharer, v Amounts) (sum Amounts) {
	t, session, err := tx.heir(s)
	if err != nil {
		panic("eventlog: a session that could be read cannot be read: " + err.Error())
	}
	for name, taken := range s.credit.is.(*Credit).subtract(v) {
		_, m := session.Slot(name)
		m.subtract(taken)
		settled := m.Unpriced.Since(m.Tokens())
		m.Unpriced.subtract(settled)
		session.Totals.subtractCosts(taken)
		if session.Status != event.StatusOpen {
			t.Totals.subtractCosts(taken)
			t.Unpriced.takeFrom(name, settled)
		}
		sum.Add(taken)
	}
	tx.revalued(t, session)
	tx.change(s.credit)
	return sum
}

// revalued marks the changed cost of a session for writing. It does not count as activity
// of the task.
func (tx *Txn) revalued(t *Task, s *Session) {
	if s.Status == event.StatusOpen {
		tx.Spend(s)
		return
	}
	tx.Rewrite(s)
	tx.Tidy(t)
}
