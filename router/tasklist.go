package router

import (
	"context"

	"jrweb/eventlog"
)

// A list of tasks ends by count, by bytes, or after it has read so many tasks or so many
// bytes of tasks.
const (
	listBytes  = 1 << 20
	listLooks  = 10_000
	lookBytes  = 64 << 20
	listAtOnce = 20 // tasks that are read together: each may have a description of 64 KiB
)

// inParts returns tasks that are known already in the way of [eventlog.Log.Tasks].
func inParts(tasks []eventlog.Task) func(context.Context, uint64, int) ([]eventlog.Task, error) {
	return func(_ context.Context, _ uint64, limit int) (some []eventlog.Task, _ error) {
		n := min(limit, len(tasks))
		some, tasks = tasks[:n], tasks[n:]
		return some, nil
	}
}

// taskOverhead is about what a task takes in addition to its texts.
const taskOverhead = 512

// taskList returns up to limit wanted tasks whose last change is older than before, the
// newest activity first. read reads them, and hold is called for the size of each before it
// is kept. next is where to continue, or 0 if that was all.
func taskList(ctx context.Context, read func(ctx context.Context, before uint64, limit int) ([]eventlog.Task, error), before uint64, limit int, wanted func(*eventlog.Task) bool, hold func(bytes int) error) (tasks []eventlog.Task, next uint64, err error) {
	bytes, looked, lookedBytes := 0, 0, 0
	for {
		some, err := read(ctx, before, listAtOnce)
		if err != nil {
			return nil, 0, err
		}
		for i := range some {
			t := &some[i]
			before = t.Change
			size := taskOverhead + len(t.Title) + len(t.Type) + len(t.Parent) + len(t.Description) + len(t.Project) +
				len(t.Agent) + len(t.Model) + len(t.Owner)
			looked++
			lookedBytes += size
			if wanted(t) {
				if len(tasks) == limit || len(tasks) > 0 && bytes+size > listBytes {
					return tasks, tasks[len(tasks)-1].Change, nil
				}
				if err := hold(size); err != nil {
					return nil, 0, err
				}
				tasks = append(tasks, *t)
				bytes += size
			}
			if looked == listLooks || lookedBytes >= lookBytes {
				return tasks, before, nil
			}
		}
		if len(some) < listAtOnce {
			return tasks, 0, nil
		}
	}
}

// taskCount is how many tasks were found, and whether all were read.
type taskCount struct {
	found int
	all   bool
}

// countTasks counts the wanted tasks among the next listLooks.
func countTasks(ctx context.Context, read func(ctx context.Context, before uint64, limit int) ([]eventlog.Task, error), before uint64, wanted func(*eventlog.Task) bool) (taskCount, error) {
	var count taskCount
	for looked := 0; looked < listLooks; {
		some, err := read(ctx, before, listAtOnce)
		if err != nil {
			return count, err
		}
		for i := range some {
			before = some[i].Change
			if looked++; wanted(&some[i]) {
				count.found++
			}
		}
		if len(some) < listAtOnce {
			count.all = true
			break
		}
	}
	return count, nil
}
