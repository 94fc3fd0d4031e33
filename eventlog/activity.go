package eventlog

import (
	"bytes"
	"errors"
	"fmt"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// activity reads tasks by their entries in store.Activity, each task once. It keeps only
// their changes in memory, because a task may have a long description.
type activity struct {
	store.Reader
	log     *Log
	changes map[string]uint64 // the last change of each task; 0: no change can be read
}

func (l *Log) newActivity(r store.Reader) *activity {
	return &activity{Reader: r, log: l, changes: map[string]uint64{}}
}

// task returns the task of an entry. ok is false if the task has changed since, was
// deleted, or is damaged.
func (a *activity) task(key, raw []byte) (task Task, ok bool) {
	id, _, err := record.DecodeActivity(key, raw)
	if err != nil {
		a.log.passOver(err)
		return Task{}, false
	}
	change := record.ParseNumber(key)
	last, seen := a.changes[id]
	if seen && (last == 0 || last > change) {
		return Task{}, false
	}
	record, err := a.log.readTask(a.Reader, id)
	if err != nil {
		a.changes[id] = 0
		if !errors.Is(err, ErrTaskNotFound) {
			a.log.passOver(fmt.Errorf("task %s: %w", id, err))
		}
		return Task{}, false
	}
	a.changes[id] = record.Change
	switch {
	case record.Change > change:
		return Task{}, false
	case record.Change < change:
		a.log.passOver(&DamageError{Bucket: store.Activity, Key: bytes.Clone(key), Reason: "the task has not changed so late"})
		return Task{}, false
	}
	return record.Info(), true
}
