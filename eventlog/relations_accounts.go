package eventlog

import (
	"maps"
	"math"
	"slices"
)

// nearly reports whether two sums are the same but for the order in which money was
// added: a cent is not damage.
func nearly(a, b costValues) bool {
	return a.tokens() == b.tokens() && math.Abs(a.USD-b.USD) <= 0.01+1e-9*math.Abs(b.USD)
}

// checkSpent checks that what sessions have cost so far stands there for open ones alone.
func (c *relations) checkSpent() error {
	return c.each(bucketSpent, func(key, _ []byte) error {
		if len(key) != len(SessionID{}) {
			c.wrong(bucketSpent, key, "is no session")
			return nil
		}
		switch s := c.sessions[SessionID(key)]; {
		case s == nil:
			c.wrong(bucketSpent, key, "the session does not exist")
		case s.known && !s.open:
			c.wrong(bucketSpent, key, "the session is sealed")
		}
		return nil
	}, nil)
}

// accountRun checks the records of one account.
type accountRun struct {
	c       *relations
	id      accountID
	sums    *accountSums // nil: none, or damaged
	some    bool         // there is a record of the sums
	parts   accountSums  // what the members and the turns add up to
	credits []SessionID
	counted costValues // that the credits add up to
	unknown bool       // one of the records is damaged
	pending bool       // a deleted session is still to be taken back
}

// checkAccounts checks that each account is worth what its sessions said of it, and
// that these have added that.
func (c *relations) checkAccounts() error {
	var run *accountRun
	at := func(key []byte) (kind byte, of [16]byte, ok bool) {
		id, kind, of, ok := splitAccountKey(key)
		if !ok {
			c.wrong(bucketAccounts, key, "is no key of an account")
			return 0, of, false
		}
		if run == nil || run.id != id {
			run.end()
			run = &accountRun{c: c, id: id}
		}
		run.some = run.some || kind == accountItself
		return kind, of, true
	}
	err := c.each(bucketAccounts, func(key, payload []byte) error {
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
		if kind == accountCredit {
			run.credits = append(run.credits, of)
			c.uncounted(of)
		}
	})
	run.end()
	return err
}

// uncounted says that what a session has added to accounts cannot be known.
func (c *relations) uncounted(id SessionID) {
	if s := c.sessions[id]; s != nil {
		s.uncounted = true
	}
}

func (r *accountRun) add(key []byte, kind byte, of [16]byte, payload []byte) {
	var v accountValue
	switch kind {
	case accountItself:
		r.sums = &accountSums{}
		v = r.sums
	case accountCredit:
		v = &credit{}
	default:
		v = &memberSum{}
	}
	if !v.decode(payload) {
		r.c.wrong(bucketAccounts, key, "is no record of an account")
		r.unknown, r.sums = true, nil
		if kind == accountCredit {
			r.c.uncounted(of)
		}
		return
	}
	switch v := v.(type) {
	case *credit:
		r.addCredit(key, of, v)
	case *memberSum:
		r.parts.of(of).add(v.costValues)
		if said, ok := r.said(of); ok && said != v.costValues {
			r.c.wrong(bucketAccounts, key, "costs %+v, and sessions said %+v", v.costValues, said)
		}
	}
}

func (r *accountRun) addCredit(key []byte, id SessionID, v *credit) {
	r.credits = append(r.credits, id)
	r.counted.add(v.total())
	s := r.c.sessions[id]
	switch {
	case s != nil && s.task == v.task:
		if s.credits == nil {
			s.credits = map[string]costValues{}
		}
		for name, amounts := range v.models {
			sum := s.credits[name]
			sum.add(amounts)
			s.credits[name] = sum
		}
	case s == nil && r.c.inTrash(bucketSaid, id[:]):
		r.pending = true
	default:
		r.c.wrong(bucketAccounts, key, "the session does not exist")
	}
}

