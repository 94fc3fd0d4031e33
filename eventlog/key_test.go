package eventlog_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"jrweb/eventlog"
)

func withKey(id string) eventlog.Key {
	return eventlog.Key{ID: id, Digest: sha256.Sum256([]byte("body"))}
}

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	otherBody := withKey("k")
	otherBody.Digest = sha256.Sum256([]byte("other body"))
	otherScope := withKey("k")
	otherScope.Scope = "complete"
	for _, c := range []struct {
		name     string
		between  func(*fixture, eventlog.SessionID)
		key      eventlog.Key
		replayed bool
		want     error
	}{
		{name: "at once", key: withKey("k"), replayed: true},
		{name: "after more was appended", key: withKey("k"), replayed: true,
			between: func(f *fixture, id eventlog.SessionID) { f.append(f.Session("t-1", id), says("more")) }},
		{name: "after a reopen", key: withKey("k"), replayed: true,
			between: func(f *fixture, _ eventlog.SessionID) { f.reopen() }},
		{name: "after the session's end", key: withKey("k"), replayed: true,
			between: func(f *fixture, id eventlog.SessionID) { f.append(f.Session("t-1", id), complete()) }},
		{name: "after another session started", key: withKey("k"), replayed: true,
			between: func(f *fixture, _ eventlog.SessionID) { f.start("t-1") }},
		{name: "but not with another body", key: otherBody, want: eventlog.ErrKeyReused},
		{name: "and a key in another scope is another key", key: otherScope},
		{name: "and another key is another key", key: withKey("K")},
		{name: "but not in another life of the task", key: withKey("k"),
			between: func(f *fixture, id eventlog.SessionID) {
				f.ok(f.DeleteTask(f.Context(), "t-1"))
				f.reopen()
				f.start("t-1")
			}},
	} {
		t.Run("append to the latest session: "+c.name, func(t *testing.T) {
			f := inMemory(t, &eventlog.Options{KeepOpen: true})
			first, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("1"), says("2")}, Key: withKey("k")})
			f.ok(err)
			if c.between != nil {
				c.between(f, first.Session)
			}
			before := f.task("t-1").Totals.Events
			again, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("1"), says("2")}, Key: c.key})
			wantErr(t, "repeat", err, c.want)
			wantEqual(t, "replayed", again.Replayed, c.replayed)
			after := f.task("t-1").Totals.Events
			if c.replayed {
				first.Replayed = true
				wantEqual(t, "answer", again, first)
			}
			wantEqual(t, "appended", after > before, !c.replayed && c.want == nil)
		})
	}
}

func TestARepeatedEndGetsTheFirstAnswer(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	end := func() (eventlog.Appended, error) {
		return f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{complete()}, Key: withKey("k")})
	}
	first, err := end()
	f.ok(err)
	f.reopen()
	again, err := end()
	f.ok(err)
	wantEqual(t, "replayed", again.Replayed, true)
	wantEqual(t, "session", asJSON(t, again.Sealed), asJSON(t, first.Sealed))
	wantEqual(t, "head", f.info(s).Head, 1)
}

func TestARepeatedStartGetsTheFirstSession(t *testing.T) {
	f := inMemory(t, nil)
	start := func() (eventlog.SessionInfo, bool) {
		info, replayed, err := f.StartInfo(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", Key: withKey("k")})
		f.ok(err)
		return info, replayed
	}
	first, replayed := start()
	wantEqual(t, "replayed at first", replayed, false)
	f.reopen()
	again, replayed := start()
	wantEqual(t, "replayed", replayed, true)
	wantEqual(t, "session as it was at its start", asJSON(t, again), asJSON(t, first))
	wantEqual(t, "sessions", f.task("t-1").Sessions, 1)

	// The same key on an append is a different key.
	answer, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("x")}, Key: withKey("k")})
	f.ok(err)
	wantEqual(t, "append replayed", answer.Replayed, false)

	f.ok(f.DeleteTask(t.Context(), "t-1"))
	third, replayed := start()
	wantEqual(t, "replayed in another life of the task", replayed, false)
	if third.ID == first.ID {
		t.Error("a deleted session's id was given again")
	}
}

