package record

import (
	"errors"
	"maps"
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

func (tx *Txn) nextChange() uint64 {
	tx.Last.Change++
	return tx.Last.Change
}
