package dbfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// relations checks what must be true between records. It ignores records whose checksum
// does not match, because each of them is a finding already, and everything that depends on
// such a record.
type relations struct {
	store.Reader
	ctx      context.Context
	figures  *Figures
	progress *progress
	found    func(place, reason string)

	tasks    map[string]*checkedTask
	sessions map[event.SessionID]*checkedSession
	trash    [][]byte // keys of store.Trash
	stepped  int64    // records that were checked
	greatest event.SessionID
}

// checkedTask is a task and what its sessions say about it.
type checkedTask struct {
	record   *record.Task // nil: damaged
	active   bool         // it is in store.Activity
	unknown  bool         // one of its sessions is damaged
	sessions int
	latest   event.SessionID
	status   event.Status // of the latest session
	open     []event.SessionID
	totals   record.Totals  // of the sealed sessions
	unpriced record.Amounts // of the sealed sessions too
	change   uint64         // the last change of the task and its open sessions
	changes  []uint64       // all changes of these
}

// note adds a change that a record of the task has.
func (t *checkedTask) note(change uint64) {
	t.change = max(t.change, change)
	t.changes = append(t.changes, change)
}

type checkedSession struct {
	task   string
	known  bool // not damaged
	open   bool
	listed bool  // in store.Open, or in store.Ended
	ended  int64 // milliseconds, if it is sealed
	events bool  // it has some
	some   bool  // it should have some
	born   uint64
	beside []event.SessionID
	last   uint64 // the change of its last event

	credits   map[string]record.Amounts // in accounts, by model
	uncounted bool                      // not all of them are known
}

