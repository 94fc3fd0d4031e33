package eventlog

import (
	"context"
	"sync"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Watch follows one task: it tells when there is more, and reads the newest events from
// memory. No event is ever sent to the watcher. It keeps a cursor and reads after it. So
// nothing waits in a queue for a slow reader, and nothing can be lost or duplicated between
// old events and new ones:
//
//	watch := log.Watch("t-1")
//	defer watch.Close()
//	for {
//		changed := watch.Changed() // first this, then the read
//		before := after
//		page, err := watch.Scan(ctx, session, after, func(e *eventlog.Event) bool {
//			...
//			after = e.Sequence
//			return true
//		})
//		...
//		if after == before {
//			<-changed
//		}
//	}
//
// A Watch may be used concurrently. The caller must close it.
type Watch struct {
	log  *Log
	task *watchedTask
	once sync.Once
}

// Watch starts to watch a task. It does not check that the task exists.
func (l *Log) Watch(task string) *Watch {
	return &Watch{log: l, task: l.watches.add(task)}
}

// Close ends the watch.
func (w *Watch) Close() { w.once.Do(func() { w.log.watches.remove(w.task) }) }

// Changed returns a channel that is closed at the next commit that touches the task: an
// event, a session's start or end, a deletion. See [Log.Done] for the end of the log.
func (w *Watch) Changed() <-chan struct{} { return w.task.changed.wait() }

// Behind reports whether there may be events after the cursor. It does not read the store. A
// cursor without a session is never behind: Changed reports the start of a session.
func (w *Watch) Behind(c Cursor) bool {
	if c.Session.IsZero() {
		return false
	}
	w.task.mu.Lock()
	defer w.task.mu.Unlock()
	t := w.task.tails[c.Session]
	return t == nil || c.Sequence < t.head
}

// Scan is [Log.Scan], from memory where possible.
func (w *Watch) Scan(ctx context.Context, session SessionID, after uint64, visit func(*Event) bool) (Page, error) {
	l, t := w.log, w.task
	if err := l.Err(); err != nil {
		return Page{}, err
	}
	page, commits, ok := t.read(session, after)
	if ok {
		for i := range page.Events {
			if !visit(&page.Events[i]) {
				break
			}
		}
		page.Events = nil
		return page, nil
	}
	page, err := l.scan(ctx, after, visit, func(r store.Reader) (*record.Session, error) {
		return t.decoded.session(r, t.id, session)
	})
	if err == nil {
		t.keep(session, &page, commits)
	}
	return page, err
}

// watches holds the tasks that are being watched, and only those.
type watches struct {
	tailBytes int
	any       signal // raised by every change of a task

	mu    sync.Mutex
	tasks map[string]*watchedTask

	change    uint64           // the last change that committed
	deleted   []record.Removal // the newest deletions, in order
	forgotten uint64           // the last change that was dropped from deleted
}

// maxDeleted is how many deletions are remembered for readers that follow all tasks.
const maxDeleted = 10_000

func (ws *watches) init(tailBytes int) {
	ws.tailBytes = tailBytes
	ws.tasks = map[string]*watchedTask{}
}

// begin sets the last change that committed before all that is heard of.
func (ws *watches) begin(change uint64) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.change = change
}

// watched reports whether anyone watches a task.
func (ws *watches) watched(task string) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.tasks[task] != nil
}

func (ws *watches) add(id string) *watchedTask {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	t := ws.tasks[id]
	if t == nil {
		t = &watchedTask{id: id, tails: map[SessionID]*tail{}}
		ws.tasks[id] = t
	}
	t.watches++
	return t
}

func (ws *watches) remove(t *watchedTask) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if t.watches--; t.watches == 0 {
		delete(ws.tasks, t.id)
	}
}

// LastChange returns the number of the last change that this log has committed. A reader
// that follows all tasks and has this number has seen everything.
func (l *Log) LastChange() uint64 {
	l.watches.mu.Lock()
	defer l.watches.mu.Unlock()
	return l.watches.change
}

// deletedSince returns the deletions after a change, and the last change that committed.
func (ws *watches) deletedSince(after uint64) (known uint64, deleted []record.Removal, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if after < ws.forgotten {
		return 0, nil, ErrBehind
	}
	for i := len(ws.deleted); i > 0 && ws.deleted[i-1].Change > after; i-- {
		deleted = ws.deleted[i-1:]
	}
	return ws.change, append([]record.Removal(nil), deleted...), nil
}

// committed tells the watched tasks about a commit that has returned.
func (ws *watches) committed(o *record.Outcome, at time.Time) {
	ws.mu.Lock()
	ws.change = max(ws.change, o.Change)
	ws.deleted = append(ws.deleted, o.Removed...)
	if surplus := len(ws.deleted) - maxDeleted; surplus > 0 {
		ws.forgotten = ws.deleted[surplus-1].Change
		ws.deleted = append([]record.Removal(nil), ws.deleted[surplus:]...)
	}
	wake := map[*watchedTask]bool{}
	watched := func(id string) *watchedTask {
		t := ws.tasks[id]
		if t != nil && !wake[t] {
			// Before its tails change: a reader that read the store before this commit must
			// not begin a tail from what it read.
			t.countCommit()
			wake[t] = true
		}
		return t
	}
	for id := range o.Touched {
		watched(id)
	}
	for _, r := range o.Removed {
		watched(r.Task)
	}
	for _, s := range o.Started {
		if t := watched(s.Task); t != nil {
			t.forgetSealed()
		}
	}
	for i := range o.Appended {
		a := &o.Appended[i]
		for j := range a.Events {
			a.Events[j].Committed = at
		}
		if t := watched(a.Task); t != nil {
			t.append(a, ws.tailBytes)
		}
	}
	for t := range wake {
		t.settle(ws.tailBytes)
	}
	for _, d := range o.Dropped {
		if t := watched(d.Task); t != nil {
			t.drop(d.Session)
		}
	}
	ws.mu.Unlock()

	for t := range wake {
		t.changed.raise()
	}
	if len(o.Touched)+len(o.Removed) > 0 {
		ws.any.raise()
	}
}
