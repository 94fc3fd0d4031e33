package eventlog

import (
	"context"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// TaskCursor is the position of a reader that follows all tasks. The zero value is before
// the first change.
type TaskCursor struct {
	// Change is the number of the last change that the reader has seen.
	Change uint64
	// Since is the last change before the reader began. The reader is not told about tasks
	// that were deleted up to then.
	Since uint64
}

// Changes are the tasks that changed after some change.
type Changes struct {
	// Tasks are the tasks as they are now, in the order of their last changes.
	Tasks []Task
	// Deleted are the ids of tasks that were deleted.
	Deleted []string
	// Next is the cursor to continue from.
	Next TaskCursor
	// More says that there are more changes already.
	More bool
}

// changesBytes is about how many bytes of texts one answer of [Log.Changes] has, so that a
// slow client holds no more than that.
const changesBytes = 64 << 10

// NewestTasks returns a cursor for following all tasks. From there, [Log.Changes] returns
// up to n existing tasks, those with the newest activity, and everything that changes from
// now on.
func (l *Log) NewestTasks(ctx context.Context, n int) (TaskCursor, error) {
	at := TaskCursor{Since: l.LastChange()}
	err := l.view(ctx, func(r store.Reader) error {
		seen := map[string]bool{} // a task's first entry from the end is that of its last change
		for key, raw := range r.Descend(store.Activity, nil, nil) {
			id, _, err := record.DecodeActivity(key, raw)
			if err != nil || seen[id] || r.Get(store.Tasks, []byte(id)) == nil {
				continue // Changes reports what is damaged
			}
			seen[id] = true
			if len(seen) > n {
				at.Change = record.ParseNumber(key)
				break
			}
		}
		return nil
	})
	return at, err
}

// Changes returns the tasks that changed after a cursor, and the tasks that were deleted
// since. It returns at most limit tasks, and fewer if their texts are long. It leaves out a
// damaged task, and logs it. It fails with [ErrBehind] when the cursor is so old that the
// log no longer knows what was deleted since: start again from [Log.NewestTasks].
func (l *Log) Changes(ctx context.Context, after TaskCursor, limit int) (Changes, error) {
	known, deleted, err := l.watches.deletedSince(max(after.Change, after.Since))
	if err != nil {
		return Changes{}, err
	}
	changes := Changes{Next: after}
	next := &changes.Next.Change
	// Changes that committed after the deletions were read come next time, with their own
	// deletions.
	to := record.ChangeKey(known + 1)
	*next = max(after.Change, known)
	err = l.view(ctx, func(r store.Reader) error {
		active, bytes := l.newActivity(r), 0
		for key, raw := range r.Ascend(store.Activity, record.ChangeKey(after.Change+1), to) {
			task, ok := active.task(key, raw)
			if !ok {
				continue
			}
			bytes += len(task.Title) + len(task.Type) + len(task.Project) + len(task.Description)
			if n := len(changes.Tasks); n >= limit || n > 0 && bytes > changesBytes {
				changes.More = true
				break
			}
			changes.Tasks = append(changes.Tasks, task)
		}
		return nil
	})
	if err != nil {
		return Changes{}, err
	}
	switch n := len(changes.Tasks); {
	case n > 0 && changes.More:
		*next = changes.Tasks[n-1].Change
	case changes.More:
		*next = after.Change
	}
	for _, d := range deleted {
		if d.Change <= *next {
			changes.Deleted = append(changes.Deleted, d.Task)
		}
	}
	return changes, nil
}

// TasksChanged returns a channel that is closed at the next change of any task. Call it
// first, then read: so no change is missed.
func (l *Log) TasksChanged() <-chan struct{} { return l.watches.any.wait() }
