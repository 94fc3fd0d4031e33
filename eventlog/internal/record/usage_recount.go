package record

import (
	"maps"
	"slices"
	"time"
)

// Recount finds the rows of store.Usage for what a session of an earlier format has cost.
// Its events say when. How much of what they say has counted for this session is only known
// in sum, because other sessions may have said the same: nothing beyond its totals counts.
// What no event says counts on the day of its start: events may have been trimmed, and a
// session that was deleted may have left its credit to this one.
type Recount struct {
	tx   *Txn
	task *Task
	s    *Session
	left map[string]Amounts // of the totals, by model
	last map[string]Amounts // the last cumulative costs, by model
	said map[[2][16]byte]Amounts
}

// Recount begins with a session.
func (tx *Txn) Recount(t *Task, s *Session) *Recount {
	r := &Recount{tx: tx, task: t, s: s, left: map[string]Amounts{}, last: map[string]Amounts{}, said: map[[2][16]byte]Amounts{}}
	for name, m := range s.Models {
		r.left[name] = m.Amounts
	}
	return r
}

// Add adds a cost event of the session. They must come in their order.
func (r *Recount) Add(at time.Time, c *Cost) {
	name := slotOf(r.s.Models, c.Model)
	m := r.s.Models[name]
	if m == nil {
		return
	}
	says := c.Amounts
	switch {
	case c.ID != "":
		of := [2][16]byte{AccountOf(r.s.Agent, c), MemberOf(c)}
		says = c.Since(r.said[of])
		r.said[of] = r.said[of].Most(c.Amounts)
	case c.Cumulative:
		says = c.Since(r.last[c.Model])
		r.last[c.Model] = c.Amounts
	}
	if c.USD > 0 {
		m.booked = nil
	}
	left := r.left[name]
	says = says.least(left)
	left.subtract(says)
	r.left[name] = left
	if key := r.count(at, c.Model, says); c.USD == 0 {
		m.book(key, says.Tokens())
	}
}

func (r *Recount) count(at time.Time, model string, v Amounts) (key UsageKey) {
	if v.Tokens() == (Amounts{}) && v.USD < 1e-9 { // a sum of money has such a rest
		return key
	}
	key, row := r.tx.usageOf(usageDay(at, r.tx.Now), usageNames(r.task, r.s, model))
	row.Add(v)
	row.changed = true
	return key
}

// End counts what no event says, and which tokens have no price.
func (r *Recount) End() {
	for _, name := range slices.Sorted(maps.Keys(r.s.Models)) {
		m := r.s.Models[name]
		r.count(r.s.Started.Time, name, r.left[name])
		left, booked := m.Unpriced, m.booked
		m.booked = nil
		for _, b := range booked {
			tokens := b.tokens.least(left)
			left.subtract(tokens)
			r.unpriced(m, b.row, tokens)
		}
		if left != (Amounts{}) {
			key, _ := r.tx.usageOf(usageDay(r.s.Started.Time, r.tx.Now), usageNames(r.task, r.s, name))
			r.unpriced(m, key, left)
		}
	}
	if len(r.s.Models) > 0 {
		r.tx.Spend(r.s)
	}
}

func (r *Recount) unpriced(m *modelCosts, key UsageKey, tokens Amounts) {
	row := r.tx.usageAt(key)
	row.Unpriced.Add(tokens)
	row.changed = true
	m.book(key, tokens)
}
