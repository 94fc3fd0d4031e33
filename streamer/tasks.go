package streamer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"jrweb/eventlog"
)

const (
	// firstTasks is how many tasks a stream of all tasks begins with.
	firstTasks = 200
	// taskInterval is the time between two reports of the same task.
	taskInterval = 500 * time.Millisecond
	// changesPage is how many changed tasks are read at once: each may have a
	// description of 64 KiB.
	changesPage = 100
)

// Tasks serves the stream of all tasks: the newest ones at first, the one with
// the newest activity last, then each that changes, and the ids of those that
// are deleted. It ends with the client or with the server. Of tasks that sees does not
// take it says nothing; nil takes all. A non-nil error means that nothing was written.
func (s *Streamer) Tasks(w http.ResponseWriter, r *http.Request, sees func(task string) bool) error {
	changed := s.log.TasksChanged() // before the read: what commits after it wakes us
	last := s.log.LastChange()
	tasks, err := s.log.Tasks(r.Context(), 0, firstTasks)
	if err != nil {
		return err
	}
	if ok, err := s.begin(w, r); !ok {
		return err
	}
	defer s.open.Add(-1)
	feed := &taskFeed{Streamer: s, sock: newSocket(s.responseTo(r, w), &s.o), last: last, sees: sees, may: permissionOf(r)}
	defer feed.sock.close()
	feed.sock.retry()
	if len(tasks) > 0 {
		feed.last = max(last, tasks[0].Change)
	}
	slices.Reverse(tasks)
	feed.send(eventlog.Changes{Tasks: tasks})
	for feed.wait(r.Context(), changed) {
		changed = s.log.TasksChanged()
		if err := feed.catchUp(r.Context()); err != nil {
			// The client comes back and begins anew.
			if !errors.Is(err, eventlog.ErrBehind) && !errors.Is(err, eventlog.ErrClosed) && !feed.may.revoked() && r.Context().Err() == nil {
				s.o.Logger.Error("stream of tasks cannot read the log", "error", err)
			}
			return nil
		}
	}
	return nil
}

// taskFeed is one client's stream of all tasks. Its cursor is a change.
type taskFeed struct {
	*Streamer
	sock *socket
	sees func(task string) bool // nil: all
	may  permission
	last uint64
	sent bool // something was, since the last rest
}

// wait returns true when there may be more to send, at the earliest taskInterval
// after something was sent: what changes meanwhile is sent once, as it is then.
func (f *taskFeed) wait(ctx context.Context, changed <-chan struct{}) bool {
	if f.sock.flush() != nil {
		return false
	}
	pause := time.NewTimer(taskInterval)
	defer pause.Stop()
	silence := time.NewTimer(time.Until(f.sock.last.Add(f.o.Heartbeat)))
	defer silence.Stop()
	// A change that is committing may not have been there to be read: it wakes
	// us, and must not rest twice.
	rested := !f.sent
	f.sent = false
	if f.log.Shared() {
		changed, rested = nil, false // nobody would tell: the pause is all there is to wait for
	}
	for !rested || changed != nil {
		select {
		case <-changed:
			changed = nil
		case <-pause.C:
			rested = true
		case <-silence.C:
			if f.sock.beat() != nil {
				return false
			}
			silence.Reset(f.o.Heartbeat)
		case <-f.shutdown:
			f.goodbye()
			return false
		case <-f.log.Done():
			f.goodbye()
			return false
		case <-f.may.done():
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// goodbye is what a client hears before the server ends its stream.
func (f *taskFeed) goodbye() {
	f.sock.retry()
	_ = f.sock.flush() // the response ends either way
}

func (f *taskFeed) catchUp(ctx context.Context) error {
	for {
		changes, err := f.log.Changes(ctx, f.last, changesPage)
		if err != nil {
			return err
		}
		if f.may.revoked() {
			return context.Canceled
		}
		f.send(changes)
		f.last = changes.Last
		if !changes.More {
			return nil
		}
	}
}

// send writes changes. An error shows in the next flush.
func (f *taskFeed) send(changes eventlog.Changes) {
	for _, id := range changes.Deleted {
		if f.sees == nil || f.sees(id) {
			f.sock.control("task_deleted", deletedData{id})
			f.sent = true
		}
	}
	for i := range changes.Tasks {
		task := &changes.Tasks[i]
		if f.sees != nil && !f.sees(task.ID) {
			continue
		}
		if f.tasks != nil {
			f.tasks(task)
		}
		f.sock.control("task", task)
		f.sent = true
	}
}

type deletedData struct {
	ID string `json:"id"`
}
