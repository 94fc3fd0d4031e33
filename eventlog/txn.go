package eventlog

import (
	"cmp"
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
	now  time.Time
	last state

	tasks    map[string]*taskRecord
	sessions map[string]*sessionRecord // by their key in the store
	touched  map[string]int            // tasks that changed, and when: later is greater
	touches  int
	tidied   map[string]bool // tasks whose record changed without a change of the task
	wrote    bool
	full     error // set when there is room for endings only: nothing new may start

	// What there is to tell once the commit has returned.
	appended []appended
	started  []*sessionRecord
	ended    []*sessionRecord // sealed, or deleted while open
	costs    []CostAdded
	removed  []removal
	dropped  []dropped
}

// appended are events of one session that are committed together.
type appended struct {
	task    string
	session SessionID
	events  []Event
	record  *sessionRecord
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
		tasks: map[string]*taskRecord{}, sessions: map[string]*sessionRecord{}, touched: map[string]int{}, tidied: map[string]bool{},
	}
}

// task returns the record of a task, to be changed in place by a change that
// then calls touch.
func (tx *txn) task(id string) (*taskRecord, error) {
	if t, seen := tx.tasks[id]; seen {
		if t == nil {
			return nil, ErrTaskNotFound
		}
		return t, nil
	}
	t, err := readTask(tx, id)
	if err != nil {
		return nil, err
	}
	tx.tasks[id] = t
	return t, nil
}

// session does the same for a session.
func (tx *txn) session(task string, id SessionID) (*sessionRecord, error) {
	key := string(sessionKey(task, id))
	if s, seen := tx.sessions[key]; seen {
		if s == nil {
			return nil, ErrSessionNotFound
		}
		return s, nil
	}
	s, err := readSession(tx, task, id)
	if err != nil {
		return nil, err
	}
	tx.sessions[key] = s
	return s, nil
}

// touch says that the task, or something in it, has changed.
func (tx *txn) touch(id string) {
	tx.wrote = true
	tx.touches++
	tx.touched[id] = tx.touches
}

// tidy says that the task's record has changed, but not by anybody's activity:
// the task keeps its place among the others.
func (tx *txn) tidy(id string) {
	tx.wrote = true
	tx.tidied[id] = true
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

// startSession starts a session. Unless it is concurrent, the open ones of the
// same task are superseded.
func (tx *txn) startSession(t *taskRecord, o *StartOptions) (*sessionRecord, error) {
	if tx.full != nil {
		return nil, tx.full
	}
	if !o.Concurrent {
		superseded, err := tx.openSessions(t)
		if err != nil {
			return nil, err
		}
		for _, s := range superseded {
			tx.interrupt(t, s, "superseded")
		}
	}
	tx.last.session = nextSessionID(tx.now, tx.last.session)
	s := &sessionRecord{
		id: tx.last.session, task: t.id, dirty: true,
		Status: StatusOpen, Started: Time{tx.now}, First: 1,
		Agent: o.Agent, Model: o.Model, ExternalID: o.ExternalID, Lease: o.Lease,
	}
	key := sessionKey(t.id, s.id)
	tx.sessions[string(key)] = s
	tx.Put(bucketSessions, key, encodeJSON(bucketSessions, key, s))
	tx.Put(bucketOpen, key, encodeRecord(bucketOpen, key, nil))
	t.Sessions++
	t.Latest, t.Status = s.id, StatusOpen
	t.Open = append(t.Open, s.id)
	tx.started = append(tx.started, s)
	tx.touch(t.id)
	return s, nil
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
// last one is complete.
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
		added := totals{Events: 1}
		if p.cost != nil {
			c := s.count(*p.cost)
			added.USD, added.InputTokens, added.OutputTokens = c.USD, c.InputTokens, c.OutputTokens
			tx.costs = append(tx.costs, CostAdded{
				Model: p.cost.Model, USD: c.USD, InputTokens: c.InputTokens, OutputTokens: c.OutputTokens,
				CacheReadTokens: c.CacheReadTokens, CacheWriteTokens: c.CacheWriteTokens,
			})
		}
		s.Totals.add(added)
		t.Totals.add(added)
		out[i] = p.Event
	}
	s.dirty = true
	tx.appended = append(tx.appended, appended{task: t.id, session: s.id, events: out, record: s})
	if last := &events[len(events)-1]; last.Type == TypeComplete {
		tx.seal(t, s, last.status, last.reason)
	}
	tx.touch(t.id)
}

func (tx *txn) seal(t *taskRecord, s *sessionRecord, status Status, reason string) {
	s.Status, s.Reason, s.Ended = status, reason, Time{tx.now}
	tx.closeSession(t, s)
	ended := endedKey(s.Ended.Time, s.id)
	tx.Put(bucketEnded, ended, encodeRecord(bucketEnded, ended, []byte(t.id)))
	if t.Latest == s.id {
		t.Status = status
	}
}

// closeSession takes a session out of the open ones.
func (tx *txn) closeSession(t *taskRecord, s *sessionRecord) {
	tx.Delete(bucketOpen, sessionKey(t.id, s.id))
	t.Open = slices.DeleteFunc(t.Open, func(id SessionID) bool { return id == s.id })
	tx.ended = append(tx.ended, s)
}

// flush writes the records that changed.
func (tx *txn) flush() error {
	inOrder := slices.SortedFunc(maps.Keys(tx.touched), func(a, b string) int {
		return cmp.Compare(tx.touched[a], tx.touched[b])
	})
	for _, id := range inOrder {
		t := tx.tasks[id]
		if t == nil {
			continue // deleted
		}
		if t.Change != 0 {
			tx.Delete(bucketActivity, changeKey(t.Change))
		}
		t.Change = tx.nextChange()
		t.Updated = Time{tx.now}
		tx.Put(bucketTasks, []byte(id), encodeJSON(bucketTasks, []byte(id), t))
		at := changeKey(t.Change)
		tx.Put(bucketActivity, at, encodeRecord(bucketActivity, at, []byte(id)))
	}
	for _, id := range slices.Sorted(maps.Keys(tx.tidied)) {
		if t := tx.tasks[id]; t != nil && tx.touched[id] == 0 {
			tx.Put(bucketTasks, []byte(id), encodeJSON(bucketTasks, []byte(id), t))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(tx.sessions)) {
		if s := tx.sessions[key]; s != nil && s.dirty {
			tx.Put(bucketSessions, []byte(key), encodeJSON(bucketSessions, []byte(key), s))
		}
	}
	if len(tx.started) > 0 {
		tx.Put(bucketMeta, keyLastSession, encodeRecord(bucketMeta, keyLastSession, tx.last.session[:]))
	}
	if n := len(tx.removed); n > 0 {
		tx.Put(bucketMeta, keyLastChange, encodeRecord(bucketMeta, keyLastChange, changeKey(tx.removed[n-1].change)))
	}
	return nil
}

func (tx *txn) nextChange() uint64 {
	tx.last.change++
	return tx.last.change
}
