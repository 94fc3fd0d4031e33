package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// session2 is a session as format 2 has it: what it has cost by model, but for the
// last cumulative costs, is only in its events.
type session2 struct {
	sessionRecord
	Cumulative map[string]costValues `json:"cumulative"`
}

// decodeState2 decodes the state of an open session as format 2 has it: time of the
// change (8 bytes), 0 (1), USD (8, IEEE 754), input tokens (8), output tokens (8), number
// of the change (8), length of the task's id (1), the id, then for each model the length
// of its name (2), the name, and the amounts of its last cumulative cost.
func decodeState2(key, raw []byte) (s session2, err error) {
	payload, err := decodeRecord(bucketEvents, key, raw)
	if err != nil {
		return s, err
	}
	const header = 42
	if len(payload) < header || len(payload) < header+int(payload[header-1]) {
		return s, state2Damage(key)
	}
	n := binary.BigEndian.Uint64
	s.Head = eventSequence(key) - 1
	s.Totals = totals{
		Events: s.Head, // each one counts
		USD:    math.Float64frombits(n(payload[9:])), InputTokens: n(payload[17:]), OutputTokens: n(payload[25:]),
	}
	s.updated = Time{time.UnixMilli(int64(n(payload))).UTC()}
	s.change = n(payload[33:])
	end := header + int(payload[header-1])
	s.task = string(payload[header:end])
	for rest := payload[end:]; len(rest) > 0; {
		name, amounts, ok := cutName(rest)
		if !ok || len(amounts) < amountsSize {
			return s, state2Damage(key)
		}
		if s.Cumulative == nil {
			s.Cumulative = map[string]costValues{}
		}
		s.Cumulative[name] = readAmounts(amounts)
		rest = amounts[amountsSize:]
	}
	return s, nil
}

func state2Damage(key []byte) error {
	return &DamageError{Bucket: bucketEvents, Key: bytes.Clone(key), Reason: "state is too short"}
}

// readSession2 reads a session of format 2.
func readSession2(r Reader, task string, key, raw []byte) (*session2, error) {
	s := &session2{}
	s.task, s.id = task, SessionID(key[len(key)-len(SessionID{}):])
	if err := decodeJSON(bucketSessions, key, raw, s); err != nil || s.Status != StatusOpen {
		return s, err
	}
	at, state := lastRecord(r, s.id)
	if !isState(state) {
		return nil, &DamageError{Bucket: bucketEvents, Key: s.id[:], Reason: "an open session has no state"}
	}
	st, err := decodeState2(at, state)
	s.sessionState, s.Cumulative = st.sessionState, st.Cumulative
	return s, err
}

// counting is how far an upgrade has counted, and what the sessions of a task add up
// to so far.
type counting struct {
	from     []byte // the key of the next session; nil: there is none
	task     string
	was, is  totals
	unpriced unpricedTokens
}

// upgradeEvents is about how many events one transaction of an upgrade counts.
const upgradeEvents = 100_000

