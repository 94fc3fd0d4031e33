package record

import (
	"bytes"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// account is a record about an account that a transaction keeps until its end.
type account struct {
	bucket  store.Bucket
	key     []byte
	is      AccountValue
	exists  bool // the store has it
	changed bool
}

// account reads a record into a value, if the record exists. All changes of the transaction
// share it.
func (tx *Txn) account(b store.Bucket, key []byte, empty AccountValue) (*account, error) {
	name := string(b) + string(key)
	if a, known := tx.accounts[name]; known {
		return a, nil
	}
	a := &account{bucket: b, key: key, is: empty}
	if raw := tx.Get(b, key); raw != nil {
		payload, err := Decode(b, key, raw)
		if err != nil {
			return nil, err
		}
		if a.exists = a.is.Decode(payload); !a.exists {
			return nil, &store.DamageError{Bucket: b, Key: bytes.Clone(key), Reason: "is no record of an account"}
		}
	}
	if tx.accounts == nil {
		tx.accounts = map[string]*account{}
	}
	tx.accounts[name] = a
	return a, nil
}

// change marks a record for writing; gone marks it for removal.
func (tx *Txn) change(a *account) {
	tx.Wrote = true
	a.exists = true
	if !a.changed {
		a.changed = true
		tx.changedAccounts = append(tx.changedAccounts, a)
	}
}

func (tx *Txn) gone(a *account) {
	tx.change(a)
	a.exists = false
}

// writeAccounts writes the records that changed, so that code that iterates over the store
// sees them.
func (tx *Txn) writeAccounts() {
	for _, a := range tx.changedAccounts {
		if a.changed = false; a.exists {
			tx.Put(a.bucket, a.key, Encode(a.bucket, a.key, a.is.Encode()))
		} else {
			tx.Delete(a.bucket, a.key)
		}
	}
	clear(tx.accounts)
	tx.changedAccounts = nil
}

// statement has the records that a cost with an id changes.
type statement struct {
	account *account // AccountSums
	member  *account // MemberSum; nil: the cost is about the whole account
	said    *account // Saying
	credit  *account // Credit
}

// Statement reads the records that a cost with an id changes. A second call in the same
// transaction cannot fail.
func (tx *Txn) Statement(agent string, s *Session, c *Cost) (st statement, err error) {
	a, m := AccountOf(agent, c), MemberOf(c)
	if st.account, err = tx.account(store.Accounts, AccountKey(a), &AccountSums{}); err != nil {
		return st, err
	}
	if m != WholeAccount {
		if st.member, err = tx.account(store.Accounts, MemberKey(a, m), &MemberSum{}); err != nil {
			return st, err
		}
	}
	if s == nil { // the session has not started yet, so it has reported nothing
		return st, nil
	}
	if st.said, err = tx.account(store.Said, SaidKey(s.ID, a, m), &Saying{}); err != nil {
		return st, err
	}
	st.credit, err = tx.account(store.Accounts, CreditKey(a, s.ID), &Credit{Task: s.Task, Models: map[string]Amounts{}})
	return st, err
}

// Foresee reads all records that the costs of an append need, so that nothing can fail once
// the append has begun to write. The session is nil if it has not started yet.
func (tx *Txn) Foresee(s *Session, events []Prepared) error {
	agent := ""
	if s != nil {
		agent = s.Agent
	}
	for i := range events {
		p := &events[i]
		if p.About != nil && p.About.Agent != "" {
			agent = p.About.Agent
		}
		if p.Cost == nil {
			continue
		}
		if s != nil {
			if err := tx.spent(s); err != nil {
				return err
			}
		}
		if p.Cost.ID != "" {
			if _, err := tx.Statement(agent, s, p.Cost); err != nil {
				return err
			}
		}
	}
	return nil
}

// Count adds a cost to the records, and returns what it adds to its session.
func (tx *Txn) Count(s *Session, c *Cost) Amounts {
	var added Amounts
	if c.ID == "" {
		added = s.Plain(c)
	} else {
		added = tx.state(s, c)
	}
	s.Enter(c, added)
	tx.Spend(s)
	return added
}

// state adds a cost with an id to its account, and returns the increase in the account's
// worth.
func (tx *Txn) state(s *Session, c *Cost) Amounts {
	st, err := tx.Statement(s.Agent, s, c)
	if err != nil {
		panic("eventlog: a cost was not foreseen: " + err.Error())
	}
	sums, said := st.account.is.(*AccountSums), st.said.is.(*Saying)
	most := said.Most(c.Amounts)
	if st.said.exists && most == said.Amounts {
		return Amounts{} // the session has reported this before
	}
	model, _ := s.Slot(c.Model)
	*said = Saying{most, model}
	tx.change(st.said)

	before := sums.Worth()
	if st.member == nil {
		sums.Whole = sums.Whole.Most(c.Amounts)
	} else {
		member := st.member.is.(*MemberSum)
		sums.Of(MemberOf(c)).Add(c.Since(member.Amounts))
		member.Amounts = member.Most(c.Amounts)
		tx.change(st.member)
	}
	tx.change(st.account)
	added := sums.Worth().Since(before)
	st.credit.is.(*Credit).add(model, added)
	tx.change(st.credit)
	return added
}

// saidAnything reports whether a session reported anything for an account.
func (tx *Txn) saidAnything(id event.SessionID) bool {
	tx.writeAccounts()
	for range tx.Ascend(store.Said, id[:], PrefixEnd(id[:])) {
		return true
	}
	return false
}
