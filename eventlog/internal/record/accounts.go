package record

import (
	"crypto/sha256"

	"jrweb/eventlog/event"
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
