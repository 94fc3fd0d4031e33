package eventlog

import (
	"bytes"
	"maps"
	"slices"
)

// What a session added to an account goes with the session. What it said is taken
// back by the purger, a few records at a time. Others may have said the same, and got
// nothing for it, because it counted already: then it counts for the newest of them
// from then on. So in the end the log adds up to what the sessions say that are left.

// takeBackReads is about how many records one transaction of the purger reads to find
// who else has said something.
const takeBackReads = 20_000

// takeBack takes back some of what a deleted session said. more is false once that
// was all.
func (tx *txn) takeBack(session SessionID) (more bool) {
	tx.writeAccounts()
	var keys [][]byte
	for key := range tx.Ascend(bucketSaid, session[:], prefixEnd(session[:])) {
		if keys = append(keys, bytes.Clone(key)); len(keys) == purgeKeys {
			break
		}
	}
	reads := 0
	for len(keys) > 0 && reads < takeBackReads {
		_, a, _, ok := splitSaidKey(keys[0])
		if !ok { // somebody else's, and check tells of it
			tx.Delete(bucketSaid, keys[0])
			keys = keys[1:]
			continue
		}
		b := tx.openTakeBack(session, a)
		n := 0
		for n < len(keys) && bytes.HasPrefix(keys[n], keys[0][:32]) && reads < takeBackReads {
			reads += 1 + b.takeBack(keys[n])
			tx.Delete(bucketSaid, keys[n])
			n++
		}
		keys = keys[n:]
		if !tx.saysMore(session, a) {
			b.settle()
		}
		tx.writeAccounts()
	}
	for range tx.Ascend(bucketSaid, session[:], prefixEnd(session[:])) {
		return true
	}
	return false
}

// saysMore reports whether there is more that a session said of an account.
func (tx *txn) saysMore(session SessionID, a accountID) bool {
	prefix := append(session[:], a[:]...)
	for range tx.Ascend(bucketSaid, prefix, prefixEnd(prefix)) {
		return true
	}
	return false
}

// takeBack takes from one account what one session said of it.
type takeBack struct {
	tx      *txn
	id      accountID
	session SessionID
	sums    *account // accountSums
	credit  *account // of the session
	others  []sharer // who also said something of the account, the newest first
}

// sharer is another session with a credit in an account.
type sharer struct {
	id     SessionID
	credit *account

	looked, gone bool // whether it is known if the session has been deleted, or cannot be changed
}

// read is tx.account, for what may be damaged: then nothing is known of it. The
// damage is left for check to find; the rest of the log goes on.
func (b *takeBack) read(bucket Bucket, key []byte, empty accountValue) *account {
	a, err := b.tx.account(bucket, key, empty)
	if err != nil {
		b.tx.note(err)
		return nil
	}
	return a
}

func (tx *txn) openTakeBack(session SessionID, id accountID) *takeBack {
	b := &takeBack{tx: tx, id: id, session: session}
	b.sums = b.read(bucketAccounts, accountKey(id), &accountSums{})
	prefix := append(id[:], accountCredit)
	var ids []SessionID
	for key := range tx.Descend(bucketAccounts, prefix, prefixEnd(prefix)) {
		if _, _, of, ok := splitAccountKey(key); ok {
			ids = append(ids, of)
		}
	}
	for _, other := range ids {
		credit := b.read(bucketAccounts, creditKey(id, other), &credit{models: map[string]costValues{}})
		switch {
		case other == session:
			b.credit = credit
		case credit != nil:
			b.others = append(b.others, sharer{id: other, credit: credit})
		}
	}
	return b
}

// takeBack takes back what stands under one key of bucketSaid. It returns how many
// records of others it has read.
func (b *takeBack) takeBack(key []byte) (reads int) {
	_, _, m, _ := splitSaidKey(key)
	said := b.read(bucketSaid, key, &saying{})
	if said == nil || b.sums == nil {
		return 0
	}
	mine := said.is.(*saying)
	// What is left when this is gone, and the newest of those who said it.
	var rest costValues
	var heir *sharer
	var model string
	for i := range b.others {
		also := b.read(bucketSaid, saidKey(b.others[i].id, b.id, m), &saying{})
		if also == nil || !also.exists {
			continue
		}
		says := also.is.(*saying)
		rest = rest.most(says.costValues)
		if heir == nil && b.tx.lives(&b.others[i]) {
			heir, model = &b.others[i], says.model
		}
	}
	sums := b.sums.is.(*accountSums)
	before := sums.worth()
	if m == wholeAccount {
		sums.whole = rest
	} else if member := b.read(bucketAccounts, memberKey(b.id, m), &memberSum{}); member != nil {
		sum := member.is.(*memberSum)
		sums.of(m).subtract(sum.since(rest))
		if sum.costValues = rest; rest == (costValues{}) {
			b.tx.gone(member)
		} else {
			b.tx.change(member)
		}
	}
	b.tx.change(b.sums)
	if b.credit == nil {
		return len(b.others)
	}
	own := b.credit.is.(*credit)
	own.subtract(before.since(sums.worth()))
	// What others said as well was counted for this session, as far as its credit goes.
	if handed := mine.least(rest).least(own.total()); heir != nil && handed != (costValues{}) {
		own.subtract(handed)
		b.tx.give(heir, model, handed, sums.worth().USD > 0)
	}
	b.tx.change(b.credit)
	return len(b.others)
}

