package eventlog

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
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
// (bucketAccounts), and what each session said (bucketSaid) and added (its credit), so
// that a deletion can take back the one and hand over the other: see takeback.go.

// accountID stands for an agent and the id of an account, and memberID for the id of
// a member: hashes, because keys of one size are compact, and whose beginnings mean
// nothing.
type (
	accountID [16]byte
	memberID  [16]byte
)

// wholeAccount is in the place of a member for what is said of all of an account. No
// id has this hash.
var wholeAccount memberID

func accountOf(agent string, c *cost) accountID {
	name := c.PartOf
	if name == "" {
		name = c.ID
	}
	return accountID(sum16(append(appendName(nil, agent), name...)))
}

func memberOf(c *cost) memberID {
	switch {
	case c.PartOf != "":
		m := memberID(sum16([]byte(c.ID)))
		m[0] &^= turnBit
		return m
	case c.Turn != "":
		m := memberID(sum16([]byte(c.Turn)))
		m[0] |= turnBit
		return m
	}
	return wholeAccount
}

// turnBit tells a turn from a member, in the first byte of its id.
const turnBit = 0x80

func sum16(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// The keys of bucketAccounts begin with the account. A byte says what stands there.
const (
	accountItself = iota
	accountCredit
	accountMember
)

func accountKey(a accountID) []byte { return append(a[:], accountItself) }

func creditKey(a accountID, session SessionID) []byte {
	return append(append(a[:], accountCredit), session[:]...)
}

func memberKey(a accountID, m memberID) []byte { return append(append(a[:], accountMember), m[:]...) }

func saidKey(session SessionID, a accountID, m memberID) []byte {
	return append(append(append(make([]byte, 0, 48), session[:]...), a[:]...), m[:]...)
}

// splitSaidKey is the inverse of saidKey.
func splitSaidKey(key []byte) (session SessionID, a accountID, m memberID, ok bool) {
	if len(key) != 48 {
		return session, a, m, false
	}
	return SessionID(key[:16]), accountID(key[16:32]), memberID(key[32:]), true
}

// accountSums are what is said of an account, the largest amounts of all sessions.
type accountSums struct {
	whole   costValues
	members costValues // that the members add up to
	turns   costValues // that the turns add up to
}

// worth is what the account has cost.
func (a *accountSums) worth() costValues { return a.whole.most(a.members).most(a.turns) }

// of returns the sum that a member or a turn is part of.
func (a *accountSums) of(m memberID) *costValues {
	if m[0]&turnBit != 0 {
		return &a.turns
	}
	return &a.members
}

func (a *accountSums) encode() []byte {
	return appendAmounts(appendAmounts(appendAmounts(nil, a.whole), a.members), a.turns)
}

func (a *accountSums) decode(b []byte) bool {
	if len(b) != 3*amountsSize {
		return false
	}
	a.whole, a.members, a.turns = readAmounts(b), readAmounts(b[amountsSize:]), readAmounts(b[2*amountsSize:])
	return true
}

// memberSum is the largest amounts that were said of a member.
type memberSum struct{ costValues }

func (m *memberSum) encode() []byte { return appendAmounts(nil, m.costValues) }

func (m *memberSum) decode(b []byte) bool {
	if len(b) != amountsSize {
		return false
	}
	m.costValues = readAmounts(b)
	return true
}

// saying is the largest amounts that a session said of a member, or of the whole of
// an account, and under which name its model counts.
type saying struct {
	costValues
	model string
}

func (s *saying) encode() []byte { return append(appendAmounts(nil, s.costValues), s.model...) }

func (s *saying) decode(b []byte) bool {
	if len(b) < amountsSize {
		return false
	}
	s.costValues, s.model = readAmounts(b), string(b[amountsSize:])
	return true
}

// credit is what a session has added to what an account is worth, by model. Every
// session that said anything of the account has one.
type credit struct {
	task   string
	models map[string]costValues
}

// total is the credit in all models.
func (c *credit) total() (sum costValues) {
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		sum.add(c.models[name])
	}
	return sum
}

func (c *credit) add(model string, v costValues) {
	sum := c.models[model]
	sum.add(v)
	c.models[model] = sum
}

// subtract takes v from the credit, as much of it as there is, and returns what was
// taken of each model.
func (c *credit) subtract(v costValues) map[string]costValues {
	taken := map[string]costValues{}
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		sum := c.models[name]
		taken[name] = sum.least(v)
		sum.subtract(taken[name])
		v.subtract(taken[name])
		c.models[name] = sum
	}
	return taken
}

func (c *credit) encode() []byte {
	b := append([]byte{byte(len(c.task))}, c.task...)
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		b = appendAmounts(appendName(b, name), c.models[name])
	}
	return b
}

func (c *credit) decode(b []byte) bool {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return false
	}
	end := 1 + int(b[0])
	c.task, c.models = string(b[1:end]), map[string]costValues{}
	for rest := b[end:]; len(rest) > 0; {
		name, amounts, ok := cutName(rest)
		if !ok || len(amounts) < amountsSize {
			return false
		}
		c.models[name] = readAmounts(amounts)
		rest = amounts[amountsSize:]
	}
	return true
}

// account is a record of an account, as a transaction keeps it until its end.
type account struct {
	bucket  Bucket
	key     []byte
	is      accountValue
	exists  bool // it stands in the store
	changed bool
}

// accountValue is the payload of a record of accounts.
type accountValue interface {
	encode() []byte
	decode([]byte) bool
}

