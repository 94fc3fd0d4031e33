package dbfile

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

	"jrweb/eventlog/event"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// session2 is a session in format 2. Of its cost by model it has only the last cumulative
// costs; everything else is only in its events.
type session2 struct {
	record.Session
	Cumulative map[string]record.Amounts `json:"cumulative"`
}

// decodeState2 decodes the state of an open session in format 2: time of the change (8
// bytes), 0 (1), US dollars (8, IEEE 754), input tokens (8), output tokens (8), number of
// the change (8), length of the task's id (1), the id, then for each model the length of
// its name (2), the name, and the amounts of its last cumulative cost.
func decodeState2(key, raw []byte) (s session2, err error) {
	payload, err := record.Decode(store.Events, key, raw)
	if err != nil {
		return s, err
	}
	const header = 42
	if len(payload) < header || len(payload) < header+int(payload[header-1]) {
		return s, state2Damage(key)
	}
	n := binary.BigEndian.Uint64
	s.Head = record.EventSequence(key) - 1
	s.Totals = record.Totals{
		Events: s.Head, // each event counts
		USD:    math.Float64frombits(n(payload[9:])), InputTokens: n(payload[17:]), OutputTokens: n(payload[25:]),
	}
	s.Updated = event.Time{Time: time.UnixMilli(int64(n(payload))).UTC()}
	s.Change = n(payload[33:])
	end := header + int(payload[header-1])
	s.Task = string(payload[header:end])
	for rest := payload[end:]; len(rest) > 0; {
		name, amounts, ok := record.CutName(rest)
		if !ok || len(amounts) < record.AmountsSize {
			return s, state2Damage(key)
		}
		if s.Cumulative == nil {
			s.Cumulative = map[string]record.Amounts{}
		}
		s.Cumulative[name] = record.ReadAmounts(amounts)
		rest = amounts[record.AmountsSize:]
	}
	return s, nil
}

func state2Damage(key []byte) error {
	return &store.DamageError{Bucket: store.Events, Key: bytes.Clone(key), Reason: "state is too short"}
}

// readSession2 reads a session of format 2.
func readSession2(r store.Reader, task string, key, raw []byte) (*session2, error) {
	s := &session2{}
	s.Task, s.ID = task, event.SessionID(key[len(key)-len(event.SessionID{}):])
	if err := record.DecodeJSON(store.Sessions, key, raw, s); err != nil || s.Status != event.StatusOpen {
		return s, err
	}
	at, state := record.LastRecord(r, s.ID)
	if !record.IsState(state) {
		return nil, &store.DamageError{Bucket: store.Events, Key: s.ID[:], Reason: "an open session has no state"}
	}
	st, err := decodeState2(at, state)
	s.State, s.Cumulative = st.State, st.Cumulative
	return s, err
}

// counting is the progress of an upgrade: the next session, and the sums of the present
// task so far.
type counting struct {
	from     []byte // the key of the next session; nil: there is none
	task     string
	was, is  record.Totals
	unpriced record.Unpriced
}

// upgradeEvents is about how many events one transaction of an upgrade counts.
const upgradeEvents = 100_000

