package eventlog

import (
	"context"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// TaskCursor is how far somebody is who follows all tasks. The zero value is before
// the first change.
type TaskCursor struct {
	// Change is the number of the last change that was seen.
	Change uint64
	// Since is the last change before somebody began to follow. What was deleted by
	// then is never told of.
	Since uint64
}

// Changes are the tasks that changed since some change.
type Changes struct {
	// Tasks are as they are now, in the order of their last changes.
	Tasks []Task
	// Deleted are the ids of tasks that were deleted.
	Deleted []string
	// Next is where to go on.
	Next TaskCursor
	// More says that there are more changes already.
	More bool
}

// changesBytes is about how many bytes of texts one answer of [Log.Changes] has: who
// is slow to pass them on holds no more.
const changesBytes = 64 << 10

// NewestTasks returns where to begin to follow all tasks: from there, [Log.Changes] has
// up to n tasks that are there now, those with the newest activity, and what changes
// from now on.
func (l *Log) NewestTasks(ctx context.Context, n int) (TaskCursor, error) {
	at := TaskCursor{Since: l.LastChange()}
	err := l.view(ctx, func(r store.Reader) error {
		seen := map[string]bool{} // a task's first entry from the end is that of its last change
		for key, raw := range r.Descend(store.Activity, nil, nil) {
			id, _, err := record.DecodeActivity(key, raw)
			if err != nil || seen[id] || r.Get(store.Tasks, []byte(id)) == nil {
				continue // of what is damaged Changes tells
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

// Changes returns the tasks that changed after a change, at most limit of them, and
// fewer if their texts are long, and those that were deleted meanwhile. A task that is
// damaged is left out, and named in the log. It fails with [ErrBehind] when the change is
// so long ago that the log has forgotten what was deleted since: start again from
// [Log.NewestTasks].
func (l *Log) Changes(ctx context.Context, after TaskCursor, limit int) (Changes, error) {
	known, deleted, err := l.watches.deletedSince(max(after.Change, after.Since))
	if err != nil {
		return Changes{}, err
	}
	changes := Changes{Next: after}
	next := &changes.Next.Change
	var to []byte
	if !l.shared {
		// What committed after the deletions were noted comes next time, with its own.
		to = record.ChangeKey(known + 1)
		*next = max(after.Change, known)
	}
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
	case n > 0 && (changes.More || l.shared):
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

// TasksChanged returns a channel that is closed at the next change of any task.
// Ask for it first, then read: so no change is missed.
func (l *Log) TasksChanged() <-chan struct{} { return l.watches.any.wait() }
