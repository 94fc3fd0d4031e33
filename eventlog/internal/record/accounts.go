package record

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// A cost with an id counts once, in whichever session of whichever task it is said,
// and however often. It belongs to an account of the session's agent: the one that it
// is part of, or the one that has its id.
//
//   - A cost that is part of an account is a member. The largest amounts said of it
//     count; the members add up.
//   - A cost whose id is the account's speaks of the whole. The largest amounts said
//     count.
//   - It may speak of one turn of the account alone. The largest amounts said of a turn
//     count; the turns add up.
//   - The account is worth the largest of the three, each amount on its own.
//
// What an append adds to its session is by how much the account is worth more than
// before. So neither order nor repetition nor growth changes what the log adds up to.
// It takes four records: of the account and its members what they are worth
// (store.Accounts), and what each session said (store.Said) and added (its credit), so
// that a deletion can take back the one and hand over the other: see takeback.go.

// AccountID stands for an agent and the id of an account, and MemberID for the id of
// a member: hashes, because keys of one size are compact, and whose beginnings mean
// nothing.
type (
	AccountID [16]byte
	MemberID  [16]byte
)

// WholeAccount is in the place of a member for what is said of all of an account. No
// id has this hash.
var WholeAccount MemberID

// AccountOf returns the account of a cost with an id, which is its agent's.
func AccountOf(agent string, c *Cost) AccountID {
	name := c.PartOf
	if name == "" {
		name = c.ID
	}
	return AccountID(sum16(append(appendName(nil, agent), name...)))
}

// MemberOf returns the member or the turn of its account that a cost speaks of.
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

// turnBit tells a turn from a member, in the first byte of its id.
const turnBit = 0x80

func sum16(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// The keys of store.Accounts begin with the account. A byte says what stands there.
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

// MemberKey is the key of the largest amounts said of a member.
func MemberKey(a AccountID, m MemberID) []byte { return append(append(a[:], accountMember), m[:]...) }

// SaidKey is the key of what a session said of a member.
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

// AccountSums are what is said of an account, the largest amounts of all sessions.
type AccountSums struct {
	Whole   Amounts
	Members Amounts // that the members add up to
	Turns   Amounts // that the turns add up to
}

// Worth is what the account has cost.
func (a *AccountSums) Worth() Amounts { return a.Whole.Most(a.Members).Most(a.Turns) }

// Of returns the sum that a member or a turn is part of.
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

// MemberSum is the largest amounts that were said of a member.
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

// Saying is the largest amounts that a session said of a member, or of the whole of
// an account, and under which name its model counts.
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

// Credit is what a session has added to what an account is worth, by model. Every
// session that said anything of the account has one.
type Credit struct {
	Task   string
	Models map[string]Amounts
}

// Total is the credit in all models.
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

// subtract takes v from the credit, as much of it as there is, and returns what was
// taken of each model.
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

// account is a record of an account, as a transaction keeps it until its end.
type account struct {
	bucket  store.Bucket
	key     []byte
	is      AccountValue
	exists  bool // it stands in the store
	changed bool
}

// AccountValue is the payload of a record of accounts.
type AccountValue interface {
	Encode() []byte
	Decode([]byte) bool
}

// account reads a record into a value, if there is one, and keeps it for all changes
// of the transaction.
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

// change says that a record of an account is to be written; gone, that it is to be
// removed.
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

// writeAccounts writes the records that changed, for those who look for them in the
// store.
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

// statement is where a cost with an id stands.
type statement struct {
	account *account // AccountSums
	member  *account // MemberSum; nil: the cost speaks of the whole
	said    *account // saying
	credit  *account // credit
}

// Statement reads what is known of a cost with an id. Who has done that once in a
// transaction can do it again without an error.
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
	if s == nil { // it is to be started, and has said nothing
		return st, nil
	}
	if st.said, err = tx.account(store.Said, SaidKey(s.ID, a, m), &Saying{}); err != nil {
		return st, err
	}
	st.credit, err = tx.account(store.Accounts, CreditKey(a, s.ID), &Credit{Task: s.Task, Models: map[string]Amounts{}})
	return st, err
}

// Foresee reads all that the costs of an append need, so that nothing can fail once
// the append has begun to write. The session is nil if it is to be started.
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

// Count books a cost, and returns what it adds to its session.
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

// state enters a cost with an id into its account, and returns by how much that is
// worth more.
func (tx *Txn) state(s *Session, c *Cost) Amounts {
	st, err := tx.Statement(s.Agent, s, c)
	if err != nil {
		panic("eventlog: a cost was not foreseen: " + err.Error())
	}
	sums, said := st.account.is.(*AccountSums), st.said.is.(*Saying)
	most := said.Most(c.Amounts)
	if st.said.exists && most == said.Amounts {
		return Amounts{} // the session has said so before
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

// saidAnything reports whether a session said anything of an account.
func (tx *Txn) saidAnything(id event.SessionID) bool {
	tx.writeAccounts()
	for range tx.Ascend(store.Said, id[:], PrefixEnd(id[:])) {
		return true
	}
	return false
}

// SplitAccountKey takes apart a key of store.Accounts: what follows the byte that
// says what stands there is empty, a session or a member.
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
