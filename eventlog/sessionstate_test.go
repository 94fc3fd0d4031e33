package eventlog_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// touching is a store that records what its Updates read and write, as "get events", "put
// events" and so on.
type touching struct {
	store.Store
	did []string
}

func (s *touching) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(touchingTx{tx, s}) })
}

type touchingTx struct {
	store.Tx
	s *touching
}

func (t touchingTx) note(what string, b store.Bucket) {
	t.s.did = append(t.s.did, what+" "+string(b))
}

func (t touchingTx) Get(b store.Bucket, key []byte) []byte {
	t.note("get", b)
	return t.Tx.Get(b, key)
}

func (t touchingTx) Put(b store.Bucket, key, value []byte) {
	t.note("put", b)
	t.Tx.Put(b, key, value)
}

func (t touchingTx) Delete(b store.Bucket, key []byte) {
	t.note("delete", b)
	t.Tx.Delete(b, key)
}

func (t touchingTx) Ascend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	t.note("iterate", b)
	return t.Tx.Ascend(b, from, to)
}

func (t touchingTx) Descend(b store.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	t.note("iterate", b)
	return t.Tx.Descend(b, from, to)
}

// Every record that an append changes in addition to its events is one more page in each
// commit. The more sessions there are, the fewer of them share a page.
func TestAnAppendToAnOpenSessionTouchesTheEventTheStateAndTheActivity(t *testing.T) {
	store := &touching{Store: eventlogtest.NewStore()}
	f := on(t, store, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	f.startBeside("t-1")
	for range 3 {
		store.did = nil
		f.append(s, says("x"), says("y"))
		wantSlice(t, "an append", store.did, []string{
			"put events", "put events", // two events
			"get activity", "delete activity", "put events", "put activity", // the next state, and the place among the tasks
		})
	}
	// The records of task and session name what the cost counts for.
	costs := func(what, data string, before, after []string) {
		t.Helper()
		store.did = nil
		f.append(s, says("x"), event("cost", data))
		wantSlice(t, what, store.did, slices.Concat([]string{
			"get tasks", "get sessions", "get spent", "put events", "put events",
		}, before, []string{"get activity", "delete activity", "put events", "put activity"}, after))
	}
	costs("the first cost of a day", `{"usd":1}`, []string{"get usage", "iterate usage"}, []string{"put usage", "put spent"})
	for range 3 {
		costs("an append of a cost", `{"usd":1}`, []string{"get usage"}, []string{"put usage", "put spent"})
	}
	costs("a cumulative cost", `{"usd":5,"scope":"cumulative"}`, []string{"get usage"}, []string{"put usage", "put spent"})
	costs("one that has not grown", `{"usd":5,"scope":"cumulative"}`, nil, []string{"put spent"})
	f.reopen()
	for _, first := range [][]string{{"iterate events"}, nil} {
		store.did = nil
		f.append(s, says("x"))
		wantSlice(t, "an append after an open", store.did, append(first,
			"put events", "get activity", "delete activity", "put events", "put activity",
		))
	}
	store.did = nil
	f.append(s, complete())
	for _, record := range []string{"put tasks", "put sessions"} { // the control
		if !slices.Contains(store.did, record) {
			t.Errorf("the end of a session did %v, and not %s", store.did, record)
		}
	}
}

// recordsOf counts the records of a session in store.Events: its events, and its state if
// it has one.
func recordsOf(t *testing.T, db store.Store, s *eventlog.Session) (n int) {
	t.Helper()
	id := s.ID()
	err := db.View(t.Context(), func(r store.Reader) error {
		for key := range r.Ascend("events", id[:], nil) {
			if !bytes.HasPrefix(key, id[:]) {
				break
			}
			if n++; binary.BigEndian.Uint64(key[len(id):]) != uint64(n) {
				t.Errorf("record %d has key %x", n, key)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheStateStandsInThePlaceOfTheNextEventWhileTheSessionIsOpen(t *testing.T) {
	store := eventlogtest.NewStore()
	f := on(t, store, &eventlog.Options{KeepOpen: true})
	want := func(when string, s *eventlog.Session, open bool, events int) {
		t.Helper()
		records := events
		if open {
			records++
		}
		wantEqual(t, when+": records", recordsOf(t, store, s), records)
		wantEqual(t, when+": events that are read", len(f.events(s, 0)), events)
		page, err := f.ReadBefore(t.Context(), s.Task(), s.ID(), 1<<64-1)
		f.ok(err)
		wantEqual(t, when+": events that are read backwards", len(page.Events), events)
	}
	s, beside := f.start("t-1"), f.startBeside("t-1")
	want("at the start", s, true, 0)
	f.append(s, many(3)...)
	f.append(beside, many(1)...)
	want("after an append", s, true, 3)
	f.reopen()
	want("opened again", s, true, 3)
	f.append(s, many(2)...)
	want("after one more append", s, true, 5)
	f.append(s, says("last words"), complete())
	want("after the end", s, false, 7)
	_, err := f.Session("t-1", s.ID()).Append(t.Context(), says("x"))
	wantErr(t, "append to a sealed session", err, eventlog.ErrSealed)
	wantEqual(t, "head", f.info(s).Head, 7)

	f.ok(f.DeleteSession(t.Context(), "t-1", beside.ID()))
	_, err = f.Session("t-1", beside.ID()).Append(t.Context(), says("x"))
	wantErr(t, "append to a deleted session", err, eventlog.ErrSessionNotFound)
	answer := f.appendTo("t-2", says("one commit"), complete())
	want("begun and ended in one commit", f.Session("t-2", answer.Session), false, 2)
}

func TestWhatASessionAddsUpToOutlivesItsStateAndAReopen(t *testing.T) {
	f := onDisk(t, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	cumulative := func(usd int) eventlog.Event {
		return event("cost", fmt.Sprintf(`{"usd":%d,"input_tokens":%d,"model":"m","scope":"cumulative"}`, usd, 10*usd))
	}
	want := func(when string, events uint64, usd eventlog.USD) {
		t.Helper()
		totals := eventlog.Totals{Events: events, USD: usd, InputTokens: uint64(10 * usd)}
		wantEqual(t, when+": totals of the session", f.info(s).Totals, totals)
		wantEqual(t, when+": totals of the task", f.task("t-1").Totals, totals)
	}
	f.append(s, cumulative(3))
	f.append(s, cumulative(5))
	want("after appends", 2, 5)
	f.reopen()
	f.append(s, cumulative(6))
	want("opened again", 3, 6)
	f.append(s, cumulative(7), complete())
	want("sealed", 5, 7)
	f.reopen()
	want("sealed and opened again", 5, 7)
}

func TestATaskAddsUpItsOpenSessions(t *testing.T) {
	var now atomic.Int64 // the log reads the clock in its own goroutines, too
	now.Store(1_000_000)
	f := inMemory(t, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return time.UnixMilli(now.Load()) }})
	want := func(when string, events int, status eventlog.Status) {
		t.Helper()
		task := f.task("t-1")
		wantEqual(t, when+": events", task.Totals.Events, uint64(events))
		wantEqual(t, when+": status", task.Status, status)
		wantEqual(t, when+": updated", task.Updated.UnixMilli(), now.Load())
		wantEqual(t, when+": change", task.Change, f.LastChange())
		listed, err := f.Tasks(t.Context(), 0, 10)
		f.ok(err)
		wantSlice(t, when+": listed", listed, []eventlog.Task{task})
		changes, err := f.Changes(t.Context(), eventlog.TaskCursor{}, 10)
		f.ok(err)
		wantSlice(t, when+": changed", changes.Tasks, []eventlog.Task{task})
		now.Add(1000)
	}
	first := f.start("t-1")
	second := f.startBeside("t-1")
	want("two are open", 0, eventlog.StatusOpen)
	f.append(first, many(2)...)
	want("one has two", 2, eventlog.StatusOpen)
	f.append(second, many(3)...)
	want("the other has three", 5, eventlog.StatusOpen)
	f.append(first, many(1)...)
	want("one more", 6, eventlog.StatusOpen)
	task, _, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: new("title")})
	f.ok(err)
	wantEqual(t, "answer", task, f.task("t-1"))
	want("with a title", 6, eventlog.StatusOpen)
	f.append(second, complete())
	want("the later one has ended", 7, eventlog.Succeeded)
	f.append(first, many(1)...)
	want("the earlier one goes on", 8, eventlog.Succeeded)
	f.ok(f.DeleteSession(t.Context(), "t-1", first.ID()))
	want("the open one is deleted", 4, eventlog.Succeeded)
	f.ok(f.DeleteSession(t.Context(), "t-1", second.ID()))
	want("the sealed one is deleted", 0, eventlog.StatusNone)
}
