package dbfile

import (
	"bytes"
	"maps"
	"slices"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// eventRun checks the events of one session, in order.
type eventRun struct {
	c       *relations
	id      event.SessionID
	session *record.Session // nil: nothing is known of it
	orphan  bool            // it has no session, and is not in the trash
	next    uint64          // the next expected sequence
	change  uint64          // that committed the last event
	unknown bool            // one of the events is damaged

	// The sum of the events, if none is missing, without costs with ids.
	sum record.State
	ids bool // there were costs with ids
	// unsaid is the first cost with an id that was not reported for the session's agent. It
	// may have been reported for an earlier agent, before an event named the present one.
	unsaid []byte
	agent  string // the session's agent, according to the last event that named one
	named  bool   // an event has named the agent
	vague  bool   // an event may have named it, but cannot be read
	// complete is the last event, if it is of that type.
	complete *record.Prepared
}

// checkEvents checks that each session has all its events, and that their sums agree with
// the session.
func (c *relations) checkEvents() error {
	var run *eventRun
	at := func(key []byte) (bool, error) {
		if len(key) != len(event.SessionID{})+8 {
			c.wrong(store.Events, key, "is no key of an event")
			return false, nil
		}
		c.figures.Events++
		if id := event.SessionID(key[:len(event.SessionID{})]); run == nil || run.id != id {
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
	err := c.each(store.Events, func(key, _ []byte) error {
		raw := c.Get(store.Events, key)
		if record.IsState(raw) && len(key) == len(event.SessionID{})+8 {
			return c.checkState(key)
		}
		if ok, err := at(key); !ok {
			return err
		}
		e, err := record.DecodeEvent(key, raw)
		if err != nil {
			run.skip(record.EventSequence(key))
			return c.malformed(store.Events, key, err)
		}
		run.add(&e)
		return nil
	}, func(key []byte) {
		if ok, _ := at(key); ok { // if its session is wrong, a good event will report it
			run.skip(record.EventSequence(key))
		}
	})
	if err != nil {
		return err
	}
	if run != nil {
		run.end()
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.sessions), record.CompareIDs) {
		if s := c.sessions[id]; s.known && s.some && !s.events {
			c.wrong(store.Sessions, record.SessionKey(s.task, id), "all its events are missing")
		}
	}
	return nil
}

// readState reads the state of an open session into its record. ok is false if no state can
// be read.
func (c *relations) readState(t *checkedTask, s *record.Session) (ok bool, err error) {
	key, raw := record.LastRecord(c.Reader, s.ID)
	if raw != nil {
		if _, err := record.Decode(store.Events, key, raw); err != nil {
			return false, nil // was reported already
		}
	}
	if !record.IsState(raw) {
		c.wrong(store.Sessions, record.SessionKey(s.Task, s.ID), "is open, and has no state")
		return false, nil
	}
	st, of, err := record.DecodeState(key, raw)
	if err != nil {
		return false, c.malformed(store.Events, key, err)
	}
	if string(of) != s.Task {
		c.wrong(store.Events, key, "is a state in task %q, its session is in %s", of, s.Task)
		return false, nil
	}
	s.State = st
	if raw := c.Get(store.Spent, s.ID[:]); raw != nil {
		if _, err := record.Decode(store.Spent, s.ID[:], raw); err != nil {
			return false, nil // was reported already
		}
	}
	if err := record.ReadSpending(c.Reader, s.ID, &s.State); err != nil {
		return false, c.malformed(store.Spent, s.ID[:], err)
	}
	t.note(st.Change)
	return true, nil
}

// checkState checks that a state comes after the last event of an open session.
func (c *relations) checkState(key []byte) error {
	id := event.SessionID(key[:len(event.SessionID{})])
	switch s := c.sessions[id]; {
	case s == nil:
		c.wrong(store.Events, key, "is the state of a session that does not exist")
	case s.known && !s.open:
		c.wrong(store.Events, key, "is the state of a sealed session")
	case s.known:
		if last, _ := record.LastRecord(c.Reader, id); !bytes.Equal(last, key) {
			c.wrong(store.Events, key, "is not the last state of its session")
		}
	}
	return nil
}

func (c *relations) startRun(id event.SessionID) (*eventRun, error) {
	run := &eventRun{c: c, id: id}
	s := c.sessions[id]
	if s == nil {
		run.orphan = !c.inTrash(store.Events, id[:])
		return run, nil
	}
	s.events = true
	if c.inTrash(store.Events, id[:]) {
		c.wrong(store.Sessions, record.SessionKey(s.task, id), "its events are to be removed, and it is not")
	}
	if !s.known {
		return run, nil
	}
	record, err := record.ReadWhole(c.Reader, s.task, id)
	if err != nil {
		return nil, err
	}
	run.session, run.next = record, record.First
	return run, nil
}

// reach moves to an event, and reports the missing events before it.
func (r *eventRun) reach(sequence uint64) {
	key := record.EventKey(r.id, sequence)
	switch {
	case r.orphan:
		r.c.wrong(store.Events, key, "its session does not exist")
		r.orphan = false // once is enough
	case r.session == nil:
	case sequence < r.session.First:
		r.c.wrong(store.Events, key, "was trimmed, and is still there")
		return
	case sequence > r.session.Head:
		r.c.wrong(store.Events, key, "is beyond the head of its session, %d", r.session.Head)
	case sequence > r.next:
		r.missing(sequence - 1)
	}
	r.next = sequence + 1
}

// missing reports that the events from the next expected one through last are missing.
func (r *eventRun) missing(last uint64) {
	r.unknown = true
	if last == r.next {
		r.c.wrong(store.Events, record.EventKey(r.id, last), "is missing")
		return
	}
	r.c.wrong(store.Events, record.EventKey(r.id, r.next), "is missing, with all up to %d", last)
}

// skip moves past a damaged event.
func (r *eventRun) skip(sequence uint64) {
	r.reach(sequence)
	r.unknown, r.complete = true, nil
}

func (r *eventRun) add(e *event.Event) {
	r.reach(e.Sequence)
	if r.session == nil {
		return
	}
	key := record.EventKey(r.id, e.Sequence)
	if r.complete != nil {
		r.c.wrong(store.Events, key, "follows the end of its session")
	}
	r.complete = nil
	if e.Change < r.change {
		r.c.wrong(store.Events, key, "was committed by change %d, and the event before it by %d", e.Change, r.change)
	}
	if e.Change < r.session.Born {
		r.c.wrong(store.Events, key, "was committed by change %d, and its session started by %d", e.Change, r.session.Born)
	}
	r.change = e.Change
	r.c.sessions[r.id].last = e.Change
	r.sum.Totals.Events++
	var p record.Prepared
	switch e.Type {
	case event.TypeSession:
		if err := p.Prepare(e, len(e.Data)); err != nil {
			r.vague = true // format 2 did not check such events
		} else if p.About.Agent != "" {
			r.agent, r.named = p.About.Agent, true
		}
		return
	case event.TypeCost, event.TypeComplete:
	default:
		return
	}
	if err := p.PrepareStored(e); err != nil {
		r.unknown = true
		r.c.wrong(store.Events, key, "%s", err.Error())
		return
	}
	if p.Cost != nil {
		if p.Cost.ID == "" {
			r.sum.Enter(p.Cost, r.sum.Plain(p.Cost))
			return
		}
		r.ids = true
		r.sum.Enter(p.Cost, record.Amounts{})
		switch {
		case r.vague:
		case r.named && !r.said(r.agent, p.Cost):
			r.c.wrong(store.Events, key, "what it says counts in no account")
		case !r.named && r.unsaid == nil && !r.said(r.session.Agent, p.Cost):
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
	if t := r.c.tasks[s.Task]; t.record != nil && !t.unknown && r.change > t.change {
		r.c.wrong(store.Events, record.EventKey(r.id, r.next-1), "was committed by change %d, and the last one of its task is %d", r.change, t.change)
	}
	if r.unknown {
		return // how it ended and what it cost cannot be known
	}
	key := record.SessionKey(s.Task, s.ID)
	switch {
	case s.Status == event.StatusOpen && r.complete != nil:
		r.c.wrong(store.Sessions, key, "is open, and its last event is complete")
	case s.Status != event.StatusOpen && r.complete == nil:
		r.c.wrong(store.Sessions, key, "is sealed, and its last event is not complete")
	case r.complete != nil && (r.complete.Status != s.Status || r.complete.Reason != s.Reason):
		r.c.wrong(store.Sessions, key, "is %s (%s), and its last event says %s (%s)", s.Status, s.Reason, r.complete.Status, r.complete.Reason)
	case r.complete != nil && !r.complete.Time.Equal(s.Ended.Time):
		r.c.wrong(store.Sessions, key, "ended %s, and its last event is of %s", s.Ended.Format(event.TimeFormat), r.complete.Time.Format(event.TimeFormat))
	}
	if r.unsaid != nil && !r.named && !r.vague {
		r.c.wrong(store.Events, r.unsaid, "what it says counts in no account")
	}
	if s.First > 1 {
		return // trimmed events count as well, but no longer exist
	}
	r.checkCosts()
}
