package record

import (
	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Flush writes the records that changed.
func (tx *Txn) Flush() error {
	for i := range tx.touches {
		tx.settle(&tx.touches[i])
	}
	tx.Change = tx.Last.Change
	for _, t := range tx.tidied {
		i, touched := tx.Touched[t.ID]
		written := touched && tx.touches[i].record
		if !written && tx.Tasks[t.ID] == t { // else it was deleted, or made again
			tx.PutTask(t)
		}
	}
	tx.writeAccounts()
	tx.writeUsage()
	for _, s := range tx.spending {
		if s.Status == event.StatusOpen && tx.Sessions[s.ID] != nil {
			tx.Put(store.Spent, s.ID[:], EncodeSpending(s.ID[:], s.Models))
		}
	}
	for _, s := range tx.rewritten {
		if tx.Sessions[s.ID] != nil {
			key := SessionKey(s.Task, s.ID)
			tx.Put(store.Sessions, key, s.Encode(key))
		}
	}
	if len(tx.Started) > 0 {
		tx.Put(store.Meta, KeyLastSession, Encode(store.Meta, KeyLastSession, tx.Last.Session[:]))
	}
	if n := len(tx.Removed); n > 0 {
		tx.Put(store.Meta, keyLastChange, Encode(store.Meta, keyLastChange, ChangeKey(tx.Removed[n-1].Change)))
	}
	tx.sweep()
	return nil
}

// settle writes what has changed of a task.
func (tx *Txn) settle(touch *touch) {
	if touch.deleted {
		return
	}
	t, change := tx.Tasks[touch.task], touch.change
	var left []uint64
	take := func(old *uint64) {
		if *old != 0 {
			left = tx.replace(*old, left)
		}
		*old = change
	}
	for _, s := range touch.sessions {
		take(&s.Change)
		if !s.closed {
			s.Updated = event.Time{Time: tx.Now}
			key := appendEventKey(tx.Scratch.room(eventKey), s.ID, s.Head+1)
			tx.Put(store.Events, key, encodeState(tx.Scratch, key, s.Task, &s.State))
		}
	}
	if touch.record {
		take(&t.Change)
		t.Updated = event.Time{Time: tx.Now}
		tx.PutTask(t)
	}
	key := ChangeKey(change)
	tx.Put(store.Activity, key, encodeActivity(tx.Scratch, key, touch.task, left))
}

// PutTask writes the record of a task as it is.
func (tx *Txn) PutTask(t *Task) {
	tx.Put(store.Tasks, []byte(t.ID), EncodeJSON(store.Tasks, []byte(t.ID), t))
}
