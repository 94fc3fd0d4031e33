package eventlog

import (
	"bytes"
	"maps"
	"slices"
)

// eventRun checks the events of one session, in order.
type eventRun struct {
	c       *relations
	id      SessionID
	session *sessionRecord // nil: nothing is known of it
	orphan  bool           // no session, and not in the trash
	next    uint64         // the sequence that is due
	unknown bool           // a damaged event was among them

	// What the events add up to, if none is missing, but for costs with ids.
	sum sessionState
	ids bool // there were some
	// unsaid is the first cost with an id that the session's agent has not said, but
	// perhaps another that it had before an event named one.
	unsaid []byte
	agent  string // of the session, as the last event that named one says
	named  bool   // an event has
	vague  bool   // an event may have, in a way that says nothing
	// complete is the last event, if it is of that type.
	complete *prepared
}

// checkEvents checks that each session has its events, all of them, and that
// they add up to what the session says.
func (c *relations) checkEvents() error {
	var run *eventRun
	at := func(key []byte) (bool, error) {
		if len(key) != len(SessionID{})+8 {
			c.wrong(bucketEvents, key, "is no key of an event")
			return false, nil
		}
		c.figures.Events++
		if id := SessionID(key[:len(SessionID{})]); run == nil || run.id != id {
			if run != nil {
				run.end()
			}
			var err error
			if run, err = c.startRun(id); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	err := c.each(bucketEvents, func(key, _ []byte) error {
		raw := c.Get(bucketEvents, key)
		if isState(raw) && len(key) == len(SessionID{})+8 {
			return c.checkState(key)
		}
		if ok, err := at(key); !ok {
			return err
		}
		e, err := decodeEvent(key, raw)
		if err != nil {
			run.skip(eventSequence(key))
			return c.malformed(bucketEvents, key, err)
		}
		run.add(&e)
		return nil
	}, func(key []byte) {
		if ok, _ := at(key); ok { // what is wrong with its session, a good event will tell
			run.skip(eventSequence(key))
		}
	})
	if err != nil {
		return err
	}
	if run != nil {
		run.end()
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.sessions), compareIDs) {
		if s := c.sessions[id]; s.known && s.some && !s.events {
			c.wrong(bucketSessions, sessionKey(s.task, id), "all its events are missing")
		}
	}
	return nil
}

// readState reads the state of an open session into its record. ok is false if
// there is none that can be read.
func (c *relations) readState(t *checkedTask, s *sessionRecord) (ok bool, err error) {
	key, raw := lastRecord(c.Reader, s.id)
	if raw != nil {
		if _, err := decodeRecord(bucketEvents, key, raw); err != nil {
			return false, nil // was found already
		}
	}
	if !isState(raw) {
		c.wrong(bucketSessions, sessionKey(s.task, s.id), "is open, and has no state")
		return false, nil
	}
	st, of, err := decodeState(key, raw)
	if err != nil {
		return false, c.malformed(bucketEvents, key, err)
	}
	if string(of) != s.task {
		c.wrong(bucketEvents, key, "is a state in task %q, its session is in %s", of, s.task)
		return false, nil
	}
	s.sessionState = st
	if raw := c.Get(bucketSpent, s.id[:]); raw != nil {
		if _, err := decodeRecord(bucketSpent, s.id[:], raw); err != nil {
			return false, nil // was found already
		}
	}
	if err := readSpending(c.Reader, s.id, &s.sessionState); err != nil {
		return false, c.malformed(bucketSpent, s.id[:], err)
	}
	t.note(st.change)
	return true, nil
}

// checkState checks that a state stands behind the last event of an open session.
func (c *relations) checkState(key []byte) error {
	id := SessionID(key[:len(SessionID{})])
	switch s := c.sessions[id]; {
	case s == nil:
		c.wrong(bucketEvents, key, "is the state of a session that does not exist")
	case s.known && !s.open:
		c.wrong(bucketEvents, key, "is the state of a sealed session")
	case s.known:
		if last, _ := lastRecord(c.Reader, id); !bytes.Equal(last, key) {
			c.wrong(bucketEvents, key, "is not the last state of its session")
		}
	}
	return nil
}

func (c *relations) startRun(id SessionID) (*eventRun, error) {
	run := &eventRun{c: c, id: id}
	s := c.sessions[id]
	if s == nil {
		run.orphan = !c.inTrash(bucketEvents, id[:])
		return run, nil
	}
	s.events = true
	if c.inTrash(bucketEvents, id[:]) {
		c.wrong(bucketSessions, sessionKey(s.task, id), "its events are to be removed, and it is not")
	}
	if !s.known {
		return run, nil
	}
	record, err := readWhole(c.Reader, s.task, id)
	if err != nil {
		return nil, err
	}
	run.session, run.next = record, record.First
	return run, nil
}

// reach moves to an event, and tells of those that are missing before it.
func (r *eventRun) reach(sequence uint64) {
	key := eventKey(r.id, sequence)
	switch {
	case r.orphan:
		r.c.wrong(bucketEvents, key, "its session does not exist")
		r.orphan = false // once is enough
	case r.session == nil:
	case sequence < r.session.First:
		r.c.wrong(bucketEvents, key, "was trimmed, and is still there")
		return
	case sequence > r.session.Head:
		r.c.wrong(bucketEvents, key, "is beyond the head of its session, %d", r.session.Head)
	case sequence > r.next:
		r.missing(sequence - 1)
	}
	r.next = sequence + 1
}

// missing tells that the events from the one that is due through last are not there.
func (r *eventRun) missing(last uint64) {
	r.unknown = true
	if last == r.next {
		r.c.wrong(bucketEvents, eventKey(r.id, last), "is missing")
		return
	}
	r.c.wrong(bucketEvents, eventKey(r.id, r.next), "is missing, with all up to %d", last)
}

// skip passes over a damaged event.
func (r *eventRun) skip(sequence uint64) {
	r.reach(sequence)
	r.unknown, r.complete = true, nil
}

func (r *eventRun) add(e *Event) {
	r.reach(e.Sequence)
	if r.session == nil {
		return
	}
	key := eventKey(r.id, e.Sequence)
	if r.complete != nil {
		r.c.wrong(bucketEvents, key, "follows the end of its session")
	}
	r.complete = nil
	r.sum.Totals.Events++
	var p prepared
	switch e.Type {
	case TypeSession:
		if err := p.prepare(e, len(e.Data)); err != nil {
			r.vague = true // format 2 knew nothing of such events, and took any
		} else if p.about.Agent != "" {
			r.agent, r.named = p.about.Agent, true
		}
		return
	case TypeCost, TypeComplete:
	default:
		return
	}
	if err := p.prepareStored(e); err != nil {
		r.unknown = true
		r.c.wrong(bucketEvents, key, "%s", err.Error())
		return
	}
	if p.cost != nil {
		if p.cost.ID == "" {
			r.sum.enter(p.cost, r.sum.plain(p.cost))
			return
		}
		r.ids = true
		r.sum.enter(p.cost, costValues{})
		switch {
		case r.vague:
		case r.named && !r.said(r.agent, p.cost):
			r.c.wrong(bucketEvents, key, "what it says counts in no account")
		case !r.named && r.unsaid == nil && !r.said(r.session.Agent, p.cost):
			r.unsaid = key
		}
		return
	}
	r.complete = &p
}

func (r *eventRun) end() {
	s := r.session
	if s == nil {
		return
	}
	if r.next <= s.Head {
		r.missing(s.Head)
	}
	if r.unknown {
		return // how it ended and what it cost cannot be known
	}
	key := sessionKey(s.task, s.id)
	switch {
	case s.Status == StatusOpen && r.complete != nil:
		r.c.wrong(bucketSessions, key, "is open, and its last event is complete")
	case s.Status != StatusOpen && r.complete == nil:
		r.c.wrong(bucketSessions, key, "is sealed, and its last event is not complete")
	case r.complete != nil && (r.complete.status != s.Status || r.complete.reason != s.Reason):
		r.c.wrong(bucketSessions, key, "is %s (%s), and its last event says %s (%s)", s.Status, s.Reason, r.complete.status, r.complete.reason)
	case r.complete != nil && !r.complete.Time.Equal(s.Ended.Time):
		r.c.wrong(bucketSessions, key, "ended %s, and its last event is of %s", s.Ended.Format(TimeFormat), r.complete.Time.Format(TimeFormat))
	}
	if r.unsaid != nil && !r.named && !r.vague {
		r.c.wrong(bucketEvents, r.unsaid, "what it says counts in no account")
	}
	if s.First > 1 {
		return // what was trimmed counts as well, and is gone
	}
	r.checkCosts()
}
