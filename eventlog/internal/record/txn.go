package record

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Txn is the transaction of one commit, with the records that its changes use. It reads and
// writes each record once, however many changes of the group use it.
type Txn struct {
	store.Tx
	Now     time.Time
	Last    Carried
	Recent  *Recent  // nil: every state is read
	Scratch *Scratch // for what every append writes

	Tasks     map[string]*Task             // nil: it does not exist
	Sessions  map[event.SessionID]*Session // nil: it does not exist
	touches   []touch
	rewritten []*Session // their records must be written
	tidied    []*Task    // their records changed, but not by a change of the task
	spending  []*Session // their cost has changed
	Wrote     bool
	Damage    []error // met on the way, and left where it is
	Full      error   // set when there is room for endings only: nothing new may start

	accounts        map[string]*account // those that were read, by bucket and key
	changedAccounts []*account
	usage           map[UsageKey]*usageRow // those that were read
	usageRows       map[Day]int            // how many rows a day has, where that was counted

	Outcome
}

// touch is what a commit changes of one task.
type touch struct {
	task     string
	change   uint64     // its number
	deleted  bool       // the task was deleted, and may have been made again
	record   bool       // its record must be written
	sessions []*Session // their states have changed, or they are no longer open
}

// NewTxn makes the transaction of a commit that follows the last one.
func NewTxn(tx store.Tx, now time.Time, last Carried) *Txn {
	return &Txn{
		Tx: tx, Now: now, Last: last,
		Tasks: map[string]*Task{}, Sessions: map[event.SessionID]*Session{}, Outcome: Outcome{Touched: map[string]int{}},
	}
}

// Task returns the record of a task, without what its open sessions add. A caller that
// changes it must then call Touch or Tidy.
func (tx *Txn) Task(id string) (*Task, error) {
	if t, seen := tx.Tasks[id]; seen {
		if t == nil {
			return nil, event.ErrTaskNotFound
		}
		return t, nil
	}
	t, err := StoredTask(tx, id)
	if err != nil {
		return nil, err
	}
	tx.Tasks[id] = t
	return t, nil
}

// Note records damage that a change skips, so that everything else goes on.
func (tx *Txn) Note(err error) { tx.Damage = append(tx.Damage, err) }

// Sums returns a task's totals and unpriced tokens, including those of its open sessions.
func (tx *Txn) Sums(t *Task) (Totals, Unpriced, error) {
	sum, unpriced := t.Totals, maps.Clone(t.Unpriced)
	for _, id := range t.Open {
		s, err := tx.OpenSession(t.ID, id)
		if err == nil && s == nil {
			_, err = ReadSessionState(tx, t.ID, id) // it says what is wrong
		}
		if err == nil {
			err = tx.spent(s)
		}
		if err != nil {
			return Totals{}, nil, err
		}
		sum.Add(s.Totals)
		unpriced.Add(s.Models)
	}
	return sum, unpriced, nil
}

// Session returns the record of a session. A caller that changes it must then call Rewrite.
func (tx *Txn) Session(task string, id event.SessionID) (*Session, error) {
	known, seen := tx.Sessions[id]
	if seen && (known == nil || known.Task != task) { // no id is used twice
		return nil, event.ErrSessionNotFound
	}
	if seen && !known.Brief {
		return known, nil
	}
	if !seen {
		s, err := ReadWhole(tx, task, id)
		if err == nil {
			tx.Sessions[id] = s
		}
		return s, err
	}
	// Only the state is known: read the rest. Events may have been appended since, so the
	// stored state is out of date.
	key := SessionKey(task, id)
	raw := tx.Get(store.Sessions, key)
	if raw == nil {
		return nil, event.ErrSessionNotFound
	}
	s, err := DecodeSession(task, key, raw)
	if err == nil {
		err = tx.spent(known)
	}
	if err != nil {
		return nil, err
	}
	s.State, s.listed, s.Counted, s.spends = known.State, known.listed, true, known.spends
	*known = *s
	return known, nil
}

// OpenSession returns an open session with its state, which is all that most appends need.
// It returns nil if the session is not open or does not exist; Session says which.
func (tx *Txn) OpenSession(task string, id event.SessionID) (*Session, error) {
	if s, seen := tx.Sessions[id]; seen {
		if s == nil || s.Task != task || s.Status != event.StatusOpen {
			return nil, nil
		}
		return s, nil
	}
	st, of, known := tx.Recent.state(id)
	if !known {
		key, record := LastRecord(tx, id)
		if !IsState(record) {
			return nil, nil
		}
		stored, ofTask, err := DecodeState(key, record)
		if err != nil {
			return nil, err
		}
		st, of = stored, string(ofTask)
	}
	if of != task {
		return nil, nil
	}
	s := &Session{ID: id, Task: task, Status: event.StatusOpen, State: st, Brief: true}
	tx.Sessions[id] = s
	return s, nil
}

