package record

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// A cost with an id counts once, however often it is reported, and in however many sessions
// and tasks. It belongs to an account of the session's agent. The account's id is the
// cost's part_of or, without that, the cost's own id.
//
//   - A cost that is part of an account is a member. The largest amounts reported for a
//     member count; the members add up.
//   - A cost whose id is the account's is about the whole account. The largest amounts
//     reported for the whole count.
//   - Such a cost may be about one turn of the account only. The largest amounts reported
//     for a turn count; the turns add up.
//   - The account is worth the largest of the three, each amount on its own.
//
// An append adds to its session the increase in the worth of the account. So neither order
// nor repetition nor growth changes the sums of the log. Four kinds of records hold this:
// what the account is worth and what each member is worth (store.Accounts), what each
// session reported (store.Said), and what each session added (its [Credit]). With them, a
// deletion can remove what the session reported and pass its credit on to other sessions:
// see takeback.go.

// Hashes give keys of one size, which are compact, and no id is a prefix of another.
type (
	// AccountID is a hash of an agent and the id of an account.
	AccountID [16]byte
	// MemberID is a hash of the id of a member or a turn.
	MemberID [16]byte
)

// WholeAccount stands for the whole account where a key needs a member. No id has this
// hash.
var WholeAccount MemberID

// AccountOf returns the account of a cost with an id. Each agent has accounts of its own.
func AccountOf(agent string, c *Cost) AccountID {
	name := c.PartOf
	if name == "" {
		name = c.ID
	}
	return AccountID(sum16(append(appendName(nil, agent), name...)))
}

// MemberOf returns the member or the turn that a cost is about, or WholeAccount.
func MemberOf(c *Cost) MemberID {
	switch {
	case c.PartOf != "":
		m := MemberID(sum16([]byte(c.ID)))
		m[0] &^= turnBit
		return m
	case c.Turn != "":
		m := MemberID(sum16([]byte(c.Turn)))
		m[0] |= turnBit
		return m
	}
	return WholeAccount
}

// turnBit is set in the first byte of the id of a turn, and clear in that of a member.
const turnBit = 0x80

func sum16(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// The keys of store.Accounts begin with the account. The next byte is the kind of the
// record.
const (
	AccountItself = iota
	AccountCredit
	accountMember
)

// AccountKey is the key of what an account is worth.
func AccountKey(a AccountID) []byte { return append(a[:], AccountItself) }

// CreditKey is the key of what a session has added to an account.
func CreditKey(a AccountID, session event.SessionID) []byte {
	return append(append(a[:], AccountCredit), session[:]...)
}

// MemberKey is the key of the largest amounts reported for a member or a turn.
func MemberKey(a AccountID, m MemberID) []byte { return append(append(a[:], accountMember), m[:]...) }

// SaidKey is the key of what a session reported for a member.
func SaidKey(session event.SessionID, a AccountID, m MemberID) []byte {
	return append(append(append(make([]byte, 0, 48), session[:]...), a[:]...), m[:]...)
}

// SplitSaidKey is the inverse of SaidKey.
func SplitSaidKey(key []byte) (session event.SessionID, a AccountID, m MemberID, ok bool) {
	if len(key) != 48 {
		return session, a, m, false
	}
	return event.SessionID(key[:16]), AccountID(key[16:32]), MemberID(key[32:]), true
}

// AccountSums are the amounts reported for an account: the largest of all sessions.
type AccountSums struct {
	Whole   Amounts
	Members Amounts // sum of the members
	Turns   Amounts // sum of the turns
}

// Worth is what the account has cost.
func (a *AccountSums) Worth() Amounts { return a.Whole.Most(a.Members).Most(a.Turns) }

// Of returns the sum that includes a member or a turn.
func (a *AccountSums) Of(m MemberID) *Amounts {
	if m[0]&turnBit != 0 {
		return &a.Turns
	}
	return &a.Members
}

// Encode implements [AccountValue].
func (a *AccountSums) Encode() []byte {
	return appendAmounts(appendAmounts(appendAmounts(nil, a.Whole), a.Members), a.Turns)
}

// Decode implements [AccountValue].
func (a *AccountSums) Decode(b []byte) bool {
	if len(b) != 3*AmountsSize {
		return false
	}
	a.Whole, a.Members, a.Turns = ReadAmounts(b), ReadAmounts(b[AmountsSize:]), ReadAmounts(b[2*AmountsSize:])
	return true
}

// MemberSum is the largest amounts that were reported for a member.
type MemberSum struct{ Amounts }

// Encode implements [AccountValue].
func (m *MemberSum) Encode() []byte { return appendAmounts(nil, m.Amounts) }

// Decode implements [AccountValue].
func (m *MemberSum) Decode(b []byte) bool {
	if len(b) != AmountsSize {
		return false
	}
	m.Amounts = ReadAmounts(b)
	return true
}

// Saying is the largest amounts that a session reported for a member, or for the whole of
// an account, and the name under which its model counts.
type Saying struct {
	Amounts
	model string
}

// Encode implements [AccountValue].
func (s *Saying) Encode() []byte { return append(appendAmounts(nil, s.Amounts), s.model...) }

// Decode implements [AccountValue].
func (s *Saying) Decode(b []byte) bool {
	if len(b) < AmountsSize {
		return false
	}
	s.Amounts, s.model = ReadAmounts(b), string(b[AmountsSize:])
	return true
}

// Credit is the part of an account's worth that a session has added, by model. Every
// session that reported anything for the account has one.
type Credit struct {
	Task   string
	Models map[string]Amounts
}

// Total is the credit of all models together.
func (c *Credit) Total() (sum Amounts) {
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		sum.Add(c.Models[name])
	}
	return sum
}

