package eventlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// relations checks what must hold between records. It says nothing of records
// whose checksum does not match, which is a finding of its own, and nothing that
// follows from one of them.
type relations struct {
	Reader
	ctx      context.Context
	figures  *Figures
	progress *progress
	found    func(place, reason string)

	tasks    map[string]*checkedTask
	sessions map[SessionID]*checkedSession
	trash    [][]byte // keys of bucketTrash
	stepped  int64    // records that were looked at
	greatest SessionID
}

// checkedTask is what a task's sessions say about it.
type checkedTask struct {
	record   *taskRecord // nil: damaged
	active   bool        // it stands in bucketActivity
	unknown  bool        // one of its sessions is damaged
	sessions int
	latest   SessionID
	status   Status // of the latest session
	open     []SessionID
	totals   totals     // of those that are not open
	unpriced costValues // of these, too
	change   uint64     // the last one, of the task and its open sessions
	changes  []uint64   // all of these
}

// note takes down a change that a record of the task tells of.
func (t *checkedTask) note(change uint64) {
	t.change = max(t.change, change)
	t.changes = append(t.changes, change)
}

type checkedSession struct {
	task   string
	known  bool // not damaged
	open   bool
	listed bool  // in bucketOpen, or in bucketEnded
	ended  int64 // milliseconds, of one that is sealed
	events bool  // has some
	some   bool  // should have some

	credits   map[string]costValues // in accounts, by model
	uncounted bool                  // not all of them can be known
}