// check runs every check. It returns an error only if a read fails or the context ends.
func (c *relations) check() error {
	c.progress.half()
	c.tasks, c.sessions = map[string]*checkedTask{}, map[event.SessionID]*checkedSession{}
	for _, check := range []func() error{
		c.readTrash, c.checkTasks, c.checkSessions, c.checkActivity, c.checkOpen, c.checkEnded, c.checkListed, c.checkExternal,
		c.checkSpent, c.checkAccounts, c.checkSaid, c.checkUsage,
		c.checkEvents, c.checkOrder, c.checkTotals, c.checkKeys, c.checkMeta,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn for each record of a bucket whose checksum matches. For the other records
// it calls damaged, unless that is nil.
func (c *relations) each(b store.Bucket, fn func(key, payload []byte) error, damaged func(key []byte)) error {
	for key, raw := range c.Ascend(b, nil, nil) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.step()
		payload, err := record.Decode(b, key, raw)
		if err != nil {
			if damaged != nil {
				damaged(key)
			}
			continue
		}
		if err := fn(key, payload); err != nil {
			return err
		}
	}
	return nil
}

// step counts one more record as done.
func (c *relations) step() {
	c.stepped++
	half := c.progress.total / 2
	c.progress.add(half + half*c.stepped/max(c.figures.Records, 1) - c.progress.done)
}

// wrong reports a finding about a record.
func (c *relations) wrong(b store.Bucket, key []byte, format string, args ...any) {
	c.found(placeOf(b, key), fmt.Sprintf(format, args...))
}

func (c *relations) readTrash() error {
	return c.each(store.Trash, func(key, payload []byte) error {
		name, prefix, ok := bytes.Cut(key, []byte{0})
		switch {
		case !ok || len(prefix) == 0 || len(payload) != 0, store.Bucket(name) != store.Events && store.Bucket(name) != store.Keys && store.Bucket(name) != store.Said,
			store.Bucket(name) != store.Keys && len(prefix) != len(event.SessionID{}):
			c.wrong(store.Trash, key, "names nothing that can be removed")
		default:
			c.trash = append(c.trash, bytes.Clone(key))
		}
		return nil
	}, nil)
}

// inTrash reports whether a key must still be removed.
func (c *relations) inTrash(b store.Bucket, key []byte) bool {
	full := append(append([]byte(b), 0), key...)
	// The trash is sorted, so a prefix of full comes before it or is equal, but a short
	// prefix may be far before it. There are few, so look at all.
	return slices.ContainsFunc(c.trash, func(prefix []byte) bool { return bytes.HasPrefix(full, prefix) })
}

func (c *relations) checkTasks() error {
	return c.each(store.Tasks, func(key, payload []byte) error {
		c.figures.Tasks++
		id := string(key)
		t := &checkedTask{status: event.StatusNone}
		c.tasks[id] = t
		if !event.ValidTaskID(id) {
			c.wrong(store.Tasks, key, "is no task id")
		}
		record, err := record.StoredTask(c.Reader, id)
		if err != nil {
			return c.malformed(store.Tasks, key, err)
		}
		t.record = record
		t.note(record.Change)
		return nil
	}, func(key []byte) { c.tasks[string(key)] = &checkedTask{status: event.StatusNone} })
}

// malformed reports a record whose checksum matches but that cannot be decoded. It returns
// any other error.
func (c *relations) malformed(b store.Bucket, key []byte, err error) error {
	damage, ok := errors.AsType[*store.DamageError](err)
	if !ok {
		return err
	}
	c.wrong(b, key, "%s", damage.Reason)
	return nil
}

func (c *relations) checkSessions() error {
	note := func(key []byte) (*checkedTask, *checkedSession, event.SessionID) {
		task, id, ok := record.SplitSessionKey(key)
		if !ok {
			c.wrong(store.Sessions, key, "is no key of a session")
			return nil, nil, id
		}
		c.figures.Sessions++
		t := c.tasks[task]
		if t == nil {
			c.wrong(store.Sessions, key, "its task does not exist")
			t = &checkedTask{}
			c.tasks[task] = t
		}
		if string(id[:]) > string(c.greatest[:]) {
			c.greatest = id
		}
		if c.sessions[id] != nil {
			c.wrong(store.Sessions, key, "task %s has the same session", c.sessions[id].task)
		}
		s := &checkedSession{task: task}
		c.sessions[id] = s
		t.sessions++
		t.latest = id
		return t, s, id
	}
	return c.each(store.Sessions, func(key, _ []byte) error {
		t, s, id := note(key)
		if t == nil {
			return nil
		}
		stored, err := record.DecodeSession(s.task, key, c.Get(store.Sessions, key))
		if err != nil {
			t.unknown = true
			return c.malformed(store.Sessions, key, err)
		}
		s.open, s.born, s.beside = stored.Status == event.StatusOpen, stored.Born, stored.Beside
		t.status = stored.Status
		s.ended = stored.Sealed.UnixMilli()
		if s.open {
			t.open = append(t.open, id)
			if stored.Head != 0 || stored.Totals != (record.Totals{}) || len(stored.Models) > 0 {
				c.wrong(store.Sessions, key, "is open, and says what only its state is to say")
			}
			if ok, err := c.readState(t, stored); !ok {
				t.unknown = true
				return err
			}
		} else {
			t.totals.Add(stored.Totals)
			for _, m := range stored.Models {
				t.unpriced.Add(m.Unpriced)
			}
		}
		s.known = true
		s.some = stored.First <= stored.Head
		switch {
		case stored.First < 1 || stored.First > stored.Head+1:
			c.wrong(store.Sessions, key, "keeps events from %d on, and its head is %d", stored.First, stored.Head)
		case !s.open && !s.some:
			c.wrong(store.Sessions, key, "is sealed without an event")
		case s.open != stored.Ended.IsZero(), s.open != stored.Sealed.IsZero():
			c.wrong(store.Sessions, key, "is %s, and ended %s, sealed %s", stored.Status, stored.Ended.Format(event.TimeFormat), stored.Sealed.Format(event.TimeFormat))
		}
		if stored.ExternalID != "" && c.Get(store.External, record.ExternalKey(stored.Agent, stored.ExternalID, id)) == nil {
			c.wrong(store.Sessions, key, "is not listed under its external id")
		}
		if stored.Totals.Events != stored.Head {
			c.wrong(store.Sessions, key, "counts %d events, and its head is %d", stored.Totals.Events, stored.Head)
		}
		return nil
	}, func(key []byte) {
		if t, _, _ := note(key); t != nil {
			t.unknown = true
		}
	})
}

func (c *relations) checkOpen() error {
	return c.each(store.Open, func(key, payload []byte) error {
		task, id, ok := record.SplitSessionKey(key)
		s := c.sessions[id]
		switch {
		case !ok || len(payload) != 0:
			c.wrong(store.Open, key, "is no key of a session")
		case s == nil || s.task != task:
			c.wrong(store.Open, key, "the session does not exist")
		case s.known && !s.open:
			c.wrong(store.Open, key, "the session is sealed")
		default:
			s.listed = true
		}
		return nil
	}, func(key []byte) {
		if _, id, ok := record.SplitSessionKey(key); ok && c.sessions[id] != nil {
			c.sessions[id].listed = true
		}
	})
}

func (c *relations) checkEnded() error {
	session := func(key []byte) (*checkedSession, int64) {
		if len(key) != 8+len(event.SessionID{}) {
			return nil, 0
		}
		ended, id := record.SplitEndedKey(key)
		return c.sessions[id], ended.UnixMilli()
	}
	return c.each(store.Ended, func(key, payload []byte) error {
		switch s, ended := session(key); {
		case s == nil || s.task != string(payload):
			c.wrong(store.Ended, key, "the session does not exist")
		case s.known && (s.open || s.ended != ended):
			c.wrong(store.Ended, key, "the session did not end then")
		default:
			s.listed = true
		}
		return nil
	}, func(key []byte) {
		if s, _ := session(key); s != nil {
			s.listed = true
		}
	})
}

// checkExternal checks that each session in store.External has the external id under which
// it is listed.
func (c *relations) checkExternal() error {
	return c.each(store.External, func(key, payload []byte) error {
		agent, external, id, ok := record.SplitExternalKey(key)
		if !ok {
			c.wrong(store.External, key, "is no external id")
			return nil
		}
		s := c.sessions[id]
		if s == nil || s.task != string(payload) {
			c.wrong(store.External, key, "the session does not exist")
			return nil
		}
		if !s.known {
			return nil
		}
		at := record.SessionKey(s.task, id)
		record, err := record.DecodeSession(s.task, at, c.Get(store.Sessions, at))
		if err == nil && (record.Agent != agent || record.ExternalID != external) {
			c.wrong(store.External, key, "the session has another external id")
		}
		return err
	}, nil)
}

// checkListed checks that each session is in its list.
func (c *relations) checkListed() error {
	for _, id := range slices.SortedFunc(maps.Keys(c.sessions), record.CompareIDs) {
		if s := c.sessions[id]; s.known && !s.listed {
			list := "ended"
			if s.open {
				list = "open"
			}
			c.wrong(store.Sessions, record.SessionKey(s.task, id), "is not listed as %s", list)
		}
	}
	return nil
}

// checkTotals compares each task with the sums of its sessions.
func (c *relations) checkTotals() error {
	for _, id := range slices.Sorted(maps.Keys(c.tasks)) {
		t := c.tasks[id]
		if t.record == nil {
			continue
		}
		key := []byte(id)
		if t.record.Sessions != t.sessions {
			c.wrong(store.Tasks, key, "counts %d sessions of %d", t.record.Sessions, t.sessions)
		}
		if t.record.Latest != t.latest {
			c.wrong(store.Tasks, key, "names session %q as its latest, which is %q", t.record.Latest, t.latest)
		}
		if t.unknown {
			continue
		}
		if t.record.Status != t.status {
			c.wrong(store.Tasks, key, "is %s, and its latest session is %s", t.record.Status, t.status)
		}
		if open := slices.SortedFunc(slices.Values(t.record.Open), record.CompareIDs); !slices.Equal(open, t.open) {
			c.wrong(store.Tasks, key, "lists %d open sessions of %d, or others", len(open), len(t.open))
		}
		if t.totals.Events != t.record.Totals.Events || !nearly(t.totals.Costs(), t.record.Totals.Costs()) {
			c.wrong(store.Tasks, key, "its totals are %+v, those of its sessions %+v", t.record.Totals, t.totals)
		}
		var unpriced record.Amounts
		for _, v := range t.record.Unpriced {
			unpriced.Add(v)
		}
		if unpriced != t.unpriced {
			c.wrong(store.Tasks, key, "has unpriced tokens %+v, its sessions %+v", unpriced, t.unpriced)
		}
	}
	return nil
}

func (c *relations) checkMeta() error {
	last, known := event.SessionID{}, true
	err := c.each(store.Meta, func(key, payload []byte) error {
		size := 8
		if bytes.Equal(key, record.KeyLastSession) {
			size = len(last)
			copy(last[:], payload)
		}
		if len(payload) != size {
			c.wrong(store.Meta, key, "has %d bytes, not %d", len(payload), size)
		}
		return nil
	}, func(key []byte) { known = known && !bytes.Equal(key, record.KeyLastSession) })
	if known && record.CompareIDs(last, c.greatest) < 0 {
		c.wrong(store.Meta, record.KeyLastSession, "is less than session %s: an id could be given out again", c.greatest)
	}
	return err
}

// placeOf names a record for people.
func placeOf(b store.Bucket, key []byte) string {
	switch {
	case b == store.Events && len(key) == len(event.SessionID{})+8:
		return "event " + event.Cursor{Session: event.SessionID(key[:len(key)-8]), Sequence: record.EventSequence(key)}.String()
	case b == store.Tasks && event.ValidTaskID(string(key)):
		return "task " + string(key)
	case b == store.Activity && len(key) == 8:
		return "activity " + strconv.FormatUint(record.ParseNumber(key), 10)
	case b == store.Ended && len(key) == 8+len(event.SessionID{}):
		ended, id := record.SplitEndedKey(key)
		return fmt.Sprintf("ended %s session %s", ended.UTC().Format(event.TimeFormat), id)
	case b == store.External:
		if agent, external, id, ok := record.SplitExternalKey(key); ok {
			return fmt.Sprintf("external id %q of agent %q session %s", external, agent, id)
		}
	case b == store.Sessions, b == store.Open:
		if task, id, ok := record.SplitSessionKey(key); ok && b == store.Open {
			return fmt.Sprintf("open session %s of task %s", id, task)
		} else if ok {
			return fmt.Sprintf("session %s of task %s", id, task)
		}
	}
	return fmt.Sprintf("%s %q", b, key)
}