// Touch marks the record of a task as changed.
func (tx *Txn) Touch(id string) { tx.touchOf(id).record = true }

// touchSession notes that the state of a session has changed, or that it is no longer open.
func (tx *Txn) touchSession(s *Session) {
	t := tx.touchOf(s.Task)
	if !s.listed {
		s.listed = true
		t.sessions = append(t.sessions, s)
	}
}

// touchOf returns the touch of a task. It is valid until the next call.
func (tx *Txn) touchOf(task string) *touch {
	tx.Wrote = true
	i, known := tx.Touched[task]
	if !known {
		i = len(tx.touches)
		tx.Touched[task] = i
		tx.touches = append(tx.touches, touch{task: task, change: tx.nextChange()})
	}
	return &tx.touches[i]
}

// Tidy marks the task's record as changed without activity: the task keeps its place among
// the others.
func (tx *Txn) Tidy(t *Task) {
	tx.Wrote = true
	if !t.tidied {
		t.tidied = true
		tx.tidied = append(tx.tidied, t)
	}
}

// Rewrite marks the record of a session as changed.
func (tx *Txn) Rewrite(s *Session) {
	tx.Wrote = true
	if !s.dirty {
		s.dirty = true
		tx.rewritten = append(tx.rewritten, s)
	}
}

// TaskOrNew returns the record of a task, and makes one if there is none.
func (tx *Txn) TaskOrNew(id string) (t *Task, created bool, err error) {
	t, err = tx.Task(id)
	if !errors.Is(err, event.ErrTaskNotFound) {
		return t, false, err
	}
	if tx.Full != nil {
		return nil, false, tx.Full
	}
	t = &Task{ID: id, Status: event.StatusNone, Created: event.Time{Time: tx.Now}, Born: tx.nextChange()}
	tx.Tasks[id] = t
	tx.Touch(id)
	return t, true, nil
}

// maxOpen is how many sessions of a task may be open at once. Each start writes their ids,
// a read of the task reads their states, and a start that supersedes them seals them all in
// one transaction.
const maxOpen = 256

// StartSession starts s in a task. The caller has set what is known of the session. Unless
// it is concurrent, it supersedes the task's open sessions.
func (tx *Txn) StartSession(t *Task, s *Session, concurrent bool) error {
	if tx.Full != nil {
		return tx.Full
	}
	if concurrent && len(t.Open) >= maxOpen {
		return fmt.Errorf("%w: task %s has %d", ErrTooManyOpen, t.ID, len(t.Open))
	}
	if !concurrent {
		superseded, err := tx.openSessions(t)
		if err != nil {
			return err
		}
		for _, s := range superseded {
			tx.Interrupt(t, s, "superseded")
		}
	}
	tx.Last.Session = NextSessionID(tx.Now, tx.Last.Session)
	s.ID, s.Task, s.Status, s.First, s.Counted = tx.Last.Session, t.ID, event.StatusOpen, 1, true
	s.Born, s.Beside = tx.touchOf(t.ID).change, slices.Clone(t.Open)
	key := SessionKey(t.ID, s.ID)
	tx.Sessions[s.ID] = s
	tx.Put(store.Sessions, key, s.Encode(key)) // at once, so that iterating over the task's sessions finds it
	tx.Put(store.Open, key, Encode(store.Open, key, nil))
	tx.Index(s)
	t.Sessions++
	t.Latest, t.Status = s.ID, event.StatusOpen
	t.Open = append(t.Open, s.ID)
	tx.Started = append(tx.Started, s)
	tx.Touch(t.ID)
	tx.touchSession(s)
	return nil
}

// openSessions reads all of a task's open sessions, so that no read fails after a change
// has begun to write.
func (tx *Txn) openSessions(t *Task) ([]*Session, error) {
	open := make([]*Session, len(t.Open))
	for i, id := range t.Open {
		var err error
		if open[i], err = tx.Session(t.ID, id); err != nil {
			return nil, fmt.Errorf("open session %s of task %s: %w", id, t.ID, err)
		}
	}
	return open, nil
}

// Interrupt seals a session whose writer is gone.
func (tx *Txn) Interrupt(t *Task, s *Session, reason string) {
	tx.AppendTo(t, s, []Prepared{Completion(event.Interrupted, reason)})
}

