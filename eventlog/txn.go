package eventlog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// txn is the transaction of one commit, with the records that its changes
// touch. Each record is read once and written once, however many changes of the
// group touch it.
type txn struct {
	Tx
	now    time.Time
	last   state
	shared bool // others change the store as well

	tasks     map[string]*taskRecord       // nil: there is none any more
	sessions  map[SessionID]*sessionRecord // nil: there is none any more
	touched   map[string]int               // tasks that changed, their records or only their sessions, by their place in touches
	touches   []touch
	rewritten []*sessionRecord // whose records are to be written
	tidied    []*taskRecord    // that changed without a change of the task
	spending  []*sessionRecord // of which what they have cost has changed
	wrote     bool
	damage    []error // that was met, and left where it is
	full      error   // set when there is room for endings only: nothing new may start

	accounts        map[string]*account // that were read, by bucket and key
	changedAccounts []*account

	// What there is to tell once the commit has returned.
	appended []appended
	started  []*sessionRecord
	ended    []*sessionRecord // sealed, or deleted while open
	costs    []costAdded
	removed  []removal
	dropped  []dropped
}

// touch is what a commit changes of one task.
type touch struct {
	task     string
	record   bool             // its record is to be written
	sessions []*sessionRecord // whose states have changed, or that are not open any more
}

// appended are events of one session that are committed together.
type appended struct {
	task    string
	session SessionID
	events  []Event
	record  *sessionRecord
}

// costAdded is what a cost has added to the totals of its session.
type costAdded struct {
	Model string
	costValues
}

// removal is a task that was deleted by a change.
type removal struct {
	task   string
	change uint64
}

// dropped is a session of which something is no longer kept.
type dropped struct {
	task    string
	session SessionID
}

func newTxn(tx Tx, now time.Time, last state) *txn {
	return &txn{
		Tx: tx, now: now, last: last,
		tasks: map[string]*taskRecord{}, sessions: map[SessionID]*sessionRecord{}, touched: map[string]int{},
	}
}

// task returns the record of a task, without what its open sessions add, to be
// changed in place by a change that then calls touch.
func (tx *txn) task(id string) (*taskRecord, error) {
	if t, seen := tx.tasks[id]; seen {
		if t == nil {
			return nil, ErrTaskNotFound
		}
		return t, nil
	}
	t, err := storedTask(tx, id)
	if err != nil {
		return nil, err
	}
	tx.tasks[id] = t
	return t, nil
}

// note takes down damage that a change passes over: everything else goes on.
func (tx *txn) note(err error) { tx.damage = append(tx.damage, err) }

// sums returns a task's totals and unpriced tokens, with what its open sessions add.
func (tx *txn) sums(t *taskRecord) (totals, unpricedTokens, error) {
	sum, unpriced := t.Totals, maps.Clone(t.Unpriced)
	for _, id := range t.Open {
		s, err := tx.openSession(t.id, id)
		if err == nil && s == nil {
			_, err = readSessionState(tx, t.id, id) // says what is wrong
		}
		if err == nil {
			err = tx.spent(s)
		}
		if err != nil {
			return totals{}, nil, err
		}
		sum.add(s.Totals)
		unpriced.add(s.Models)
	}
	return sum, unpriced, nil
}

// session returns the record of a session, to be changed in place by a change
// that then calls rewrite.
func (tx *txn) session(task string, id SessionID) (*sessionRecord, error) {
	known, seen := tx.sessions[id]
	if seen && (known == nil || known.task != task) { // no id is used twice
		return nil, ErrSessionNotFound
	}
	if seen && !known.brief {
		return known, nil
	}
	if !seen {
		s, err := readWhole(tx, task, id)
		if err == nil {
			tx.sessions[id] = s
		}
		return s, err
	}
	// The rest of what is known in brief. What was appended since stands where its
	// state stood.
	key := sessionKey(task, id)
	raw := tx.Get(bucketSessions, key)
	if raw == nil {
		return nil, ErrSessionNotFound
	}
	s, err := decodeSession(task, key, raw)
	if err == nil {
		err = tx.spent(known)
	}
	if err != nil {
		return nil, err
	}
	s.sessionState, s.listed, s.counted, s.spends = known.sessionState, known.listed, true, known.spends
	*known = *s
	return known, nil
}

