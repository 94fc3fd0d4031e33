package eventlog

import (
	"bytes"
	"context"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// byAge deletes the sessions that ended long enough ago.
func (j *janitor) byAge(ctx context.Context, sum *tidied) (next time.Duration, err error) {
	for {
		next = retainPeriod
		err := j.log.view(ctx, func(r store.Reader) error {
			pins := newPins(r)
			for key, raw := range r.Ascend(store.Ended, nil, nil) {
				if _, ok := j.endedSession(pins, key, raw); !ok {
					continue
				}
				ended, _ := record.SplitEndedKey(key)
				next = ended.Add(j.log.o.RetainAge).Sub(j.log.now())
				break
			}
			return nil
		})
		if err != nil || next > 0 {
			return next, err
		}
		n, err := j.retire(ctx, sum, func(tx *record.Txn) ([]retired, error) {
			last := tx.Now.Add(-j.log.o.RetainAge)
			to := record.EndedKey(last.Add(time.Millisecond), SessionID{})
			var old []retired
			pins := newPins(tx)
			for key, raw := range tx.Ascend(store.Ended, nil, to) {
				if len(old) == retainBatch {
					break
				}
				if r, ok := j.endedSession(pins, key, raw); ok {
					old = append(old, r)
				}
			}
			return old, nil
		})
		if err != nil || n == 0 {
			return retainPeriod, err
		}
	}
}

// endedSession returns the session that a key of store.Ended names, unless its task is
// pinned, or the session or the entry is damaged.
func (j *janitor) endedSession(pins *pins, key, raw []byte) (r retired, ok bool) {
	_, id := record.SplitEndedKey(key)
	if j.passed[id] {
		return retired{}, false
	}
	task, err := record.Decode(store.Ended, key, raw)
	if err != nil {
		j.log.passOver(err)
		return retired{}, false
	}
	if pins.has(string(task)) {
		return retired{}, false
	}
	return retired{task: string(task), id: id}, true
}

// countAll notes all tasks that have more than RetainSessions.
func (j *janitor) countAll(ctx context.Context) error {
	from := []byte{}
	for from != nil {
		var over []string
		err := j.log.view(ctx, func(r store.Reader) error {
			n := 0
			for key, raw := range r.Ascend(store.Tasks, from, nil) {
				if n++; n > pageEvents {
					from = bytes.Clone(key)
					return nil
				}
				t := &record.Task{}
				if err := record.DecodeJSON(store.Tasks, key, raw, t); err != nil {
					j.log.passOver(err)
					continue
				}
				if t.Sessions > j.log.o.RetainSessions {
					over = append(over, string(key))
				}
			}
			from = nil
			return nil
		})
		if err != nil {
			return err
		}
		j.note(over)
	}
	return nil
}

func (j *janitor) note(tasks []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range tasks {
		j.tasks[id] = true
	}
}

// byCount deletes the oldest sessions of tasks that have too many.
func (j *janitor) byCount(ctx context.Context, sum *tidied) error {
	for {
		id, ok := j.takeTask()
		if !ok {
			return nil
		}
		for n := retainBatch; n == retainBatch; {
			var err error
			if n, err = j.retire(ctx, sum, func(tx *record.Txn) ([]retired, error) { return j.surplus(tx, id) }); err != nil {
				j.note([]string{id})
				return err
			}
		}
	}
}

func (j *janitor) takeTask() (id string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id := range j.tasks {
		delete(j.tasks, id)
		return id, true
	}
	return "", false
}

// surplus picks sessions of a task that are not among the newest. Open sessions stay until
// they have ended, and damaged ones for ever.
func (j *janitor) surplus(tx *record.Txn, task string) (old []retired, err error) {
	t, err := tx.Task(task)
	if err != nil {
		if err = record.UnlessGone(err); err != nil {
			tx.Note(err)
		}
		return nil, nil
	}
	if t.Pinned {
		return nil, nil
	}
	surplus := t.Sessions - j.log.o.RetainSessions
	prefix := record.TaskPrefix(task)
	for key := range tx.Ascend(store.Sessions, prefix, record.PrefixEnd(prefix)) {
		if surplus <= 0 || len(old) == retainBatch {
			break
		}
		surplus--
		id := SessionID(key[len(prefix):])
		if tx.Get(store.Open, key) == nil && !j.passed[id] {
			old = append(old, retired{task: task, id: id})
		}
	}
	return old, nil
}
