package eventlog

import "context"

// TaskChange says what to change of a task. Nil fields keep their value.
type TaskChange struct {
	Title       *string // at most 1,024 bytes
	Type        *string // at most 1,024 bytes
	Parent      *string // empty, or the id of a task, which need not exist
	Description *string // at most 64 KiB
}

func (c *TaskChange) check() error {
	for _, text := range []struct {
		field string
		value *string
		limit int
	}{
		{"title", c.Title, maxName}, {"type", c.Type, maxName}, {"description", c.Description, maxText},
	} {
		if text.value == nil {
			continue
		}
		if err := checkText(text.field, *text.value, text.limit); err != nil {
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
	var record *taskRecord
	err = l.committer.do(ctx, 0, func(tx *txn) error {
		t, isNew, err := tx.taskOrNew(id)
		if err != nil {
			return err
		}
		sum, unpriced, err := tx.sums(t)
		if err != nil {
			return err
		}
		record = t
		for _, change := range []struct{ from, to *string }{
			{c.Title, &t.Title}, {c.Type, &t.Type}, {c.Parent, &t.Parent}, {c.Description, &t.Description},
		} {
			if change.from != nil {
				*change.to = *change.from
			}
		}
		tx.touch(id)
		task, created = t.info(), isNew
		task.Updated, task.Totals, task.Unpriced = Time{tx.now}, sum.public(), unpriced.public()
		return nil
	})
	if err != nil {
		return Task{}, false, err
	}
	task.Change = record.Change // known since the commit
	return task, created, nil
}

// Task returns a task as it is now.
func (l *Log) Task(ctx context.Context, id string) (Task, error) {
	var task Task
	err := l.view(ctx, func(r Reader) error {
		record, err := readTask(r, id)
		if err == nil {
			task = record.info()
		}
		return err
	})
	return task, err
}

// Tasks returns up to limit tasks, the newest activity first, those whose last
// change is older than before only. A before of 0 means from the newest.
func (l *Log) Tasks(ctx context.Context, before uint64, limit int) ([]Task, error) {
	var to []byte
	if before != 0 {
		to = changeKey(before)
	}
	var tasks []Task
	err := l.view(ctx, func(r Reader) error {
		active := newActivity(r)
		for key, raw := range r.Descend(bucketActivity, nil, to) {
			if len(tasks) >= limit {
				break
			}
			task, ok, err := active.task(key, raw)
			if err != nil {
				return err
			}
			if ok {
				tasks = append(tasks, task)
			}
		}
		return nil
	})
	return tasks, err
}