// count writes the sessions, each with what its events say that it has cost by model,
// and what the tasks add up to.
func (u *upgrading) count() (err error) {
	db, err := OpenBolt(u.path, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return u.db.View(func(in *bolt.Tx) error {
		old := &boltReader{tx: in}
		for at := (counting{from: []byte{}}); at.from != nil; {
			next := at
			err := db.Update(u.ctx, func(storeTx Tx) (err error) {
				tx := newTxn(storeTx, time.Now(), state{})
				tx.wrote = true
				if next, err = at.some(old, tx); err != nil {
					return err
				}
				return tx.flush()
			})
			if err := errors.Join(old.err, err); err != nil {
				return err
			}
			at = next
		}
		return db.Update(u.ctx, func(tx Tx) error {
			version := binary.BigEndian.AppendUint64(nil, formatVersion)
			tx.Put(bucketMeta, keyFormat, encodeRecord(bucketMeta, keyFormat, version))
			return nil
		})
	})
}

// some counts some sessions.
func (at counting) some(old Reader, tx *txn) (counting, error) {
	at.unpriced = maps.Clone(at.unpriced)
	events := uint64(0)
	for key, raw := range old.Ascend(bucketSessions, at.from, nil) {
		if events > upgradeEvents {
			at.from = bytes.Clone(key)
			return at, nil
		}
		task, _, ok := splitSessionKey(key)
		if !ok {
			return at, &DamageError{Bucket: bucketSessions, Key: bytes.Clone(key), Reason: "is no key of a session"}
		}
		if task != at.task {
			if err := at.write(tx); err != nil {
				return at, err
			}
			at = counting{task: task}
		}
		s, err := readSession2(old, task, key, raw)
		if err != nil {
			return at, err
		}
		events += 1 + s.Head
		was := s.Totals
		if err := s.count(old, tx); err != nil {
			return at, err
		}
		if s.Status != StatusOpen {
			at.was.add(was)
			at.is.add(s.Totals)
			at.unpriced.add(s.Models)
		}
	}
	at.from = nil
	return at, at.write(tx)
}

// write writes the task whose sessions have been counted.
func (at *counting) write(tx *txn) error {
	if at.task == "" {
		return nil
	}
	t, err := storedTask(tx, at.task)
	if err != nil {
		return fmt.Errorf("task %s: %w", at.task, err)
	}
	if t.Totals.Events != at.was.Events || !nearly(t.Totals.costs(), at.was.costs()) {
		return &DamageError{Bucket: bucketTasks, Key: []byte(t.id), Reason: fmt.Sprintf("its totals are %+v, those of its sessions %+v", t.Totals, at.was)}
	}
	t.Totals, t.Unpriced = at.is, at.unpriced
	tx.putTask(t)
	return nil
}

// count counts a session anew, and writes it.
func (s *session2) count(old Reader, tx *txn) error {
	r, was := &s.sessionRecord, s.Totals
	if r.Status != StatusOpen {
		r.Sealed = r.Ended
	}
	r.counted = true
	r.setModels(nil)
	tx.sessions[r.id] = r
	sum := totals2{}
	for key, raw := range old.Ascend(bucketEvents, eventKey(r.id, r.First), eventKey(r.id, r.Head+1)) {
		var e Event
		if err := viewEvent(&e, key, raw); err != nil {
			return err
		}
		if e.Type != TypeCost && e.Type != TypeComplete {
			continue
		}
		var p prepared
		if err := p.prepareStored(&e); err != nil {
			return &DamageError{Bucket: bucketEvents, Key: bytes.Clone(key), Reason: err.Error()}
		}
		if p.cost == nil {
			r.Ended = Time{p.Time} // which was the time of the commit before
			continue
		}
		sum.add(p.cost)
		if p.cost.ID == "" && r.First > 1 {
			continue // it is among what is left
		}
		if p.cost.ID != "" {
			if _, err := tx.statement(r.Agent, r, p.cost); err != nil {
				return err
			}
		}
		tx.count(r, p.cost)
	}
	switch {
	case r.First > 1:
		s.countTrimmed(was)
	case !nearly(sum.costValues, was.costs()):
		return &DamageError{Bucket: bucketSessions, Key: sessionKey(r.task, r.id), Reason: fmt.Sprintf("its totals are %+v, those of its events %+v", was, sum.costValues)}
	}
	if len(r.Models) > 0 {
		tx.spend(r)
	}
	tx.index(r)
	tx.rewrite(r)
	return nil
}

// countTrimmed books what only the sum of a session tells of, because its events are
// gone, under the session's own model.
func (s *session2) countTrimmed(was totals) {
	for _, model := range slices.Sorted(maps.Keys(s.Cumulative)) {
		_, m := s.slot(model)
		m.Last = s.Cumulative[model]
	}
	rest := was.costs().since(s.Totals.costs())
	if rest != (costValues{}) {
		s.enter(&cost{costValues: rest, Model: s.Model}, rest)
	}
}

// totals2 is what costs add up to in format 2, which knew nothing of ids, told any
// number of models apart, and left out cached tokens.
type totals2 struct {
	costValues
	last map[string]costValues
}

func (t *totals2) add(c *cost) {
	added := c.costValues
	if c.Cumulative {
		added = c.since(t.last[c.Model])
		if t.last == nil {
			t.last = map[string]costValues{}
		}
		t.last[c.Model] = c.costValues
	}
	t.costValues.add(withoutCache(added))
}

func withoutCache(v costValues) costValues {
	v.CacheReadTokens, v.CacheWriteTokens = 0, 0
	return v
}
