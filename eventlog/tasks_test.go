package eventlog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"jrweb/eventlog"
)

func TestFieldsLeftOutOfAChangeKeepTheirValue(t *testing.T) {
	f := inMemory(t, nil)
	task, created, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{
		Title: new("title"), Type: new("type"), Parent: new("t-0"), Description: new("description"),
	})
	f.ok(err)
	wantEqual(t, "created", created, true)
	wantEqual(t, "answer", task, f.task("t-1"))
	task, created, err = f.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: new("new"), Parent: new("")})
	f.ok(err)
	wantEqual(t, "created again", created, false)
	wantEqual(t, "answer", task, f.task("t-1"))
	f.reopen()
	task = f.task("t-1")
	wantEqual(t, "title, type, parent, description",
		strings.Join([]string{task.Title, task.Type, task.Parent, task.Description}, "|"), "new|type||description")
}

func TestWhatIsWrongWithATask(t *testing.T) {
	f := inMemory(t, nil)
	for field, c := range map[string]eventlog.TaskChange{
		"title":       {Title: new(strings.Repeat("a", 1025))},
		"type":        {Type: new("\xff")},
		"parent":      {Parent: new("a/b")},
		"description": {Description: new(strings.Repeat("a", 64<<10+1))},
	} {
		_, _, err := f.PutTask(t.Context(), "t-1", c)
		if err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: got error %v", field, err)
		}
	}
	_, _, err := f.PutTask(t.Context(), "a b", eventlog.TaskChange{})
	if err == nil || !strings.HasPrefix(err.Error(), "task:") {
		t.Errorf("a bad id: got error %v", err)
	}
}

func TestTasksArePagedNewestActivityFirst(t *testing.T) {
	f := inMemory(t, nil)
	for i := range 5 {
		f.start(fmt.Sprintf("t-%d", i))
	}
	f.appendTo("t-1", says("active"))
	_, _, err := f.PutTask(t.Context(), "t-3", eventlog.TaskChange{Title: new("changed")})
	f.ok(err)
	f.ok(f.DeleteTask(t.Context(), "t-2"))
	f.reopen() // interrupts the sessions, in the order of the tasks
	f.appendTo("t-1", says("active"))
	var ids []string
	before := uint64(0)
	for {
		page, err := f.Tasks(t.Context(), before, 2)
		f.ok(err)
		if len(page) == 0 {
			break
		}
		for _, task := range page {
			ids = append(ids, task.ID)
			before = task.Change
		}
	}
	wantSlice(t, "tasks", ids, []string{"t-1", "t-4", "t-3", "t-0"})
}

func TestChangesTellWhatChangedAndWhatWasDeleted(t *testing.T) {
	f := inMemory(t, nil)
	var after eventlog.TaskCursor
	// next reads all changes since the last call, n at a time.
	next := func(n int) (changed, deleted []string) {
		t.Helper()
		for {
			c, err := f.Changes(t.Context(), after, n)
			f.ok(err)
			for _, task := range c.Tasks {
				changed = append(changed, task.ID)
			}
			deleted = append(deleted, c.Deleted...)
			if c.Next.Change < after.Change {
				t.Fatalf("changes went back from %d to %d", after.Change, c.Next.Change)
			}
			after = c.Next
			if !c.More {
				return changed, deleted
			}
		}
	}
	wait := f.TasksChanged()
	for i := range 5 {
		f.start(fmt.Sprintf("t-%d", i))
	}
	<-wait
	changed, deleted := next(2)
	wantSlice(t, "changed", changed, []string{"t-0", "t-1", "t-2", "t-3", "t-4"})
	wantSlice(t, "deleted", deleted, nil)

	changed, deleted = next(2)
	wantSlice(t, "changed since", changed, nil)
	wantSlice(t, "deleted since", deleted, nil)

	wait = f.TasksChanged()
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	<-wait
	f.appendTo("t-4", says("x"))
	f.appendTo("t-0", says("x"))
	f.appendTo("t-4", says("x"))
	f.ok(f.DeleteTask(t.Context(), "t-3"))
	f.start("t-3")
	changed, deleted = next(1)
	wantSlice(t, "changed after deletions", changed, []string{"t-0", "t-4", "t-3"})
	wantSlice(t, "deleted after deletions", deleted, []string{"t-1", "t-3"})

	f.ok(f.DeleteTask(t.Context(), "t-3"))
	changed, deleted = next(1)
	wantSlice(t, "changed after the last deletion", changed, nil)
	wantSlice(t, "deleted last", deleted, []string{"t-3"})
}

