package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"jrweb/eventlog"
)

const (
	// mostLifted is how many tasks are put on top of the list: a page shows so many.
	mostLifted = 200
	// liftEvery is how often that is done while a backfill goes on.
	liftEvery = time.Minute
)

// backfilled are the tasks in which old runs were recorded, with the times of their last
// events. The list of tasks follows what was committed last. What is recorded newest first
// would be buried below what is older, so the newest are touched once more, in their order,
// until all that was there at the start is recorded.
type backfilled struct {
	mu    sync.Mutex
	last  map[string]time.Time
	since time.Time // when the newest were last on top; zero: nothing was recorded since
	over  bool      // all that was there at the start is recorded
}

// add says that a task has an event of a time.
func (b *backfilled) add(task string, last, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	if b.last == nil {
		b.last = map[string]time.Time{}
	}
	if last.After(b.last[task]) {
		b.last[task] = last
	}
	if b.since.IsZero() {
		b.since = now
	}
	if len(b.last) > 2*mostLifted {
		for _, task := range b.sorted()[:len(b.last)-mostLifted] {
			delete(b.last, task)
		}
	}
}

// sorted returns the tasks, the oldest first. The caller holds mu.
func (b *backfilled) sorted() []string {
	return slices.SortedFunc(maps.Keys(b.last), func(x, y string) int {
		return cmp.Or(b.last[x].Compare(b.last[y]), cmp.Compare(x, y))
	})
}

// due returns the tasks to lift, in order, if it is time to: at the end, or when the last
// time is long ago.
func (b *backfilled) due(end bool, now time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	tasks := b.sorted()
	if b.over = b.over || end; b.over {
		b.last = nil
	}
	if b.since.IsZero() || !end && now.Sub(b.since) < liftEvery {
		return nil
	}
	b.since = time.Time{}
	return tasks[max(0, len(tasks)-mostLifted):]
}

// lift puts the tasks whose runs are the newest on top of the list. What goes wrong leaves
// the list as it is, until the next time.
func (w *watcher) lift(ctx context.Context, end bool) {
	for _, task := range w.backfilled.due(end, w.now()) {
		// A change recreates a task that somebody has deleted.
		_, err := w.to.client.Task(ctx, task)
		if err == nil {
			_, err = w.to.client.PutTask(ctx, task, eventlog.TaskChange{})
		}
		if err != nil && !hasStatus(err, 404) {
			return
		}
	}
}
