package eventlog

import (
	"maps"
	"slices"
	"sync"

	"jrweb/eventlog/internal/record"
)

// watchedTask is what is kept in memory of a task while anyone watches it.
type watchedTask struct {
	id      string
	watches int // guarded by watches.mu
	changed signal
	decoded decoded

	mu      sync.Mutex
	commits uint64 // how many commits touched the task since the first watch
	tails   map[SessionID]*tail
	all     *orderTail // nil: nobody reads all sessions, or has come to their end
}

// tail is the newest events of a session. It is a cache: a reader that is behind its first
// event reads the store.
type tail struct {
	events  []Event // without holes; the last one is head
	bytes   int     // size of events
	dropped int     // size of the dropped events that the array still holds
	head    uint64
	kept    uint64 // the oldest sequence that the store keeps
	sealed  bool
}

// eventOverhead is about how much memory an event takes in addition to its data. It counts,
// so that many small events do not take much more than the limit.
const eventOverhead = 128

func tailBytes(e *Event) int { return len(e.Data) + eventOverhead }

// first returns the sequence of the first event in the tail. From there on the tail has
// every event.
func (t *tail) first() uint64 { return t.head + 1 - uint64(len(t.events)) }

// read serves a page from memory. If it cannot, it returns the number of commits so far,
// for keep.
func (w *watchedTask) read(session SessionID, after uint64) (page Page, commits uint64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tails[session]
	if t == nil || after+1 < t.first() {
		return Page{}, w.commits, false
	}
	page = Page{First: t.kept, Head: t.head, Sealed: t.sealed}
	if after >= t.head {
		return page, 0, true
	}
	from := len(t.events) - int(t.head-after)
	to, bytes := from, 0
	for to < len(t.events) && to-from < pageEvents && bytes < pageBytes {
		bytes += len(t.events[to].Data)
		to++
	}
	page.Events = t.events[from:to:to]
	return page, 0, true
}

// keep begins a tail at the head of a page from the store, if no commit has touched the
// task since commits was read.
func (w *watchedTask) keep(session SessionID, page *Page, commits uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.commits == commits && w.tails[session] == nil {
		w.tails[session] = &tail{head: page.Head, kept: page.First, sealed: page.Sealed}
	}
}

// append adds committed events to the tail of their session, if there is one.
func (w *watchedTask) append(a *record.Appended, limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all != nil {
		w.all.add(a)
	}
	t := w.tails[a.Session]
	if t == nil {
		return
	}
	for i := range a.Events {
		e := &a.Events[i].Event
		if e.Sequence != t.head+1 {
			continue // the page that began the tail included this commit already
		}
		t.events = append(t.events, *e)
		t.bytes += tailBytes(e)
		t.head = e.Sequence
		t.sealed = e.Type == TypeComplete
	}
	t.shrink(limit)
}

// shrink drops the oldest events beyond limit bytes. Pages that were read share the array,
// so nothing in it is overwritten. Once it holds more than limit bytes of dropped events,
// it is copied. So a tail takes at most twice the limit.
func (t *tail) shrink(limit int) {
	surplus := 0
	for t.bytes > limit && surplus < len(t.events) {
		n := tailBytes(&t.events[surplus])
		t.bytes -= n
		t.dropped += n
		surplus++
	}
	t.events = t.events[surplus:]
	if t.dropped > limit {
		t.events = slices.Clone(t.events)
		t.dropped = 0
	}
}

// forgetSealed forgets the sessions that have ended. It runs when a new session starts, so
// that a task that is watched for long does not keep the tails of all its old sessions.
func (w *watchedTask) forgetSealed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.tails, func(_ SessionID, t *tail) bool { return t.sealed })
}

// drop forgets a session that has lost events or was deleted.
func (w *watchedTask) drop(session SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tails, session)
	w.all = nil // it may hold events that are gone
}

func (w *watchedTask) countCommit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits++
}
