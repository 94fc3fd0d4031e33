package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DeleteTask deletes a task with all its sessions. They are gone when it
// returns; the space is freed in the background, in small transactions. If it has very
// many, the oldest go first: should ctx end before, the task has the others still.
func (l *Log) DeleteTask(ctx context.Context, id string) error {
	more := false
	for began := false; more || !began; began = true {
		err := l.deleted(l.committer.doFreeing(ctx, func(tx *txn) error {
			t, err := tx.task(id)
			if err != nil {
				return err
			}
			if more = t.Sessions > deleteSessions; more {
				return tx.deleteOldest(t)
			}
			return tx.deleteTask(t)
		}))
		if began && errors.Is(err, ErrTaskNotFound) {
			return nil // somebody else deletes it, too
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteSessions is how many sessions one transaction takes out of a task at most: few
// enough that no append waits for long.
const deleteSessions = 250

// deleteOldest takes the oldest sessions out of a task that has many.
func (tx *txn) deleteOldest(t *taskRecord) error {
	var ids []SessionID
	prefix := taskPrefix(t.id)
	for key := range tx.Ascend(bucketSessions, prefix, prefixEnd(prefix)) {
		if ids = append(ids, SessionID(key[len(prefix):])); len(ids) == deleteSessions {
			break
		}
	}
	sessions := make([]*sessionRecord, len(ids))
	for i, id := range ids { // all that can fail comes before the first write
		var err error
		if sessions[i], err = tx.session(t.id, id); err != nil {
			return err
		}
	}
	for _, s := range sessions {
		tx.deleteSession(t, s)
	}
	tx.touch(t.id)
	return nil
}

// deleteTask takes a task with all its sessions out of the log.
func (tx *txn) deleteTask(t *taskRecord) error {
	if _, err := tx.openSessions(t); err != nil {
		return err
	}
	var sessions []*sessionRecord
	prefix := taskPrefix(t.id)
	for key := range tx.Ascend(bucketSessions, prefix, prefixEnd(prefix)) {
		s, err := tx.session(t.id, SessionID(key[len(prefix):]))
		if err != nil {
			return err
		}
		sessions = append(sessions, s)
	}
	for _, s := range sessions {
		if s.Status == StatusOpen {
			tx.closeSession(t, s)
		}
		tx.forget(t, s)
	}
	tx.trash(bucketKeys, keysOfTask(t))
	changes := []uint64{t.Change}
	for _, s := range tx.touchOf(t.id).sessions { // all that were open before this transaction
		changes = append(changes, s.change)
	}
	for _, key := range tx.entriesOf(changes) {
		tx.Delete(bucketActivity, key)
	}
	tx.Delete(bucketTasks, []byte(t.id))
	tx.tasks[t.id] = nil
	tx.removed = append(tx.removed, removal{task: t.id, change: tx.nextChange()})
	return nil
}

// DeleteSession deletes a session, open or sealed, as DeleteTask does.
func (l *Log) DeleteSession(ctx context.Context, task string, id SessionID) error {
	return l.deleted(l.committer.doFreeing(ctx, func(tx *txn) error {
		t, err := tx.task(task)
		if err != nil {
			return err
		}
		s, err := tx.session(task, id)
		if err != nil {
			return err
		}
		tx.deleteSession(t, s)
		tx.touch(task)
		return nil
	}))
}

// deleteSession takes a session out of its task and the log.
func (tx *txn) deleteSession(t *taskRecord, s *sessionRecord) {
	if s.Status == StatusOpen {
		tx.closeSession(t, s)
	}
	tx.forget(t, s)
	t.Sessions--
	if s.Status != StatusOpen {
		t.Totals.subtract(s.Totals)
		t.Unpriced.subtract(s.Models)
	}
	if t.Latest == s.id {
		t.Latest, t.Status = tx.latest(t)
	}
	tx.trash(bucketKeys, keysOfSession(t, s.id))
}

// Trim deletes the events of a session up to a sequence. The complete event of
// a sealed session always stays. Readers hear of it as a gap. If ctx ends first,
// the front of what was to be trimmed is gone, and the session is whole behind it.
func (l *Log) Trim(ctx context.Context, task string, session SessionID, through uint64) error {
	for more := true; more; {
		err := l.committer.doFreeing(ctx, func(tx *txn) error {
			s, err := tx.session(task, session)
			if err != nil {
				return err
			}
			last := min(through, s.Head)
			if s.Status != StatusOpen {
				last = min(through, s.Head-1)
			}
			more = last >= s.First+purgeKeys
			if more {
				last = s.First + purgeKeys - 1
			}
			if last < s.First {
				return nil
			}
			for n := s.First; n <= last; n++ {
				tx.Delete(bucketEvents, eventKey(session, n))
			}
			s.First = last + 1
			tx.rewrite(s)
			tx.dropped = append(tx.dropped, dropped{task, session})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// latest finds the newest session of a task, besides those that are damaged.
func (tx *txn) latest(t *taskRecord) (SessionID, Status) {
	prefix := taskPrefix(t.id)
	for key := range tx.Descend(bucketSessions, prefix, prefixEnd(prefix)) {
		id := SessionID(key[len(prefix):])
		s, err := tx.session(t.id, id)
		if err == nil {
			return id, s.Status
		}
		tx.note(fmt.Errorf("session %s of task %s: %w", id, t.id, err))
	}
	return SessionID{}, StatusNone
}

// forget takes a session out of the log and leaves its events to the purger.
func (tx *txn) forget(t *taskRecord, s *sessionRecord) {
	key := sessionKey(t.id, s.id)
	tx.Delete(bucketSessions, key)
	tx.unindex(s)
	if s.Status != StatusOpen {
		tx.Delete(bucketEnded, endedKey(s.Sealed.Time, s.id))
	} else {
		tx.Delete(bucketEvents, stateKey(s.id, s.Head)) // an append would find it open
	}
	tx.sessions[s.id] = nil
	tx.trash(bucketEvents, s.id[:])
	if tx.saidAnything(s.id) {
		tx.trash(bucketSaid, s.id[:])
	}
	tx.dropped = append(tx.dropped, dropped{t.id, s.id})
}

// trash leaves all keys of a bucket that start with prefix to the purger.
func (tx *txn) trash(b Bucket, prefix []byte) {
	key := append(append([]byte(b), 0), prefix...)
	tx.Put(bucketTrash, key, encodeRecord(bucketTrash, key, nil))
	tx.wrote = true
}

func (l *Log) deleted(err error) error {
	if err == nil {
		l.purger.wake()
	}
	return err
}

// purgeKeys is how many keys one transaction removes at most: few enough that
// no append waits for long.
const purgeKeys = 1000

// purgeRetry is when the purger tries again after an error: what is full now may
// have room then.
const purgeRetry = time.Minute

// purger removes what was deleted, in transactions between those of the writers.
type purger struct {
	log     *Log
	more    chan struct{} // holds a token when there may be trash
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (p *purger) start(l *Log) {
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.log, p.more = l, make(chan struct{}, 1)
	p.wake() // what the last process left
	p.running.Go(func() { p.run(ctx) })
}

func (p *purger) stop() {
	p.cancel()
	p.running.Wait()
}

func (p *purger) wake() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

func (p *purger) run(ctx context.Context) {
	var again <-chan time.Time // after a failure
	for {
		select {
		case <-p.more:
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		for more := true; more; {
			var err error
			if more, err = p.purge(ctx); err != nil {
				if !errors.Is(err, ctx.Err()) && p.log.Err() == nil {
					p.log.o.Logger.Error("removing deleted events failed", "error", err)
				}
				again = time.After(purgeRetry)
				break
			}
		}
	}
}

// purge removes some of what is in the trash. more is false once it is empty.
func (p *purger) purge(ctx context.Context) (more bool, err error) {
	var keys [][]byte
	err = p.log.view(ctx, func(r Reader) error {
		for k, raw := range r.Ascend(bucketTrash, nil, nil) {
			// A damaged key may name what nobody deleted. It stays.
			if _, err := decodeRecord(bucketTrash, k, raw); err != nil {
				p.log.passOver(err)
				continue
			}
			if keys = append(keys, bytes.Clone(k)); len(keys) == purgeKeys/2 {
				break
			}
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return false, err
	}
	return true, p.log.committer.doFreeing(ctx, func(tx *txn) error {
		tx.wrote = true
		for left, i := purgeKeys, 0; left > 0 && i < len(keys); i++ {
			name, prefix, _ := bytes.Cut(keys[i], []byte{0})
			bucket := Bucket(name)
			if bucket == bucketSaid { // it reads much: it is done alone
				if i == 0 && !tx.takeBack(SessionID(prefix)) {
					tx.Delete(bucketTrash, keys[i])
				}
				break
			}
			n := p.empty(tx, bucket, prefix, left)
			if n < left {
				tx.Delete(bucketTrash, keys[i])
			}
			left -= n + 1
		}
		return nil
	})
}

// empty removes up to limit of the keys of a bucket that start with a prefix, and
// returns how many.
func (p *purger) empty(tx *txn, bucket Bucket, prefix []byte, limit int) int {
	var found [][]byte
	for k := range tx.Ascend(bucket, prefix, prefixEnd(prefix)) {
		if found = append(found, bytes.Clone(k)); len(found) == limit {
			break
		}
	}
	for _, k := range found {
		if err := tx.deleteMentioned(bucket, k); err != nil {
			p.log.passOver(err) // the record stays where it is, and the rest goes on
		}
		tx.Delete(bucket, k)
	}
	return len(found)
}

// deleteMentioned deletes the idempotency key that one of a deleted session
// mentions, unless it has been used again since.
func (tx *txn) deleteMentioned(b Bucket, key []byte) error {
	if b != bucketKeys {
		return nil
	}
	at := mentioned(key)
	if at == nil {
		return nil
	}
	raw := tx.Get(bucketKeys, at)
	if raw == nil {
		return nil
	}
	record := &keyRecord{}
	if err := decodeJSON(bucketKeys, at, raw, record); err != nil {
		return err
	}
	if owner, _ := splitRecordKey(key); owner.session == record.Session {
		tx.Delete(bucketKeys, at)
	}
	return nil
}
