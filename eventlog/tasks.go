package eventlog

import (
	"context"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// TaskChange is a change of a task. Nil fields keep their value.
type TaskChange struct {
	Title       *string // at most 1,024 bytes
	Type        *string // at most 1,024 bytes
	Parent      *string // empty, or the id of a task, which need not exist
	Description *string // at most 64 KiB
	Project     *string // at most 1,024 bytes
	Pinned      *bool   // retention leaves the sessions of a pinned task alone
}

func (c *TaskChange) check() error {
	for _, text := range []struct {
		field string
		value *string
		limit int
	}{
		{"title", c.Title, record.MaxName}, {"type", c.Type, record.MaxName}, {"description", c.Description, record.MaxText},
		{"project", c.Project, record.MaxName},
	} {
		if text.value == nil {
			continue
		}
		if err := record.CheckText(text.field, *text.value, text.limit); err != nil {
			return err
		}
	}
	if c.Parent != nil && *c.Parent != "" && !ValidTaskID(*c.Parent) {
		return &FieldError{Index: -1, Field: "parent", Reason: "must be empty or a task id"}
	}
	return nil
}

// PutTask creates a task or changes it.
func (l *Log) PutTask(ctx context.Context, id string, c TaskChange) (task Task, created bool, err error) {
	if !ValidTaskID(id) {
		return Task{}, false, errTaskID
	}
	if err := c.check(); err != nil {
		return Task{}, false, err
	}
	answer, err := made(ctx, l, taskPuts, &taskPut{id, c})
	if err != nil {
		return Task{}, false, err
	}
	return Task(answer.Task), answer.Created, nil
}

func putTaskHere(ctx context.Context, l *Log, in *taskPut) (answer taskWasPut, err error) {
	id, c := in.Task, &in.Change
	var task Task
	var created bool
	var changed *record.Task
	err = l.committer.do(ctx, 0, func(tx *record.Txn) error {
		t, isNew, err := tx.TaskOrNew(id)
		if err != nil {
			return err
		}
		sum, unpriced, err := tx.Sums(t)
		if err != nil {
			return err
		}
		t.Newest = nil
		if !t.Latest.IsZero() {
			if t.Newest, err = tx.Session(id, t.Latest); err != nil {
				tx.Note(err) // the task can still be changed
			}
		}
		changed = t
		for _, change := range []struct{ from, to *string }{
			{c.Title, &t.Title}, {c.Type, &t.Type}, {c.Parent, &t.Parent}, {c.Description, &t.Description},
			{c.Project, &t.Project},
		} {
			if change.from != nil {
				*change.to = *change.from
			}
		}
		if c.Pinned != nil {
			t.Pinned = *c.Pinned
		}
		tx.Touch(id)
		task, created = t.Info(), isNew
		task.Updated, task.Totals, task.Unpriced = Time{Time: tx.Now}, sum.Public(), unpriced.Public()
		return nil
	})
	if err != nil {
		return taskWasPut{}, err
	}
	task.Change = changed.Change // only known after the commit
	if c.Pinned != nil && !*c.Pinned && l.o.RetainSessions > 0 {
		l.janitor.note([]string{id}) // it may have too many sessions by now
	}
	return taskWasPut{wholeTask(task), created}, nil
}

// Task returns a task as it is now.
func (l *Log) Task(ctx context.Context, id string) (Task, error) {
	var task Task
	err := l.view(ctx, func(r store.Reader) error {
		record, err := l.readTask(r, id)
		if err == nil {
			task = record.Info()
		}
		return err
	})
	return task, err
}

// readTask reads a task with what its open sessions add, and with its latest session.
func (l *Log) readTask(r store.Reader, id string) (*record.Task, error) {
	t, err := record.ReadTask(r, id)
	if err != nil {
		return nil, err
	}
	if err := t.ReadLatest(r); err != nil {
		l.passOver(err)
	}
	return t, nil
}

// Tasks returns up to limit tasks whose last change is older than before, the newest
// activity first. If before is 0, it begins with the newest. It leaves out a damaged task,
// and logs it.
func (l *Log) Tasks(ctx context.Context, before uint64, limit int) ([]Task, error) {
	var to []byte
	if before != 0 {
		to = record.ChangeKey(before)
	}
	var tasks []Task
	err := l.view(ctx, func(r store.Reader) error {
		active := l.newActivity(r)
		for key, raw := range r.Descend(store.Activity, nil, to) {
			if len(tasks) >= limit {
				break
			}
			if task, ok := active.task(key, raw); ok {
				tasks = append(tasks, task)
			}
		}
		return nil
	})
	return tasks, err
}