// openSession returns what an append needs to know of an open session: its
// state. It is nil if the session is not open, or not there; session tells.
func (tx *txn) openSession(task string, id SessionID) (*sessionRecord, error) {
	if s, seen := tx.sessions[id]; seen {
		if s == nil || s.task != task || s.Status != StatusOpen {
			return nil, nil
		}
		return s, nil
	}
	key, record := lastRecord(tx, id)
	if !isState(record) {
		return nil, nil
	}
	st, of, err := decodeState(key, record)
	if err != nil || string(of) != task {
		return nil, err
	}
	s := &sessionRecord{id: id, task: task, Status: StatusOpen, sessionState: st, brief: true}
	tx.sessions[id] = s
	return s, nil
}

// touch says that the record of a task has changed.
func (tx *txn) touch(id string) { tx.touchOf(id).record = true }

// touchSession says that the state of a session has changed, or that it is not
// open any more.
func (tx *txn) touchSession(s *sessionRecord) {
	t := tx.touchOf(s.task)
	if !s.listed {
		s.listed = true
		t.sessions = append(t.sessions, s)
	}
}

// touchOf returns the touch of a task. It is valid until the next call.
func (tx *txn) touchOf(task string) *touch {
	tx.wrote = true
	i, known := tx.touched[task]
	if !known {
		i = len(tx.touches)
		tx.touched[task] = i
		tx.touches = append(tx.touches, touch{task: task})
	}
	return &tx.touches[i]
}

// tidy says that the task's record has changed, but not by anybody's activity:
// the task keeps its place among the others.
func (tx *txn) tidy(t *taskRecord) {
	tx.wrote = true
	if !t.tidied {
		t.tidied = true
		tx.tidied = append(tx.tidied, t)
	}
}

// rewrite says that the record of a session has changed.
func (tx *txn) rewrite(s *sessionRecord) {
	tx.wrote = true
	if !s.dirty {
		s.dirty = true
		tx.rewritten = append(tx.rewritten, s)
	}
}

// taskOrNew returns the record of a task, and makes one if there is none.
func (tx *txn) taskOrNew(id string) (t *taskRecord, created bool, err error) {
	t, err = tx.task(id)
	if !errors.Is(err, ErrTaskNotFound) {
		return t, false, err
	}
	if tx.full != nil {
		return nil, false, tx.full
	}
	t = &taskRecord{id: id, Status: StatusNone, Created: Time{tx.now}, Born: tx.nextChange()}
	tx.tasks[id] = t
	tx.touch(id)
	return t, true, nil
}

// maxOpen is how many sessions of a task may be open at once: each start writes their
// ids, who reads the task reads their states, and whoever supersedes them seals them all
// in one transaction.
const maxOpen = 256

// startSession starts s, which says what is known of the session, in a task. Unless it
// is concurrent, the open ones of the same task are superseded.
func (tx *txn) startSession(t *taskRecord, s *sessionRecord, concurrent bool) error {
	if tx.full != nil {
		return tx.full
	}
	if concurrent && len(t.Open) >= maxOpen {
		return fmt.Errorf("%w: task %s has %d", ErrTooManyOpen, t.id, len(t.Open))
	}
	if !concurrent {
		superseded, err := tx.openSessions(t)
		if err != nil {
			return err
		}
		for _, s := range superseded {
			tx.interrupt(t, s, "superseded")
		}
	}
	tx.last.session = nextSessionID(tx.now, tx.last.session)
	s.id, s.task, s.Status, s.First, s.counted = tx.last.session, t.id, StatusOpen, 1, true
	key := sessionKey(t.id, s.id)
	tx.sessions[s.id] = s
	tx.Put(bucketSessions, key, s.encode(key)) // at once, for those who list the task's sessions
	tx.Put(bucketOpen, key, encodeRecord(bucketOpen, key, nil))
	tx.index(s)
	t.Sessions++
	t.Latest, t.Status = s.id, StatusOpen
	t.Open = append(t.Open, s.id)
	tx.started = append(tx.started, s)
	tx.touch(t.id)
	tx.touchSession(s)
	return nil
}

// openSessions reads all of a task's open sessions, so that a change can be
// sure of them before it writes.
func (tx *txn) openSessions(t *taskRecord) ([]*sessionRecord, error) {
	open := make([]*sessionRecord, len(t.Open))
	for i, id := range t.Open {
		var err error
		if open[i], err = tx.session(t.id, id); err != nil {
			return nil, fmt.Errorf("open session %s of task %s: %w", id, t.id, err)
		}
	}
	return open, nil
}

// interrupt seals a session whose writer is gone.
func (tx *txn) interrupt(t *taskRecord, s *sessionRecord, reason string) {
	tx.appendTo(t, s, []prepared{completion(Interrupted, reason)})
}