// check runs every check. An error is one of reading, or of the context.
func (c *relations) check() error {
	c.progress.half()
	c.tasks, c.sessions = map[string]*checkedTask{}, map[SessionID]*checkedSession{}
	for _, check := range []func() error{
		c.readTrash, c.checkTasks, c.checkSessions, c.checkActivity, c.checkOpen, c.checkEnded, c.checkListed, c.checkExternal,
		c.checkSpent, c.checkAccounts, c.checkSaid,
		c.checkEvents, c.checkTotals, c.checkKeys, c.checkMeta,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn for each record of a bucket whose checksum matches; for the
// others damaged, unless it is nil.
func (c *relations) each(b Bucket, fn func(key, payload []byte) error, damaged func(key []byte)) error {
	for key, raw := range c.Ascend(b, nil, nil) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.step()
		payload, err := decodeRecord(b, key, raw)
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

// step tells of one record more that is done.
func (c *relations) step() {
	c.stepped++
	half := c.progress.total / 2
	c.progress.add(half + half*c.stepped/max(c.figures.Records, 1) - c.progress.done)
}

// wrong is a finding about a record.
func (c *relations) wrong(b Bucket, key []byte, format string, args ...any) {
	c.found(placeOf(b, key), fmt.Sprintf(format, args...))
}

func (c *relations) readTrash() error {
	return c.each(bucketTrash, func(key, payload []byte) error {
		name, prefix, ok := bytes.Cut(key, []byte{0})
		switch {
		case !ok || len(prefix) == 0 || len(payload) != 0, Bucket(name) != bucketEvents && Bucket(name) != bucketKeys && Bucket(name) != bucketSaid,
			Bucket(name) != bucketKeys && len(prefix) != len(SessionID{}):
			c.wrong(bucketTrash, key, "names nothing that can be removed")
		default:
			c.trash = append(c.trash, bytes.Clone(key))
		}
		return nil
	}, nil)
}

// inTrash reports whether a key is one that is still to be removed.
func (c *relations) inTrash(b Bucket, key []byte) bool {
	full := append(append([]byte(b), 0), key...)
	// The trash is in order, so what starts full is at or before its place, but
	// a shorter prefix may stand further up. There are few.
	return slices.ContainsFunc(c.trash, func(prefix []byte) bool { return bytes.HasPrefix(full, prefix) })
}

func (c *relations) checkTasks() error {
	return c.each(bucketTasks, func(key, payload []byte) error {
		c.figures.Tasks++
		id := string(key)
		t := &checkedTask{status: StatusNone}
		c.tasks[id] = t
		if !ValidTaskID(id) {
			c.wrong(bucketTasks, key, "is no task id")
		}
		record, err := storedTask(c.Reader, id)
		if err != nil {
			return c.malformed(bucketTasks, key, err)
		}
		t.record = record
		t.note(record.Change)
		return nil
	}, func(key []byte) { c.tasks[string(key)] = &checkedTask{status: StatusNone} })
}

// malformed is a record whose checksum matches but which cannot be decoded. It
// returns any other error.
func (c *relations) malformed(b Bucket, key []byte, err error) error {
	damage, ok := errors.AsType[*DamageError](err)
	if !ok {
		return err
	}
	c.wrong(b, key, "%s", damage.Reason)
	return nil
}

func (c *relations) checkSessions() error {
	note := func(key []byte) (*checkedTask, *checkedSession, SessionID) {
		task, id, ok := splitSessionKey(key)
		if !ok {
			c.wrong(bucketSessions, key, "is no key of a session")
			return nil, nil, id
		}
		c.figures.Sessions++
		t := c.tasks[task]
		if t == nil {
			c.wrong(bucketSessions, key, "its task does not exist")
			t = &checkedTask{}
			c.tasks[task] = t
		}
		if string(id[:]) > string(c.greatest[:]) {
			c.greatest = id
		}
		if c.sessions[id] != nil {
			c.wrong(bucketSessions, key, "task %s has the same session", c.sessions[id].task)
		}
		s := &checkedSession{task: task}
		c.sessions[id] = s
		t.sessions++
		t.latest = id
		return t, s, id
	}
	return c.each(bucketSessions, func(key, _ []byte) error {
		t, s, id := note(key)
		if t == nil {
			return nil
		}
		stored, err := decodeSession(s.task, key, c.Get(bucketSessions, key))
		if err != nil {
			t.unknown = true
			return c.malformed(bucketSessions, key, err)
		}
		s.open = stored.Status == StatusOpen
		t.status = stored.Status
		s.ended = stored.Sealed.UnixMilli()
		if s.open {
			t.open = append(t.open, id)
			if stored.Head != 0 || stored.Totals != (totals{}) || len(stored.Models) > 0 {
				c.wrong(bucketSessions, key, "is open, and says what only its state is to say")
			}
			if ok, err := c.readState(t, stored); !ok {
				t.unknown = true
				return err
			}
		} else {
			t.totals.add(stored.Totals)
			for _, m := range stored.Models {
				t.unpriced.add(m.Unpriced)
			}
		}
		s.known = true
		s.some = stored.First <= stored.Head
		switch {
		case stored.First < 1 || stored.First > stored.Head+1:
			c.wrong(bucketSessions, key, "keeps events from %d on, and its head is %d", stored.First, stored.Head)
		case !s.open && !s.some:
			c.wrong(bucketSessions, key, "is sealed without an event")
		case s.open != stored.Ended.IsZero(), s.open != stored.Sealed.IsZero():
			c.wrong(bucketSessions, key, "is %s, and ended %s, sealed %s", stored.Status, stored.Ended.Format(TimeFormat), stored.Sealed.Format(TimeFormat))
		}
		if stored.ExternalID != "" && c.Get(bucketExternal, externalKey(stored.Agent, stored.ExternalID, id)) == nil {
			c.wrong(bucketSessions, key, "is not listed under its external id")
		}
		if stored.Totals.Events != stored.Head {
			c.wrong(bucketSessions, key, "counts %d events, and its head is %d", stored.Totals.Events, stored.Head)
		}
		return nil
	}, func(key []byte) {
		if t, _, _ := note(key); t != nil {
			t.unknown = true
		}
	})
}

func (c *relations) checkOpen() error {
	return c.each(bucketOpen, func(key, payload []byte) error {
		task, id, ok := splitSessionKey(key)
		s := c.sessions[id]
		switch {
		case !ok || len(payload) != 0:
			c.wrong(bucketOpen, key, "is no key of a session")
		case s == nil || s.task != task:
			c.wrong(bucketOpen, key, "the session does not exist")
		case s.known && !s.open:
			c.wrong(bucketOpen, key, "the session is sealed")
		default:
			s.listed = true
		}
		return nil
	}, func(key []byte) {
		if _, id, ok := splitSessionKey(key); ok && c.sessions[id] != nil {
			c.sessions[id].listed = true
		}
	})
}

func (c *relations) checkEnded() error {
	session := func(key []byte) (*checkedSession, int64) {
		if len(key) != 8+len(SessionID{}) {
			return nil, 0
		}
		ended, id := splitEndedKey(key)
		return c.sessions[id], ended.UnixMilli()
	}
	return c.each(bucketEnded, func(key, payload []byte) error {
		switch s, ended := session(key); {
		case s == nil || s.task != string(payload):
			c.wrong(bucketEnded, key, "the session does not exist")
		case s.known && (s.open || s.ended != ended):
			c.wrong(bucketEnded, key, "the session did not end then")
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

// checkExternal checks that what is listed under an external id has it.
func (c *relations) checkExternal() error {
	return c.each(bucketExternal, func(key, payload []byte) error {
		agent, external, id, ok := splitExternalKey(key)
		if !ok {
			c.wrong(bucketExternal, key, "is no external id")
			return nil
		}
		s := c.sessions[id]
		if s == nil || s.task != string(payload) {
			c.wrong(bucketExternal, key, "the session does not exist")
			return nil
		}
		if !s.known {
			return nil
		}
		at := sessionKey(s.task, id)
		record, err := decodeSession(s.task, at, c.Get(bucketSessions, at))
		if err == nil && (record.Agent != agent || record.ExternalID != external) {
			c.wrong(bucketExternal, key, "the session has another external id")
		}
		return err
	}, nil)
}

// checkListed checks that each session stands in its list.
func (c *relations) checkListed() error {
	for _, id := range slices.SortedFunc(maps.Keys(c.sessions), compareIDs) {
		if s := c.sessions[id]; s.known && !s.listed {
			list := "ended"
			if s.open {
				list = "open"
			}
			c.wrong(bucketSessions, sessionKey(s.task, id), "is not listed as %s", list)
		}
	}
	return nil
}

func compareIDs(a, b SessionID) int { return bytes.Compare(a[:], b[:]) }

// checkTotals compares each task with what its sessions add up to.
func (c *relations) checkTotals() error {
	for _, id := range slices.Sorted(maps.Keys(c.tasks)) {
		t := c.tasks[id]
		if t.record == nil {
			continue
		}
		key := []byte(id)
		if t.record.Sessions != t.sessions {
			c.wrong(bucketTasks, key, "counts %d sessions of %d", t.record.Sessions, t.sessions)
		}
		if t.record.Latest != t.latest {
			c.wrong(bucketTasks, key, "names session %q as its latest, which is %q", t.record.Latest, t.latest)
		}
		if t.unknown {
			continue
		}
		if t.record.Status != t.status {
			c.wrong(bucketTasks, key, "is %s, and its latest session is %s", t.record.Status, t.status)
		}
		if open := slices.SortedFunc(slices.Values(t.record.Open), compareIDs); !slices.Equal(open, t.open) {
			c.wrong(bucketTasks, key, "lists %d open sessions of %d, or others", len(open), len(t.open))
		}
		if t.totals.Events != t.record.Totals.Events || !nearly(t.totals.costs(), t.record.Totals.costs()) {
			c.wrong(bucketTasks, key, "its totals are %+v, those of its sessions %+v", t.record.Totals, t.totals)
		}
		var unpriced costValues
		for _, v := range t.record.Unpriced {
			unpriced.add(v)
		}
		if unpriced != t.unpriced {
			c.wrong(bucketTasks, key, "has unpriced tokens %+v, its sessions %+v", unpriced, t.unpriced)
		}
	}
	return nil
}

func (c *relations) checkMeta() error {
	last, known := SessionID{}, true
	err := c.each(bucketMeta, func(key, payload []byte) error {
		size := 8
		if bytes.Equal(key, keyLastSession) {
			size = len(last)
			copy(last[:], payload)
		}
		if len(payload) != size {
			c.wrong(bucketMeta, key, "has %d bytes, not %d", len(payload), size)
		}
		return nil
	}, func(key []byte) { known = known && !bytes.Equal(key, keyLastSession) })
	if known && compareIDs(last, c.greatest) < 0 {
		c.wrong(bucketMeta, keyLastSession, "is less than session %s: an id could be given out again", c.greatest)
	}
	return err
}

// placeOf names a record for people.
func placeOf(b Bucket, key []byte) string {
	switch {
	case b == bucketEvents && len(key) == len(SessionID{})+8:
		return "event " + Cursor{SessionID(key[:len(key)-8]), eventSequence(key)}.String()
	case b == bucketTasks && ValidTaskID(string(key)):
		return "task " + string(key)
	case b == bucketActivity && len(key) == 8:
		return "activity " + strconv.FormatUint(parseNumber(key), 10)
	case b == bucketEnded && len(key) == 8+len(SessionID{}):
		ended, id := splitEndedKey(key)
		return fmt.Sprintf("ended %s session %s", ended.UTC().Format(TimeFormat), id)
	case b == bucketExternal:
		if agent, external, id, ok := splitExternalKey(key); ok {
			return fmt.Sprintf("external id %q of agent %q session %s", external, agent, id)
		}
	case b == bucketSessions, b == bucketOpen:
		if task, id, ok := splitSessionKey(key); ok && b == bucketOpen {
			return fmt.Sprintf("open session %s of task %s", id, task)
		} else if ok {
			return fmt.Sprintf("session %s of task %s", id, task)
		}
	}
	return fmt.Sprintf("%s %q", b, key)
}

// parseNumber reads 8 bytes, big-endian; anything else is 0.
func parseNumber(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// splitSessionKey is the inverse of sessionKey.
func splitSessionKey(key []byte) (task string, id SessionID, ok bool) {
	cut := len(key) - len(id) - 1
	if cut < 1 || key[cut] != 0 || !ValidTaskID(string(key[:cut])) {
		return "", id, false
	}
	copy(id[:], key[cut+1:])
	return string(key[:cut]), id, true
}