// settle ends the session's part in the account: what is still not counted for
// anybody counts for the newest of those who said so much, and what counts too much
// does not any more.
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
	var counted costValues
	for i := range b.others {
		counted.add(b.others[i].credit.is.(*credit).total())
	}
	worth := b.sums.is.(*accountSums).worth()
	missing, surplus := worth.since(counted), counted.since(worth)
	var newest *sharer
	for i := range b.others {
		other := &b.others[i]
		if !b.tx.lives(other) {
			continue
		}
		if newest == nil {
			newest = other
		}
		if missing != (costValues{}) {
			said := b.saidBy(other).since(other.credit.is.(*credit).total())
			missing.subtract(b.give(other, missing.least(said), worth))
		}
		if surplus != (costValues{}) {
			surplus.subtract(b.tx.take(other, surplus))
		}
	}
	if newest != nil {
		b.give(newest, missing, worth)
	}
}

// give is txn.give in the first of the models that the session named.
func (b *takeBack) give(to *sharer, v, worth costValues) costValues {
	models := slices.Sorted(maps.Keys(to.credit.is.(*credit).models))
	if v == (costValues{}) || len(models) == 0 {
		return costValues{}
	}
	b.tx.give(to, models[0], v, worth.USD > 0)
	return v
}

// saidBy is what a session alone said of the account, or of the first many members.
func (b *takeBack) saidBy(other *sharer) costValues {
	var sums accountSums
	prefix := append(other.id[:], b.id[:]...)
	reads := 0
	for key, raw := range b.tx.Ascend(bucketSaid, prefix, prefixEnd(prefix)) {
		var says saying
		if payload, err := decodeRecord(bucketSaid, key, raw); err != nil || !says.decode(payload) {
			continue // check tells of it
		}
		if _, _, m, _ := splitSaidKey(key); m == wholeAccount {
			sums.whole = says.costValues
		} else {
			sums.of(m).add(says.costValues)
		}
		if reads++; reads == takeBackReads {
			break
		}
	}
	return sums.worth()
}

// lives reports whether a session has not been deleted, and can be changed.
func (tx *txn) lives(s *sharer) bool {
	if !s.looked {
		_, _, err := tx.heir(s)
		s.looked, s.gone = true, err != nil
		if unlessGone(err) != nil {
			tx.note(err)
		}
	}
	return !s.gone
}

// heir reads the session of a credit, and its task.
func (tx *txn) heir(s *sharer) (*taskRecord, *sessionRecord, error) {
	task := s.credit.is.(*credit).task
	t, err := tx.task(task)
	if err != nil {
		return nil, nil, err
	}
	session, err := tx.session(task, s.id)
	return t, session, err
}

// give adds to what a session that lives has cost.
func (tx *txn) give(s *sharer, model string, v costValues, priced bool) {
	t, session, err := tx.heir(s)
	if err != nil {
		panic("eventlog: a session that could be read cannot be read: " + err.Error())
	}
	name, m := session.slot(model)
	m.add(v)
	if !priced {
		m.Unpriced.add(v.tokens())
	}
	session.Totals.addCosts(v)
	if session.Status != StatusOpen {
		t.Totals.addCosts(v)
		if !priced {
			t.Unpriced.addTo(name, v.tokens())
		}
	}
	tx.revalued(t, session)
	s.credit.is.(*credit).add(name, v)
	tx.change(s.credit)
}

// take takes from what a session that lives has cost, as far as its credit goes, and
// returns what it has taken.
func (tx *txn) take(s *sharer, v costValues) (sum costValues) {
	t, session, err := tx.heir(s)
	if err != nil {
		panic("eventlog: a session that could be read cannot be read: " + err.Error())
	}
	for name, taken := range s.credit.is.(*credit).subtract(v) {
		_, m := session.slot(name)
		m.subtract(taken)
		settled := m.Unpriced.since(m.tokens())
		m.Unpriced.subtract(settled)
		session.Totals.subtractCosts(taken)
		if session.Status != StatusOpen {
			t.Totals.subtractCosts(taken)
			t.Unpriced.takeFrom(name, settled)
		}
		sum.add(taken)
	}
	tx.revalued(t, session)
	tx.change(s.credit)
	return sum
}

// revalued says that what a session has cost is another sum now. It is nobody's activity.
func (tx *txn) revalued(t *taskRecord, s *sessionRecord) {
	if s.Status == StatusOpen {
		tx.spend(s)
		return
	}
	tx.rewrite(s)
	tx.tidy(t)
}