// account reads a record into a value, if there is one, and keeps it for all changes
// of the transaction.
func (tx *txn) account(b Bucket, key []byte, empty accountValue) (*account, error) {
	name := string(b) + string(key)
	if a, known := tx.accounts[name]; known {
		return a, nil
	}
	a := &account{bucket: b, key: key, is: empty}
	if raw := tx.Get(b, key); raw != nil {
		payload, err := decodeRecord(b, key, raw)
		if err != nil {
			return nil, err
		}
		if a.exists = a.is.decode(payload); !a.exists {
			return nil, &DamageError{Bucket: b, Key: bytes.Clone(key), Reason: "is no record of an account"}
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
func (tx *txn) change(a *account) {
	tx.wrote = true
	a.exists = true
	if !a.changed {
		a.changed = true
		tx.changedAccounts = append(tx.changedAccounts, a)
	}
}

func (tx *txn) gone(a *account) {
	tx.change(a)
	a.exists = false
}

// writeAccounts writes the records that changed, for those who look for them in the
// store.
func (tx *txn) writeAccounts() {
	for _, a := range tx.changedAccounts {
		if a.changed = false; a.exists {
			tx.Put(a.bucket, a.key, encodeRecord(a.bucket, a.key, a.is.encode()))
		} else {
			tx.Delete(a.bucket, a.key)
		}
	}
	clear(tx.accounts)
	tx.changedAccounts = nil
}

// statement is where a cost with an id stands.
type statement struct {
	account *account // accountSums
	member  *account // memberSum; nil: the cost speaks of the whole
	said    *account // saying
	credit  *account // credit
}

// statement reads what is known of a cost with an id. Who has done that once in a
// transaction can do it again without an error.
func (tx *txn) statement(agent string, s *sessionRecord, c *cost) (st statement, err error) {
	a, m := accountOf(agent, c), memberOf(c)
	if st.account, err = tx.account(bucketAccounts, accountKey(a), &accountSums{}); err != nil {
		return st, err
	}
	if m != wholeAccount {
		if st.member, err = tx.account(bucketAccounts, memberKey(a, m), &memberSum{}); err != nil {
			return st, err
		}
	}
	if s == nil { // it is to be started, and has said nothing
		return st, nil
	}
	if st.said, err = tx.account(bucketSaid, saidKey(s.id, a, m), &saying{}); err != nil {
		return st, err
	}
	st.credit, err = tx.account(bucketAccounts, creditKey(a, s.id), &credit{task: s.task, models: map[string]costValues{}})
	return st, err
}

// foresee reads all that the costs of an append need, so that nothing can fail once
// the append has begun to write. The session is nil if it is to be started.
func (tx *txn) foresee(s *sessionRecord, events []prepared) error {
	agent := ""
	if s != nil {
		agent = s.Agent
	}
	for i := range events {
		p := &events[i]
		if p.about != nil && p.about.Agent != "" {
			agent = p.about.Agent
		}
		if p.cost == nil {
			continue
		}
		if s != nil {
			if err := tx.spent(s); err != nil {
				return err
			}
		}
		if p.cost.ID != "" {
			if _, err := tx.statement(agent, s, p.cost); err != nil {
				return err
			}
		}
	}
	return nil
}

// count books a cost, and returns what it adds to its session.
func (tx *txn) count(s *sessionRecord, c *cost) costValues {
	var added costValues
	if c.ID == "" {
		added = s.plain(c)
	} else {
		added = tx.state(s, c)
	}
	s.enter(c, added)
	tx.spend(s)
	return added
}

// state enters a cost with an id into its account, and returns by how much that is
// worth more.
func (tx *txn) state(s *sessionRecord, c *cost) costValues {
	st, err := tx.statement(s.Agent, s, c)
	if err != nil {
		panic("eventlog: a cost was not foreseen: " + err.Error())
	}
	sums, said := st.account.is.(*accountSums), st.said.is.(*saying)
	most := said.most(c.costValues)
	if st.said.exists && most == said.costValues {
		return costValues{} // the session has said so before
	}
	model, _ := s.slot(c.Model)
	*said = saying{most, model}
	tx.change(st.said)

	before := sums.worth()
	if st.member == nil {
		sums.whole = sums.whole.most(c.costValues)
	} else {
		member := st.member.is.(*memberSum)
		sums.of(memberOf(c)).add(c.since(member.costValues))
		member.costValues = member.most(c.costValues)
		tx.change(st.member)
	}
	tx.change(st.account)
	added := sums.worth().since(before)
	st.credit.is.(*credit).add(model, added)
	tx.change(st.credit)
	return added
}

// saidAnything reports whether a session said anything of an account.
func (tx *txn) saidAnything(id SessionID) bool {
	tx.writeAccounts()
	for range tx.Ascend(bucketSaid, id[:], prefixEnd(id[:])) {
		return true
	}
	return false
}

// splitAccountKey takes apart a key of bucketAccounts: what follows the byte that
// says what stands there is empty, a session or a member.
func splitAccountKey(key []byte) (a accountID, kind byte, of [16]byte, ok bool) {
	if len(key) <= len(a) {
		return a, 0, of, false
	}
	copy(a[:], key)
	kind = key[len(a)]
	rest := key[len(a)+1:]
	copy(of[:], rest)
	return a, kind, of, kind == accountItself && len(rest) == 0 || (kind == accountCredit || kind == accountMember) && len(rest) == len(of)
}