func TestWhoIsTooFarBehindMustStartAgain(t *testing.T) {
	f := inMemory(t, nil)
	f.start("t-kept")
	const workers, deletions = 100, 101 // just more than are remembered
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			task := fmt.Sprintf("t-%d", w)
			for range deletions {
				_, _, err := f.PutTask(t.Context(), task, eventlog.TaskChange{})
				wantErr(t, "PutTask", err, nil)
				wantErr(t, "DeleteTask", f.DeleteTask(t.Context(), task), nil)
			}
		})
	}
	wg.Wait()
	_, err := f.Changes(t.Context(), eventlog.TaskCursor{}, 10)
	wantErr(t, "changes from the start", err, eventlog.ErrBehind)
	f.appendTo("t-kept", says("x"))
	at, err := f.NewestTasks(t.Context(), 1)
	f.ok(err)
	changes, err := f.Changes(t.Context(), at, 10)
	f.ok(err)
	wantEqual(t, "tasks that are there", len(changes.Tasks), 1)
	wantEqual(t, "what was deleted before", len(changes.Deleted), 0)
}

func TestTheNewestTasksAreWhereToBegin(t *testing.T) {
	f := inMemory(t, nil)
	for i := range 7 {
		f.start(fmt.Sprintf("t-%d", i))
	}
	f.appendTo("t-1", says("x")) // now the newest
	f.ok(f.DeleteTask(t.Context(), "t-5"))
	for n, want := range [][]string{{}, {"t-1"}, {"t-6", "t-1"}, {"t-4", "t-6", "t-1"}, 9: {"t-0", "t-2", "t-3", "t-4", "t-6", "t-1"}} {
		if want == nil {
			continue
		}
		at, err := f.NewestTasks(t.Context(), n)
		f.ok(err)
		changes, err := f.Changes(t.Context(), at, 10)
		f.ok(err)
		ids := []string{}
		for _, task := range changes.Tasks {
			ids = append(ids, task.ID)
		}
		wantSlice(t, fmt.Sprintf("the newest %d", n), ids, want)
		wantEqual(t, "deletions before", len(changes.Deleted), 0)
	}
	at, err := f.NewestTasks(t.Context(), 3)
	f.ok(err)
	f.ok(f.DeleteTask(t.Context(), "t-6"))
	changes, err := f.Changes(t.Context(), at, 10)
	f.ok(err)
	wantSlice(t, "deletions since", changes.Deleted, []string{"t-6"})
	wantEqual(t, "tasks that are left", len(changes.Tasks), 2)
}

func TestChangesEndByTheBytesOfTheirTexts(t *testing.T) {
	f := inMemory(t, nil)
	long := strings.Repeat("x", 40<<10)
	for i := range 5 {
		_, _, err := f.PutTask(t.Context(), fmt.Sprintf("t-%d", i), eventlog.TaskChange{Description: &long})
		f.ok(err)
	}
	var at eventlog.TaskCursor
	for i := range 5 {
		changes, err := f.Changes(t.Context(), at, 100)
		f.ok(err)
		if len(changes.Tasks) != 1 || changes.Tasks[0].ID != fmt.Sprintf("t-%d", i) || changes.More != (i < 4) {
			t.Fatalf("page %d has %d tasks, more: %v", i, len(changes.Tasks), changes.More)
		}
		at = changes.Next
	}
}
