package streamer

import (
	"context"
	"errors"
	"net/http"
	"time"

	"jrweb/eventlog"
)

const (
	// firstTasks is how many tasks a stream of all tasks begins with.
	firstTasks = 200
	// taskInterval is the time between two reports of the same task.
	taskInterval = 500 * time.Millisecond
	// changesPage is how many changed tasks are read at once.
	changesPage = 100
)

// taskStream is a stream of all tasks.
type taskStream struct {
	stream
	sees   func(task string) bool // nil: all
	cursor eventlog.TaskCursor
}

// Tasks serves the stream of all tasks. First come the newest tasks, the one with the
// newest activity last. Then comes each task that changes, and the id of each task that is
// deleted. The stream ends with the client or with the server. It leaves out tasks for
// which sees returns false; a nil sees includes all. If Tasks returns an error, it has
// written nothing.
//
// Like [Streamer.Events], it may return while the stream goes on.
func (s *Streamer) Tasks(w http.ResponseWriter, r *http.Request, sees func(task string) bool) error {
	// The trace is only for streams of events.
	st := &taskStream{stream: stream{Streamer: s, trace: &Trace{}, interval: taskInterval, may: permissionOf(r)}, sees: sees}
	st.source = st
	var err error
	if st.cursor, err = s.log.NewestTasks(r.Context(), firstTasks); err != nil {
		return err
	}
	return st.answer(w, r)
}

// greet implements source.
func (st *taskStream) greet() {}

// at implements source: see allTasks.
func (st *taskStream) at() position {
	return position{Place: eventlog.Place{Change: st.cursor.Change}}
}

// leave implements source.
func (st *taskStream) leave() {}

// next implements source.
func (st *taskStream) next(ctx context.Context) (part, error) {
	changes, err := st.log.Changes(ctx, st.cursor, changesPage)
	if errors.Is(err, eventlog.ErrBehind) {
		return part{ends: Failed}, nil // the client comes back and starts again
	}
	if err != nil {
		return part{}, err
	}
	st.cursor = changes.Next
	p := part{more: changes.More}
	for _, id := range changes.Deleted {
		if st.sees == nil || st.sees(id) {
			st.sock.control("task_deleted", deletedData{id})
			p.found = true
		}
	}
	for i := range changes.Tasks {
		task := &changes.Tasks[i]
		if st.sees != nil && !st.sees(task.ID) {
			continue
		}
		if st.tasks != nil {
			st.tasks(task)
		}
		st.sock.control("task", task)
		p.found = true
	}
	return p, nil
}

type deletedData struct {
	ID string `json:"id"`
}

// allTasks is what a hub watches for streams of all tasks.
type allTasks struct{ log *eventlog.Log }

// Changed implements watched.
func (a allTasks) Changed() <-chan struct{} { return a.log.TasksChanged() }

// Behind implements watched.
func (a allTasks) Behind(at position) bool {
	return at.Change < a.log.LastChange()
}

// Close implements watched.
func (a allTasks) Close() {}
