package record

import (
	"maps"
	"slices"
)

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

// AccountValue is the payload of a record about an account.
type AccountValue interface {
	Encode() []byte
	Decode([]byte) bool
}