// count writes the sessions of format 2, each with its cost by model from its events, and
// the sums of the tasks.
func (u *upgrading) count() (err error) {
	if u.from != 2 {
		return nil
	}
	db, err := filestore.Open(u.path, &filestore.Options{NoJournal: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return u.DB.View(func(in *bolt.Tx) error {
		old := &boltfile.Reader{Tx: in}
		for at := (counting{from: []byte{}}); at.from != nil; {
			next := at
			err := db.Update(u.ctx, func(storeTx store.Tx) (err error) {
				tx := record.NewTxn(storeTx, time.Now(), record.Carried{})
				tx.Wrote = true
				if next, err = at.some(old, tx); err != nil {
					return err
				}
				return tx.Flush()
			})
			if err := errors.Join(old.Err, err); err != nil {
				return err
			}
			at = next
		}
		return nil
	})
}

// some counts some sessions.
func (at counting) some(old store.Reader, tx *record.Txn) (counting, error) {
	at.unpriced = maps.Clone(at.unpriced)
	events := uint64(0)
	for key, raw := range old.Ascend(store.Sessions, at.from, nil) {
		if events > upgradeEvents {
			at.from = bytes.Clone(key)
			return at, nil
		}
		task, _, ok := record.SplitSessionKey(key)
		if !ok {
			return at, &store.DamageError{Bucket: store.Sessions, Key: bytes.Clone(key), Reason: "is no key of a session"}
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
		if s.Status != event.StatusOpen {
			at.was.Add(was)
			at.is.Add(s.Totals)
			at.unpriced.Add(s.Models)
		}
	}
	at.from = nil
	return at, at.write(tx)
}

// write writes the task whose sessions have been counted.
func (at *counting) write(tx *record.Txn) error {
	if at.task == "" {
		return nil
	}
	t, err := record.StoredTask(tx, at.task)
	if err != nil {
		return fmt.Errorf("task %s: %w", at.task, err)
	}
	if t.Totals.Events != at.was.Events || !nearly(t.Totals.Costs(), at.was.Costs()) {
		return &store.DamageError{Bucket: store.Tasks, Key: []byte(t.ID), Reason: fmt.Sprintf("its totals are %+v, those of its sessions %+v", t.Totals, at.was)}
	}
	t.Totals, t.Unpriced = at.is, at.unpriced
	tx.PutTask(t)
	return nil
}

// count counts a session again, and writes it.
func (s *session2) count(old store.Reader, tx *record.Txn) error {
	r, was := &s.Session, s.Totals
	if r.Status != event.StatusOpen {
		r.Sealed = r.Ended
	}
	r.Counted = true
	r.SetModels(nil)
	tx.Sessions[r.ID] = r
	sum := totals2{}
	for key, raw := range old.Ascend(store.Events, record.EventKey(r.ID, r.First), record.EventKey(r.ID, r.Head+1)) {
		var e event.Event
		raw, err := eventOf3(key, raw)
		if err == nil {
			err = record.ViewEvent(&e, key, raw)
		}
		if err != nil {
			return err
		}
		if e.Type != event.TypeCost && e.Type != event.TypeComplete {
			continue
		}
		var p record.Prepared
		if err := p.PrepareStored(&e); err != nil {
			return &store.DamageError{Bucket: store.Events, Key: bytes.Clone(key), Reason: err.Error()}
		}
		if p.Cost == nil {
			r.Ended = event.Time{Time: p.Time} // format 2 had the time of the commit here
			continue
		}
		sum.add(p.Cost)
		if p.Cost.ID == "" && r.First > 1 {
			continue // it is part of what countTrimmed adds
		}
		if p.Cost.ID != "" {
			if _, err := tx.Statement(r.Agent, r, p.Cost); err != nil {
				return err
			}
		}
		tx.Count(r, p.Cost)
	}
	switch {
	case r.First > 1:
		s.countTrimmed(was)
	case !nearly(sum.Amounts, was.Costs()):
		return &store.DamageError{Bucket: store.Sessions, Key: record.SessionKey(r.Task, r.ID), Reason: fmt.Sprintf("its totals are %+v, those of its events %+v", was, sum.Amounts)}
	}
	if len(r.Models) > 0 {
		tx.Spend(r)
	}
	tx.Index(r)
	tx.Rewrite(r)
	return nil
}

// countTrimmed adds, under the session's own model, the costs whose events were trimmed:
// only the old sums of the session have them.
func (s *session2) countTrimmed(was record.Totals) {
	for _, model := range slices.Sorted(maps.Keys(s.Cumulative)) {
		_, m := s.Slot(model)
		m.Last = s.Cumulative[model]
	}
	rest := was.Costs().Since(s.Totals.Costs())
	if rest != (record.Amounts{}) {
		s.Enter(&record.Cost{Amounts: rest, Model: s.Model}, rest)
	}
}

// totals2 is the sum of costs in format 2, which had no ids, any number of models, and no
// cached tokens.
type totals2 struct {
	record.Amounts
	last map[string]record.Amounts
}

func (t *totals2) add(c *record.Cost) {
	added := c.Amounts
	if c.Cumulative {
		added = c.Since(t.last[c.Model])
		if t.last == nil {
			t.last = map[string]record.Amounts{}
		}
		t.last[c.Model] = c.Amounts
	}
	t.Amounts.Add(withoutCache(added))
}

func withoutCache(v record.Amounts) record.Amounts {
	v.CacheReadTokens, v.CacheWriteTokens = 0, 0
	return v
}