// appendTo writes events to the end of an open session, and seals it if the
// last one is complete. It needs the task, and all of the session, only then and for
// session events.
func (tx *txn) appendTo(t *taskRecord, s *sessionRecord, events []prepared) {
	out := make([]Event, len(events))
	for i := range events {
		p := &events[i]
		s.Head++
		p.Sequence = s.Head
		if p.Time.IsZero() {
			p.Time = tx.now
		}
		key := eventKey(s.id, p.Sequence)
		tx.Put(bucketEvents, key, encodeEvent(key, &p.Event))
		s.Totals.Events++
		if p.cost != nil {
			c := tx.count(s, p.cost)
			tx.costs = append(tx.costs, costAdded{p.cost.Model, c})
		}
		if p.about != nil {
			tx.learn(t, s, p.about)
		}
		if p.answers != 0 {
			tx.keepAnswer(t, s, p.answers, p.Sequence)
		}
		out[i] = p.Event
	}
	tx.touchSession(s)
	tx.appended = append(tx.appended, appended{task: s.task, session: s.id, events: out, record: s})
	if last := &events[len(events)-1]; last.Type == TypeComplete {
		tx.seal(t, s, last)
	}
}

// seal ends a session with its complete event.
func (tx *txn) seal(t *taskRecord, s *sessionRecord, end *prepared) {
	tx.closeSession(t, s)
	s.Status, s.Reason, s.Ended, s.Sealed = end.status, end.reason, Time{end.Time}, Time{tx.now}
	tx.rewrite(s)
	ended := endedKey(s.Sealed.Time, s.id)
	tx.Put(bucketEnded, ended, encodeRecord(bucketEnded, ended, []byte(t.id)))
	t.Totals.add(s.Totals)
	t.Unpriced.add(s.Models)
	if t.Latest == s.id {
		t.Status = end.status
	}
	tx.touch(t.id)
}

// closeSession takes a session out of the open ones.
func (tx *txn) closeSession(t *taskRecord, s *sessionRecord) {
	tx.Delete(bucketOpen, sessionKey(t.id, s.id))
	if len(s.Models) > 0 {
		tx.Delete(bucketSpent, s.id[:])
	}
	t.Open = slices.DeleteFunc(t.Open, func(id SessionID) bool { return id == s.id })
	s.closed = true
	tx.touchSession(s)
	tx.ended = append(tx.ended, s)
}

// flush writes the records that changed.
func (tx *txn) flush() error {
	for i := range tx.touches {
		tx.settle(&tx.touches[i])
	}
	for _, t := range tx.tidied {
		i, touched := tx.touched[t.id]
		written := touched && tx.touches[i].record
		if !written && tx.tasks[t.id] == t { // else it is deleted, or made anew
			tx.putTask(t)
		}
	}
	tx.writeAccounts()
	for _, s := range tx.spending {
		if s.Status == StatusOpen && tx.sessions[s.id] != nil {
			tx.Put(bucketSpent, s.id[:], encodeSpending(s.id[:], s.Models))
		}
	}
	for _, s := range tx.rewritten {
		if tx.sessions[s.id] != nil {
			key := sessionKey(s.task, s.id)
			tx.Put(bucketSessions, key, s.encode(key))
		}
	}
	if len(tx.started) > 0 {
		tx.Put(bucketMeta, keyLastSession, encodeRecord(bucketMeta, keyLastSession, tx.last.session[:]))
	}
	if n := len(tx.removed); n > 0 {
		tx.Put(bucketMeta, keyLastChange, encodeRecord(bucketMeta, keyLastChange, changeKey(tx.removed[n-1].change)))
	}
	tx.sweep()
	return nil
}

// settle gives a task that changed its next change, and writes what changed of it.
func (tx *txn) settle(touch *touch) {
	t, known := tx.tasks[touch.task]
	if known && t == nil {
		return // deleted
	}
	change := tx.nextChange()
	var left []uint64
	take := func(old *uint64) {
		if *old != 0 {
			left = tx.replace(*old, left)
		}
		*old = change
	}
	for _, s := range touch.sessions {
		take(&s.change)
		if !s.closed {
			s.updated = Time{tx.now}
			key := stateKey(s.id, s.Head)
			tx.Put(bucketEvents, key, encodeState(key, s.task, &s.sessionState))
		}
	}
	if touch.record {
		take(&t.Change)
		t.Updated = Time{tx.now}
		tx.putTask(t)
	}
	key := changeKey(change)
	tx.Put(bucketActivity, key, encodeActivity(key, touch.task, left))
}

func (tx *txn) putTask(t *taskRecord) {
	tx.Put(bucketTasks, []byte(t.id), encodeJSON(bucketTasks, []byte(t.id), t))
}

func (tx *txn) nextChange() uint64 {
	tx.last.change++
	return tx.last.change
}
