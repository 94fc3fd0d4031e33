package clusterstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/internal/natstest"
)

// follow reads a session to its end by a watch, without looking at the clock: what is not
// told to it never comes.
func follow(l *log, s *eventlog.Session) (all []string, err error) {
	watch := l.Watch(s.Task())
	defer watch.Close()
	after := uint64(0)
	for {
		changed := watch.Changed()
		before := after
		page, err := watch.Scan(l.Context(), s.ID(), after, func(e *eventlog.Event) bool {
			all = append(all, contentOf(*e))
			after = e.Sequence
			return true
		})
		switch {
		case err != nil:
			return all, err
		case page.Sealed && after == page.Head:
			return all, nil
		case after != before:
			continue
		}
		behind := watch.Behind(eventlog.Cursor{Session: s.ID(), Sequence: after}) // only if a commit came meanwhile
		select {
		case <-changed:
		case <-time.After(patience):
			return all, fmt.Errorf("nobody tells of what comes after %d of %d; the watch says that there is more: %t", after, page.Head, behind)
		}
	}
}

// followAll reads all sessions of a task up to the nth end.
func followAll(l *log, task string, ends int) (all []string, err error) {
	watch := l.Watch(task)
	defer watch.Close()
	var at eventlog.Place
	for ends > 0 {
		changed := watch.Changed()
		more, err := watch.ScanAll(l.Context(), at, eventlog.Visit{Event: func(s eventlog.SessionID, e *eventlog.Event) bool {
			at = eventlog.PlaceOf(s, e)
			all = append(all, s.String()+contentOf(*e))
			if e.Type == eventlog.TypeComplete {
				ends--
			}
			return true
		}, Gap: func(eventlog.Gap) bool { return true }})
		if err != nil {
			return all, err
		}
		if more || ends == 0 {
			continue
		}
		select {
		case <-changed:
		case <-time.After(patience):
			return all, fmt.Errorf("nobody tells of what comes after %v", at)
		}
	}
	return all, nil
}

func TestReadersHearOfWhatOtherReplicasCommit(t *testing.T) {
	url := natstest.Start(t).URL
	logs := []*log{newLog(t, url, nil), newLog(t, url, nil), newLog(t, url, nil)}
	one := logs[0].start("t-1", nil)
	two := logs[1].start("t-1", &eventlog.StartOptions{Concurrent: true})
	for _, l := range logs {
		l.ok(l.CatchUp(t.Context()))
	}
	var reading sync.WaitGroup
	got := make([][]string, 2*len(logs))
	for i, l := range logs {
		reading.Go(func() {
			var err error
			if got[i], err = follow(l, one); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
		reading.Go(func() {
			var err error
			if got[len(logs)+i], err = followAll(l, "t-1", 2); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
	}
	const each = 40
	var want []string
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := range each {
			logs[(n+1)%3].append(two, fmt.Sprint(n))
		}
	})
	for n := range each {
		logs[n%3].append(one, fmt.Sprint(n))
		want = append(want, fmt.Sprint(n))
	}
	writing.Wait()
	logs[2].complete(one)
	logs[0].complete(two)
	want = append(want, "succeeded")
	reading.Wait()
	for i := range logs {
		if !slices.Equal(got[i], want) {
			t.Errorf("replica %d showed %q, want %q", i, got[i], want)
		}
		if all := got[len(logs)+i]; len(all) != 2*each+2 || !slices.Equal(all, got[len(logs)]) {
			t.Errorf("replica %d showed %d events of all sessions, or in another order than the first one", i, len(all))
		}
		wantEqual(t, "open sessions", logs[i].Stats().OpenSessions, 0)
	}
}

// A watch of another task does not wake, and a change of a task tells the readers of all
// tasks what it was.
func TestOnlyWatchersOfTheTaskWake(t *testing.T) {
	url := natstest.Start(t).URL
	here, there := newLog(t, url, nil), newLog(t, url, nil)
	watch, other := here.Watch("t-1"), here.Watch("t-2")
	defer watch.Close()
	defer other.Close()
	quiet := other.Changed()
	woken := func(what string, do func()) {
		t.Helper()
		changed, any := watch.Changed(), here.TasksChanged()
		do()
		wait(t, "the wake-up after "+what, changed)
		wait(t, "the wake-up of all after "+what, any)
	}
	var s *eventlog.Session
	woken("a start", func() { s = there.start("t-1", nil) })
	woken("an append", func() { there.append(s, "1", "2", "3") })
	after := eventlog.TaskCursor{Change: here.LastChange(), Since: here.LastChange()}
	woken("a change of the task", func() {
		title := "new"
		_, _, err := there.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: &title})
		there.ok(err)
	})
	changes, err := here.Changes(t.Context(), after, 10)
	here.ok(err)
	if len(changes.Tasks) != 1 || changes.Tasks[0].Title != "new" {
		t.Errorf("after a change there are the changes %+v", changes)
	}
	changed := watch.Changed()
	there.ok(there.Trim(t.Context(), "t-1", s.ID(), 2))
	wait(t, "the wake-up after a trim", changed)
	page, err := here.Read(t.Context(), "t-1", s.ID(), 0)
	here.ok(err)
	if !page.Gap(0) || page.First != 3 {
		t.Errorf("after a trim a read shows first %d", page.First)
	}
	woken("an end", func() { there.ok(s.Complete(t.Context(), eventlog.Failed, "")) })
	woken("a deletion", func() { there.ok(there.DeleteTask(t.Context(), "t-1")) })
	changes, err = here.Changes(t.Context(), changes.Next, 10)
	here.ok(err)
	wantEqual(t, "deleted tasks", fmt.Sprint(changes.Deleted), "[t-1]")
	if _, err := here.Task(t.Context(), "t-1"); !errors.Is(err, eventlog.ErrTaskNotFound) {
		t.Errorf("a deleted task: %v", err)
	}
	select {
	case <-quiet:
		t.Error("the watch of another task has woken")
	default:
	}
}

