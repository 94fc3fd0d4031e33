package streamer

import (
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"jrweb/eventlog"
)

// hub is what the streams of one task share, or the streams of all tasks: one watch of the
// log, one goroutine that wakes them, one ticker, and the frames of the newest events.
type hub struct {
	*Streamer
	task    string // "": all tasks
	watched watched
	watch   *eventlog.Watch // the same as watched, if the hub is of one task
	stop    chan struct{}   // closed when the last stream has left

	mu      sync.Mutex
	streams []*stream
	frames  map[variant]*frames
}

// watched is what a hub watches in the log.
type watched interface {
	// Changed returns a channel that is closed at the next commit that matters.
	Changed() <-chan struct{}
	// Behind reports whether there may be more after a place. It does not read the store.
	Behind(at position) bool
	Close()
}

// oneTask is what a hub watches for streams of one task.
type oneTask struct{ *eventlog.Watch }

// Behind implements watched.
func (t oneTask) Behind(at position) bool {
	if at.all {
		return t.BehindAll(at.Place)
	}
	return t.Watch.Behind(at.Cursor)
}

// join makes st one of the streams of its task. From now on, commits wake it.
func (s *Streamer) join(st *stream) *hub {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hubs[st.task]
	if h == nil {
		task := strings.Clone(st.task) // a copy, so that the request's memory can be freed
		h = &hub{Streamer: s, task: task, watched: allTasks{s.log}, stop: make(chan struct{}), frames: map[variant]*frames{}}
		if task != "" {
			h.watch = s.log.Watch(task)
			h.watched = oneTask{h.watch}
		}
		s.hubs[task] = h
		go h.run()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	st.place = len(h.streams)
	h.streams = append(h.streams, st)
	return h
}

// leave undoes join.
func (h *hub) leave(st *stream) {
	h.Streamer.mu.Lock()
	defer h.Streamer.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.streams) - 1
	h.streams[st.place] = h.streams[last]
	h.streams[st.place].place = st.place
	h.streams[last] = nil
	h.streams = h.streams[:last]
	if last == 0 {
		delete(h.hubs, h.task)
		close(h.stop)
	}
}

// run wakes the streams whenever they may have something to do.
func (h *hub) run() {
	defer h.watched.Close()
	tick := time.NewTicker(h.o.PollInterval)
	defer tick.Stop()
	for {
		changed := h.watched.Changed() // before the streams read: a commit after their read wakes them again
		h.wake()
		for wait := true; wait; {
			select {
			case <-changed:
				wait = false
			case <-tick.C:
				h.poll()
			case <-h.shutdown:
				h.wake()
				<-h.stop
				return
			case <-h.log.Done():
				h.wake()
				<-h.stop
				return
			case <-h.stop:
				return
			}
		}
	}
}

func (h *hub) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, st := range h.streams {
		st.sock.line.wake()
	}
}

// poll is the safety net for wake-ups: it wakes resting
// streams for which there may be more.
func (h *hub) poll() {
	idle := h.wakeBehind()
	if h.trace.Polled == nil || h.watch == nil {
		return
	}
	defer func() { // all streams of the task depend on this goroutine
		if p := recover(); p != nil {
			h.o.Logger.Error("the trace panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	for range idle {
		h.trace.Polled(false)
	}
}

// wakeBehind wakes the resting streams that may be behind. It returns how many are not
// behind, and forgets unused frames.
func (h *hub) wakeBehind() (idle int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var upToDate position // the place of a stream that is not behind: most streams are at the same place
	for _, st := range h.streams {
		at, resting := st.restsAt()
		if !resting {
			continue
		}
		if (idle == 0 || at != upToDate) && h.watched.Behind(at) {
			st.polled.Store(true)
			st.sock.line.wake()
			continue
		}
		upToDate = at
		idle++
	}
	for _, f := range h.frames {
		f.forgetUnused()
	}
	return idle
}