func (c *Credit) add(model string, v Amounts) {
	sum := c.Models[model]
	sum.Add(v)
	c.Models[model] = sum
}

// subtract takes v from the credit, or as much of it as there is, and returns what it took
// from each model.
func (c *Credit) subtract(v Amounts) map[string]Amounts {
	taken := map[string]Amounts{}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		sum := c.Models[name]
		taken[name] = sum.least(v)
		sum.subtract(taken[name])
		v.subtract(taken[name])
		c.Models[name] = sum
	}
	return taken
}

// Encode implements [AccountValue].
func (c *Credit) Encode() []byte {
	b := append([]byte{byte(len(c.Task))}, c.Task...)
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		b = appendAmounts(appendName(b, name), c.Models[name])
	}
	return b
}

// Decode implements [AccountValue].
func (c *Credit) Decode(b []byte) bool {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return false
	}
	end := 1 + int(b[0])
	c.Task, c.Models = string(b[1:end]), map[string]Amounts{}
	for rest := b[end:]; len(rest) > 0; {
		name, amounts, ok := CutName(rest)
		if !ok || len(amounts) < AmountsSize {
			return false
		}
		c.Models[name] = ReadAmounts(amounts)
		rest = amounts[AmountsSize:]
	}
	return true
}

// account is a record about an account that a transaction keeps until its end.
type account struct {
	bucket  store.Bucket
	key     []byte
	is      AccountValue
	exists  bool // the store has it
	changed bool
}

// AccountValue is the payload of a record about an account.
type AccountValue interface {
	Encode() []byte
	Decode([]byte) bool
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

// SplitAccountKey splits a key of store.Accounts. Depending on kind, of is empty, a session
// or a member.
func SplitAccountKey(key []byte) (a AccountID, kind byte, of [16]byte, ok bool) {
	if len(key) <= len(a) {
		return a, 0, of, false
	}
	copy(a[:], key)
	kind = key[len(a)]
	rest := key[len(a)+1:]
	copy(of[:], rest)
	return a, kind, of, kind == AccountItself && len(rest) == 0 || (kind == AccountCredit || kind == accountMember) && len(rest) == len(of)
}