// A watcher that has read a session in memory must not go on showing what another replica
// has trimmed or deleted.
func TestWhatAnotherReplicaRemovesIsNotShown(t *testing.T) {
	url := natstest.Start(t).URL
	here, there := newLog(t, url, nil), newLog(t, url, nil)
	s := here.start("t-1", nil)
	watch := here.Watch("t-1")
	defer watch.Close()
	scan := func() (first uint64, n int, err error) {
		page, err := watch.Scan(t.Context(), s.ID(), 0, func(*eventlog.Event) bool { n++; return true })
		return page.First, n, err
	}
	_, _, err := scan() // begins the tail
	here.ok(err)
	there.append(s, "1", "2", "3", "4")
	there.ok(there.Trim(t.Context(), "t-1", s.ID(), 2))
	here.ok(here.CatchUp(t.Context()))
	first, n, err := scan()
	here.ok(err)
	wantEqual(t, "first event after a trim", first, 3)
	wantEqual(t, "events after a trim", n, 2)
	there.ok(there.DeleteSession(t.Context(), "t-1", s.ID()))
	here.ok(here.CatchUp(t.Context()))
	if _, n, err := scan(); !errors.Is(err, eventlog.ErrSessionNotFound) {
		t.Errorf("a deleted session shows %d events, %v", n, err)
	}
}

func TestGuardsHoldOnEveryReplica(t *testing.T) {
	url := natstest.Start(t).URL
	here, there := newLog(t, url, nil), newLog(t, url, nil)
	s := here.start("t-1", &eventlog.StartOptions{Agent: "a", ExternalID: "e"})

	// The session is new to the other replica, whether it has heard of it or not.
	there.append(s, "x")
	batch := func(digest byte) *eventlog.Batch {
		return &eventlog.Batch{Task: "t-1", Session: s.ID(), Events: []eventlog.Event{says("once")}, Key: eventlog.Key{ID: "k", Digest: [32]byte{digest}}}
	}
	first, err := here.Append(t.Context(), batch(1))
	here.ok(err)
	again, err := there.Append(t.Context(), batch(1))
	there.ok(err)
	if !again.Replayed || again.First != first.First {
		t.Errorf("a repeat on another replica got %+v, the first answer was %+v", again, first)
	}
	if _, err := there.Append(t.Context(), batch(2)); !errors.Is(err, eventlog.ErrKeyReused) {
		t.Errorf("a key with another request: %v", err)
	}
	_, err = there.Start(t.Context(), "t-2", &eventlog.StartOptions{Agent: "a", ExternalID: "e", Unique: true})
	if _, ok := errors.AsType[*eventlog.RecordedError](err); !ok {
		t.Errorf("a run that is recorded already: %v", err)
	}

	here.ok(err2(here.here(s).Append(t.Context(), eventlog.Event{Type: eventlog.TypeQuestion, Data: json.RawMessage(`{"content":"?"}`)})))
	answer := eventlog.Event{Type: eventlog.TypeAnswer, Actor: eventlog.Human, Data: json.RawMessage(`{"for":3,"value":"yes"}`)}
	there.ok(err2(there.here(s).Append(t.Context(), answer)))
	if err := err2(here.here(s).Append(t.Context(), answer)); !errors.Is(err, eventlog.ErrAnswered) {
		t.Errorf("a second answer: %v", err)
	}
	there.complete(s)
	if err := err2(here.here(s).Append(t.Context(), says("late"))); !errors.Is(err, eventlog.ErrSealed) {
		t.Errorf("an append after the end: %v", err)
	}
	retry := here.start("t-1", nil)
	if retry.ID().String() <= s.ID().String() {
		t.Errorf("after %s came %s", s.ID(), retry.ID())
	}
	there.start("t-1", nil) // supersedes it
	here.ok(here.CatchUp(t.Context()))
	wantEqual(t, "reason", here.info(retry).Reason, "superseded")
}

func err2[T any](_ T, err error) error { return err }

// What one replica has acknowledged another one knows when it says that there is no such
// thing, or that something has ended.
func TestNothingIsDeniedThatWasCommitted(t *testing.T) {
	url := natstest.Start(t).URL
	here, there := newLog(t, url, nil), newLog(t, url, nil)
	for n := range 50 {
		task := fmt.Sprintf("t-%d", n)
		here.start(task, nil)
		if _, err := there.Task(t.Context(), task); err != nil {
			t.Fatalf("task %d is not there: %v", n, err)
		}
		s := here.start(task, &eventlog.StartOptions{Concurrent: true})
		wantEqual(t, "status", there.info(s).Status, eventlog.StatusOpen)
		here.append(s, "1", "2", "3")
		there.ok(there.Trim(t.Context(), task, s.ID(), 3))
		page, err := there.Read(t.Context(), task, s.ID(), 0)
		there.ok(err)
		wantEqual(t, "first event after a trim", page.First, 4)
		here.complete(s)
		if err := err2(there.here(s).Append(t.Context(), says("late"))); !errors.Is(err, eventlog.ErrSealed) {
			t.Errorf("an append after the end: %v", err)
		}
	}
}
