package eventlog

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// leases knows when the writer of each open session was last active, and seals the sessions
// whose writers are silent for too long. It is in memory only: after an open, all leases
// start again. It uses the monotonic clock, so that setting the clock ends no session.
type leases struct {
	log     *Log
	sooner  chan struct{} // holds a token when next may be sooner than before
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	open map[SessionID]*lease
	next leaseHeap // those that can expire
}

// lease is the right of one session to stay open.
type lease struct {
	task    string
	id      SessionID
	silence time.Duration // how long it may be silent; 0: for ever
	reason  string        // of the seal, after that silence

	seen time.Time // when its writer was last active
	head uint64    // its value at that time
	// proved is the value of seen for which a commit, at half of the silence, showed that the
	// log still hears of writers. Only for logs of a cluster.
	proved time.Time
	// expiring is set when the committer has decided to seal the session. Then a heartbeat
	// goes through the committer to learn the outcome.
	expiring bool

	// look is when the lease must be checked. A renewal does not move it: the check then
	// finds the lease alive, and puts it back into the heap. So an append only sets seen.
	look  time.Time
	index int // in the heap, or -1
}

func (ls *leases) init(l *Log) {
	ls.log = l
	ls.sooner = make(chan struct{}, 1)
	ls.open = map[SessionID]*lease{}
}

// start begins to seal sessions.
func (ls *leases) start() {
	var ctx context.Context
	ctx, ls.cancel = context.WithCancel(context.Background())
	ls.running.Go(func() { ls.run(ctx) })
}

// begin gives each open session in the store its lease.
func (ls *leases) begin(r store.Reader) {
	now := time.Now()
	for key, raw := range r.Ascend(store.Open, nil, nil) {
		record, err := openSession(r, key, raw)
		if err != nil {
			// The rest of the log still works. Reads of the damaged session report the
			// damage.
			ls.log.o.Logger.Error("an open session cannot be read, nothing will end it", "error", err)
			continue
		}
		ls.alive(record, now)
	}
}

// openSession reads the session that a key of store.Open names.
func openSession(r store.Reader, key, raw []byte) (*record.Session, error) {
	if _, err := record.Decode(store.Open, key, raw); err != nil {
		return nil, err
	}
	cut := len(key) - len(SessionID{})
	task, id := string(key[:cut-1]), SessionID(key[cut:])
	record, err := record.ReadSession(r, task, id)
	if err != nil {
		return nil, fmt.Errorf("open session %s of task %s: %w", id, task, err)
	}
	return record, nil
}

func (ls *leases) stop() {
	ls.cancel()
	ls.running.Wait()
}

// renew reports whether the session is certainly open, and notes that its writer is alive.
func (ls *leases) renew(task string, id SessionID) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.open[id]
	if l == nil || l.task != task || l.expiring {
		return false
	}
	l.seen = time.Now()
	return true
}

// alive notes that the writer of an open session is alive.
func (ls *leases) alive(s *record.Session, now time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.renewed(s, now)
}

func (ls *leases) renewed(s *record.Session, now time.Time) {
	l := ls.open[s.ID]
	isNew := l == nil
	if isNew {
		if s.Brief {
			return // it is known, unless its record could not be read
		}
		l = &lease{task: s.Task, id: s.ID, silence: s.Lease, reason: "lease expired", index: -1}
		if l.silence == 0 {
			l.silence, l.reason = ls.log.o.IdleTimeout, "idle timeout"
		}
		ls.open[s.ID] = l
	}
	l.seen, l.head, l.expiring = now, s.Head, false
	if isNew && l.silence > 0 {
		ls.lookAt(l, ls.lookNext(l))
	}
}

func (ls *leases) lookAt(l *lease, at time.Time) {
	l.look = at
	heap.Push(&ls.next, l)
	if l.index == 0 {
		notify(ls.sooner)
	}
}

// committed renews the leases of the sessions that were appended to, before the writers get
// their answers. So no acknowledged append is followed by a seal for the silence before it. It
// returns how many of the sessions that have ended had a lease.
func (ls *leases) committed(o *record.Outcome) (ended int) {
	if len(o.Started)+len(o.Appended)+len(o.Ended) == 0 {
		return 0
	}
	now := time.Now()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, s := range o.Started {
		ls.renewed(s, now)
	}
	for i := range o.Appended {
		ls.renewed(o.Appended[i].Record, now)
	}
	for _, s := range o.Ended {
		if l := ls.open[s.ID]; l != nil {
			ended++
			delete(ls.open, s.ID)
			if l.index >= 0 {
				heap.Remove(&ls.next, l.index)
			}
		}
	}
	return ended
}