func TestAKeyEndsWithItsSession(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	append1 := func() (eventlog.Appended, error) {
		return f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("1")}, Key: withKey("k")})
	}
	_, err := append1()
	f.ok(err)
	f.ok(f.DeleteSession(t.Context(), "t-1", s.ID()))
	_, err = append1()
	wantErr(t, "repeat after the session's deletion", err, eventlog.ErrSessionNotFound)
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	_, err = append1()
	wantErr(t, "repeat after the task's deletion", err, eventlog.ErrTaskNotFound)
}

// If a request named no session, its key is deleted with the session that it got. A key
// that was used again stays.
func TestNoKeyOutlivesItsSession(t *testing.T) {
	store := newPurgedStore()
	f := on(t, store, nil)
	store.purged(t)
	appendWith := func(key string) eventlog.Appended {
		t.Helper()
		answer, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("1")}, Key: withKey(key)})
		f.ok(err)
		return answer
	}
	first := appendWith("a")
	appendWith("b")
	wantEqual(t, "another session", appendWith("c").Session, first.Session)
	store.hold.Store(true)
	f.ok(f.DeleteSession(t.Context(), "t-1", first.Session))
	second := appendWith("c")
	wantEqual(t, "replayed", second.Replayed, false)
	f.close()
	store.hold.Store(false)
	f.reopen()
	store.purged(t)
	wantEqual(t, "keys in the store", countKeys(t, store.Store, "keys"), 2) // the record and its mention
	wantEqual(t, "the one that was used again", appendWith("c").Session, second.Session)
	f.ok(f.DeleteSession(t.Context(), "t-1", second.Session))
	store.purged(t)
	wantEqual(t, "keys in the store", countKeys(t, store.Store, "keys"), 0)
}

func TestARefusedRequestLeavesItsKeyFree(t *testing.T) {
	f := inMemory(t, nil)
	batch := func() *eventlog.Batch {
		return &eventlog.Batch{Task: "t-1", NoStart: true, Events: []eventlog.Event{says("1")}, Key: withKey("k")}
	}
	_, err := f.Append(t.Context(), batch())
	wantErr(t, "append", err, eventlog.ErrTaskNotFound)
	f.start("t-1")
	answer, err := f.Append(t.Context(), batch())
	f.ok(err)
	wantEqual(t, "replayed", answer.Replayed, false)
}

func TestRepeatsThatArriveTogetherAppendOnce(t *testing.T) {
	for _, store := range []struct {
		name string
		open func(*testing.T, *eventlog.Options) *fixture
	}{{"in memory", inMemory}, {"on disk", onDisk}} {
		t.Run(store.name, func(t *testing.T) {
			f := store.open(t, nil)
			for round := range 10 {
				task := fmt.Sprintf("t-%d", round)
				var wg sync.WaitGroup
				var mu sync.Mutex
				var firsts, replays int
				for range 16 {
					wg.Go(func() {
						a, err := f.Append(t.Context(), &eventlog.Batch{Task: task, Events: []eventlog.Event{says("1")}, Key: withKey("k")})
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err != nil || a.First != 1 || a.Last != 1:
							t.Errorf("got %+v, %v", a, err)
						case a.Replayed:
							replays++
						default:
							firsts++
						}
					})
				}
				wg.Wait()
				wantEqual(t, "first answers", firsts, 1)
				wantEqual(t, "replays", replays, 15)
				wantEqual(t, "events", f.task(task).Totals.Events, 1)
			}
		})
	}
}

func TestValidKeyIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "!~": true, "": false, " ": false, "a\x7f": false, "é": false, "a\n": false,
	} {
		wantEqual(t, fmt.Sprintf("%q", id), eventlog.ValidKeyID(id), want)
	}
	f := inMemory(t, nil)
	_, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Key: eventlog.Key{ID: "a b"}})
	if _, ok := errors.AsType[*eventlog.FieldError](err); !ok {
		t.Errorf("a start with a bad key: %v", err)
	}
}