// AppendTo appends events to an open session, and seals it if the last one is complete. It
// needs the task and the whole session only if NeedsAll is true of an event.
func (tx *Txn) AppendTo(t *Task, s *Session, events []Prepared) {
	change := tx.touchOf(s.Task).change
	for i := range events {
		p := &events[i]
		s.Head++
		p.Sequence, p.Change = s.Head, change
		if p.Time.IsZero() {
			p.Time = tx.Now
		}
		key := appendEventKey(tx.Scratch.room(eventKey), s.ID, p.Sequence)
		tx.Put(store.Events, key, encodeEvent(tx.Scratch, key, &p.Event))
		s.Totals.Events++
		if p.Cost != nil {
			c := tx.Count(s, p.Cost)
			tx.use(t, s, p.Time, p.Cost, c)
			tx.Costs = append(tx.Costs, costAdded{p.Cost.Model, c})
		}
		if p.About != nil {
			tx.learn(t, s, p.About)
		}
		if p.answers != 0 {
			tx.keepAnswer(t, s, p.answers, p.Sequence)
		}
	}
	tx.touchSession(s)
	tx.Appended = append(tx.Appended, Appended{Task: s.Task, Session: s.ID, Events: events, Record: s})
	if last := &events[len(events)-1]; last.Type == event.TypeComplete {
		tx.seal(t, s, last)
	}
}

// seal ends a session with its complete event.
func (tx *Txn) seal(t *Task, s *Session, end *Prepared) {
	tx.closeSession(t, s)
	s.Status, s.Reason, s.Ended, s.Sealed = end.Status, end.Reason, event.Time{Time: end.Time}, event.Time{Time: tx.Now}
	tx.Rewrite(s)
	ended := EndedKey(s.Sealed.Time, s.ID)
	tx.Put(store.Ended, ended, Encode(store.Ended, ended, []byte(t.ID)))
	t.Totals.Add(s.Totals)
	t.Unpriced.Add(s.Models)
	if t.Latest == s.ID {
		t.Status = end.Status
	}
	tx.Touch(t.ID)
}

// closeSession removes a session from the open ones.
func (tx *Txn) closeSession(t *Task, s *Session) {
	tx.Delete(store.Open, SessionKey(t.ID, s.ID))
	if len(s.Models) > 0 {
		tx.Delete(store.Spent, s.ID[:])
	}
	t.Open = slices.DeleteFunc(t.Open, func(id event.SessionID) bool { return id == s.ID })
	s.closed = true
	tx.touchSession(s)
	tx.Ended = append(tx.Ended, s)
}

// Flush writes the records that changed.
func (tx *Txn) Flush() error {
	for i := range tx.touches {
		tx.settle(&tx.touches[i])
	}
	tx.Change = tx.Last.Change
	for _, t := range tx.tidied {
		i, touched := tx.Touched[t.ID]
		written := touched && tx.touches[i].record
		if !written && tx.Tasks[t.ID] == t { // else it was deleted, or made again
			tx.PutTask(t)
		}
	}
	tx.writeAccounts()
	tx.writeUsage()
	for _, s := range tx.spending {
		if s.Status == event.StatusOpen && tx.Sessions[s.ID] != nil {
			tx.Put(store.Spent, s.ID[:], EncodeSpending(s.ID[:], s.Models))
		}
	}
	for _, s := range tx.rewritten {
		if tx.Sessions[s.ID] != nil {
			key := SessionKey(s.Task, s.ID)
			tx.Put(store.Sessions, key, s.Encode(key))
		}
	}
	if len(tx.Started) > 0 {
		tx.Put(store.Meta, KeyLastSession, Encode(store.Meta, KeyLastSession, tx.Last.Session[:]))
	}
	if n := len(tx.Removed); n > 0 {
		tx.Put(store.Meta, keyLastChange, Encode(store.Meta, keyLastChange, ChangeKey(tx.Removed[n-1].Change)))
	}
	tx.sweep()
	return nil
}

// settle writes what has changed of a task.
func (tx *Txn) settle(touch *touch) {
	if touch.deleted {
		return
	}
	t, change := tx.Tasks[touch.task], touch.change
	var left []uint64
	take := func(old *uint64) {
		if *old != 0 {
			left = tx.replace(*old, left)
		}
		*old = change
	}
	for _, s := range touch.sessions {
		take(&s.Change)
		if !s.closed {
			s.Updated = event.Time{Time: tx.Now}
			key := appendEventKey(tx.Scratch.room(eventKey), s.ID, s.Head+1)
			tx.Put(store.Events, key, encodeState(tx.Scratch, key, s.Task, &s.State))
		}
	}
	if touch.record {
		take(&t.Change)
		t.Updated = event.Time{Time: tx.Now}
		tx.PutTask(t)
	}
	key := ChangeKey(change)
	tx.Put(store.Activity, key, encodeActivity(tx.Scratch, key, touch.task, left))
}

// PutTask writes the record of a task as it is.
func (tx *Txn) PutTask(t *Task) {
	tx.Put(store.Tasks, []byte(t.ID), EncodeJSON(store.Tasks, []byte(t.ID), t))
}

func (tx *Txn) nextChange() uint64 {
	tx.Last.Change++
	return tx.Last.Change
}