// said returns the largest amounts that the sessions of the account said of a member.
// ok is false if that cannot be known.
func (r *accountRun) said(m memberID) (most costValues, ok bool) {
	for _, id := range r.credits {
		key := saidKey(id, r.id, m)
		raw := r.c.Get(bucketSaid, key)
		if raw == nil {
			continue
		}
		payload, err := decodeRecord(bucketSaid, key, raw)
		var says saying
		if err != nil || !says.decode(payload) {
			r.unknown = true
			return costValues{}, false
		}
		most = most.most(says.costValues)
	}
	return most, !r.unknown
}

func (r *accountRun) end() {
	if r == nil {
		return
	}
	key := accountKey(r.id)
	if !r.some {
		r.c.wrong(bucketAccounts, key, "is missing")
		return
	}
	whole, ok := r.said(wholeAccount)
	if !ok || r.sums == nil {
		return
	}
	if whole != r.sums.whole {
		r.c.wrong(bucketAccounts, key, "costs %+v, and sessions said %+v", r.sums.whole, whole)
	}
	if !nearly(r.sums.members, r.parts.members) {
		r.c.wrong(bucketAccounts, key, "its members cost %+v, and add up to %+v", r.sums.members, r.parts.members)
	}
	if !nearly(r.sums.turns, r.parts.turns) {
		r.c.wrong(bucketAccounts, key, "its turns cost %+v, and add up to %+v", r.sums.turns, r.parts.turns)
	}
	if !r.pending && !nearly(r.sums.worth(), r.counted) {
		r.c.wrong(bucketAccounts, key, "is worth %+v, and its sessions have added %+v", r.sums.worth(), r.counted)
	}
}

// checkSaid checks that what a session said has its place in an account.
func (c *relations) checkSaid() error {
	return c.each(bucketSaid, func(key, payload []byte) error {
		id, a, m, ok := splitSaidKey(key)
		if !ok {
			c.wrong(bucketSaid, key, "is no key of a cost")
			return nil
		}
		if !(&saying{}).decode(payload) {
			c.wrong(bucketSaid, key, "is too short")
		}
		if c.sessions[id] == nil && !c.inTrash(bucketSaid, id[:]) {
			c.wrong(bucketSaid, key, "the session does not exist")
		}
		in := accountKey(a)
		if m != wholeAccount {
			in = memberKey(a, m)
		}
		if c.Get(bucketAccounts, in) == nil || c.Get(bucketAccounts, creditKey(a, id)) == nil {
			c.wrong(bucketSaid, key, "counts in no account")
		}
		return nil
	}, nil)
}

// said reports whether what a cost with an id says stands in bucketSaid, or cannot
// be known.
func (r *eventRun) said(agent string, cost *cost) bool {
	key := saidKey(r.id, accountOf(agent, cost), memberOf(cost))
	raw := r.c.Get(bucketSaid, key)
	if raw == nil {
		return false
	}
	payload, err := decodeRecord(bucketSaid, key, raw)
	var says saying
	return err != nil || !says.decode(payload) || says.most(cost.costValues) == says.costValues
}

// checkCosts compares what a session has cost with what its events add up to, and
// its credits in accounts.
func (r *eventRun) checkCosts() {
	s := r.session
	if checked := r.c.sessions[r.id]; checked.uncounted {
		return
	} else {
		for name, v := range checked.credits {
			_, m := r.sum.slot(name)
			m.add(v)
		}
	}
	r.sum.Totals.setCosts(costValues{})
	same := slices.Equal(slices.Sorted(maps.Keys(r.sum.Models)), slices.Sorted(maps.Keys(s.Models)))
	for name, m := range r.sum.Models {
		r.sum.Totals.addCosts(m.costValues)
		kept := s.Models[name]
		same = same && nearly(m.costValues, kept.costValues) && m.Last == kept.Last && (r.ids || m.Unpriced == kept.Unpriced)
	}
	if !same || s.Totals.Events != r.sum.Totals.Events || !nearly(s.Totals.costs(), r.sum.Totals.costs()) {
		r.c.wrong(bucketSessions, sessionKey(s.task, s.id), "its totals are %+v, those of its events %+v", s.Totals, r.sum.Totals)
	}
}
