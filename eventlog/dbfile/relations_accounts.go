package dbfile

import (
	"maps"
	"math"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// nearly reports whether two sums are equal, except for rounding that depends on the order
// in which money was added: a cent is not damage.
func nearly(a, b record.Amounts) bool {
	return a.Tokens() == b.Tokens() && math.Abs(a.USD-b.USD) <= 0.01+1e-9*math.Abs(b.USD)
}

// checkSpent checks that store.Spent has only open sessions.
func (c *relations) checkSpent() error {
	return c.each(store.Spent, func(key, _ []byte) error {
		if len(key) != len(event.SessionID{}) {
			c.wrong(store.Spent, key, "is no session")
			return nil
		}
		switch s := c.sessions[event.SessionID(key)]; {
		case s == nil:
			c.wrong(store.Spent, key, "the session does not exist")
		case s.known && !s.open:
			c.wrong(store.Spent, key, "the session is sealed")
		}
		return nil
	}, nil)
}

// accountRun checks the records of one account.
type accountRun struct {
	c       *relations
	id      record.AccountID
	sums    *record.AccountSums // nil: there is none, or it is damaged
	some    bool                // there is a record of the sums
	parts   record.AccountSums  // the sums of the members and the turns
	credits []event.SessionID
	counted record.Amounts // the sum of the credits
	unknown bool           // one of the records is damaged
	pending bool           // a deleted session has not been taken back yet
}

// checkAccounts checks that the worth of each account agrees with what its sessions
// reported, and that their credits add up to that worth.
func (c *relations) checkAccounts() error {
	var run *accountRun
	at := func(key []byte) (kind byte, of [16]byte, ok bool) {
		id, kind, of, ok := record.SplitAccountKey(key)
		if !ok {
			c.wrong(store.Accounts, key, "is no key of an account")
			return 0, of, false
		}
		if run == nil || run.id != id {
			run.end()
			run = &accountRun{c: c, id: id}
		}
		run.some = run.some || kind == record.AccountItself
		return kind, of, true
	}
	err := c.each(store.Accounts, func(key, payload []byte) error {
		kind, of, ok := at(key)
		if ok {
			run.add(key, kind, of, payload)
		}
		return nil
	}, func(key []byte) {
		kind, of, ok := at(key)
		if !ok {
			return
		}
		run.unknown = true
		if kind == record.AccountCredit {
			run.credits = append(run.credits, of)
			c.uncounted(of)
		}
	})
	run.end()
	return err
}

// uncounted says that the credits of a session are not all known.
func (c *relations) uncounted(id event.SessionID) {
	if s := c.sessions[id]; s != nil {
		s.uncounted = true
	}
}

func (r *accountRun) add(key []byte, kind byte, of [16]byte, payload []byte) {
	var v record.AccountValue
	switch kind {
	case record.AccountItself:
		r.sums = &record.AccountSums{}
		v = r.sums
	case record.AccountCredit:
		v = &record.Credit{}
	default:
		v = &record.MemberSum{}
	}
	if !v.Decode(payload) {
		r.c.wrong(store.Accounts, key, "is no record of an account")
		r.unknown, r.sums = true, nil
		if kind == record.AccountCredit {
			r.c.uncounted(of)
		}
		return
	}
	switch v := v.(type) {
	case *record.Credit:
		r.addCredit(key, of, v)
	case *record.MemberSum:
		r.parts.Of(of).Add(v.Amounts)
		if said, ok := r.said(of); ok && said != v.Amounts {
			r.c.wrong(store.Accounts, key, "costs %+v, and sessions said %+v", v.Amounts, said)
		}
	}
}

func (r *accountRun) addCredit(key []byte, id event.SessionID, v *record.Credit) {
	r.credits = append(r.credits, id)
	r.counted.Add(v.Total())
	s := r.c.sessions[id]
	switch {
	case s != nil && s.task == v.Task:
		if s.credits == nil {
			s.credits = map[string]record.Amounts{}
		}
		for name, amounts := range v.Models {
			sum := s.credits[name]
			sum.Add(amounts)
			s.credits[name] = sum
		}
	case s == nil && r.c.inTrash(store.Said, id[:]):
		r.pending = true
	default:
		r.c.wrong(store.Accounts, key, "the session does not exist")
	}
}

// said returns the largest amounts that the sessions of the account reported for a member.
// ok is false if that cannot be known.
func (r *accountRun) said(m record.MemberID) (most record.Amounts, ok bool) {
	for _, id := range r.credits {
		key := record.SaidKey(id, r.id, m)
		raw := r.c.Get(store.Said, key)
		if raw == nil {
			continue
		}
		payload, err := record.Decode(store.Said, key, raw)
		var says record.Saying
		if err != nil || !says.Decode(payload) {
			r.unknown = true
			return record.Amounts{}, false
		}
		most = most.Most(says.Amounts)
	}
	return most, !r.unknown
}

func (r *accountRun) end() {
	if r == nil {
		return
	}
	key := record.AccountKey(r.id)
	if !r.some {
		r.c.wrong(store.Accounts, key, "is missing")
		return
	}
	whole, ok := r.said(record.WholeAccount)
	if !ok || r.sums == nil {
		return
	}
	if whole != r.sums.Whole {
		r.c.wrong(store.Accounts, key, "costs %+v, and sessions said %+v", r.sums.Whole, whole)
	}
	if !nearly(r.sums.Members, r.parts.Members) {
		r.c.wrong(store.Accounts, key, "its members cost %+v, and add up to %+v", r.sums.Members, r.parts.Members)
	}
	if !nearly(r.sums.Turns, r.parts.Turns) {
		r.c.wrong(store.Accounts, key, "its turns cost %+v, and add up to %+v", r.sums.Turns, r.parts.Turns)
	}
	if !r.pending && !nearly(r.sums.Worth(), r.counted) {
		r.c.wrong(store.Accounts, key, "is worth %+v, and its sessions have added %+v", r.sums.Worth(), r.counted)
	}
}

// checkSaid checks that what a session reported has its place in an account.
func (c *relations) checkSaid() error {
	return c.each(store.Said, func(key, payload []byte) error {
		id, a, m, ok := record.SplitSaidKey(key)
		if !ok {
			c.wrong(store.Said, key, "is no key of a cost")
			return nil
		}
		if !(&record.Saying{}).Decode(payload) {
			c.wrong(store.Said, key, "is too short")
		}
		if c.sessions[id] == nil && !c.inTrash(store.Said, id[:]) {
			c.wrong(store.Said, key, "the session does not exist")
		}
		in := record.AccountKey(a)
		if m != record.WholeAccount {
			in = record.MemberKey(a, m)
		}
		if c.Get(store.Accounts, in) == nil || c.Get(store.Accounts, record.CreditKey(a, id)) == nil {
			c.wrong(store.Said, key, "counts in no account")
		}
		return nil
	}, nil)
}

// said reports whether store.Said includes a cost with an id. It is also true if that
// cannot be known.
func (r *eventRun) said(agent string, cost *record.Cost) bool {
	key := record.SaidKey(r.id, record.AccountOf(agent, cost), record.MemberOf(cost))
	raw := r.c.Get(store.Said, key)
	if raw == nil {
		return false
	}
	payload, err := record.Decode(store.Said, key, raw)
	var says record.Saying
	return err != nil || !says.Decode(payload) || says.Most(cost.Amounts) == says.Amounts
}

// checkCosts compares the cost of a session with the sum of its events and of its credits
// in accounts.
func (r *eventRun) checkCosts() {
	s := r.session
	if checked := r.c.sessions[r.id]; checked.uncounted {
		return
	} else {
		for name, v := range checked.credits {
			_, m := r.sum.Slot(name)
			m.Add(v)
		}
	}
	r.sum.Totals.SetCosts(record.Amounts{})
	same := slices.Equal(slices.Sorted(maps.Keys(r.sum.Models)), slices.Sorted(maps.Keys(s.Models)))
	for name, m := range r.sum.Models {
		r.sum.Totals.AddCosts(m.Amounts)
		kept := s.Models[name]
		same = same && nearly(m.Amounts, kept.Amounts) && m.Last == kept.Last && (r.ids || m.Unpriced == kept.Unpriced)
	}
	if !same || s.Totals.Events != r.sum.Totals.Events || !nearly(s.Totals.Costs(), r.sum.Totals.Costs()) {
		r.c.wrong(store.Sessions, record.SessionKey(s.Task, s.ID), "its totals are %+v, those of its events %+v", s.Totals, r.sum.Totals)
	}
}
