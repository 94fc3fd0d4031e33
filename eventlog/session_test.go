package eventlog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

func TestANewSessionSupersedesTheOpenOnes(t *testing.T) {
	f := inMemory(t, nil)
	first := f.start("t-1")
	beside := f.startBeside("t-1")
	f.append(first, says("work"))
	wantEqual(t, "status beside a concurrent session", f.info(first).Status, eventlog.StatusOpen)

	third := f.start("t-1")
	for _, s := range []*eventlog.Session{first, beside} {
		info := f.info(s)
		wantEqual(t, "status", info.Status, eventlog.Interrupted)
		wantEqual(t, "reason", info.Reason, "superseded")
		events := f.events(s, 0)
		last := events[len(events)-1]
		wantEqual(t, "last type", last.Type, eventlog.TypeComplete)
		wantEqual(t, "last actor", last.Actor, eventlog.System)
		wantEqual(t, "last data", string(last.Data), `{"status":"interrupted","reason":"superseded"}`)
	}
	wantEqual(t, "status of the new one", f.info(third).Status, eventlog.StatusOpen)
	task := f.task("t-1")
	wantEqual(t, "sessions", task.Sessions, 3)
	wantEqual(t, "latest", task.Latest, third.ID())
	wantEqual(t, "events of the task", task.Totals.Events, 3)
	wantEqual(t, "open sessions", f.Stats().OpenSessions, 1)
}

func TestATasksStatusIsItsLatestSessions(t *testing.T) {
	f := inMemory(t, nil)
	_, created, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{})
	f.ok(err)
	wantEqual(t, "created", created, true)
	wantEqual(t, "before the first session", f.task("t-1").Status, eventlog.StatusNone)
	first := f.start("t-1")
	second := f.startBeside("t-1")
	wantEqual(t, "while open", f.task("t-1").Status, eventlog.StatusOpen)
	f.ok(second.Complete(t.Context(), eventlog.Failed, "no"))
	wantEqual(t, "after its end, with an older one open", f.task("t-1").Status, eventlog.Failed)
	f.ok(first.Complete(t.Context(), eventlog.Succeeded, ""))
	wantEqual(t, "after the older one's end", f.task("t-1").Status, eventlog.Failed)
	f.ok(f.DeleteSession(t.Context(), "t-1", second.ID()))
	wantEqual(t, "after its deletion", f.task("t-1").Status, eventlog.Succeeded)
	f.ok(f.DeleteSession(t.Context(), "t-1", first.ID()))
	wantEqual(t, "after all deletions", f.task("t-1").Status, eventlog.StatusNone)
}

func TestASealedSessionIsSealedForGood(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	f.ok(s.Complete(t.Context(), eventlog.Canceled, "by hand"))
	wantErr(t, "second end", s.Complete(t.Context(), eventlog.Succeeded, ""), eventlog.ErrSealed)
	wantErr(t, "heartbeat", s.Heartbeat(t.Context()), eventlog.ErrSealed)
	_, err := s.Append(t.Context(), says("late"))
	wantErr(t, "append", err, eventlog.ErrSealed)
	info := f.info(s)
	wantEqual(t, "status", info.Status, eventlog.Canceled)
	wantEqual(t, "reason", info.Reason, "by hand")
	wantEqual(t, "head", info.Head, 1)
	wantEqual(t, "has ended", info.Ended.IsZero(), false)
}

func TestReopeningInterruptsWhatAProcessLeftOpen(t *testing.T) {
	f := inMemory(t, nil)
	open, beside, sealed := f.start("t-1"), f.startBeside("t-1"), f.start("t-2")
	f.append(sealed, says("done"), complete())
	f.append(open, says("work"))
	f.reopen()
	for _, s := range []*eventlog.Session{open, beside} {
		info := f.info(s)
		wantEqual(t, "status", info.Status, eventlog.Interrupted)
		wantEqual(t, "reason", info.Reason, "process ended")
	}
	wantEqual(t, "head of the one with an event", f.info(open).Head, 2)
	wantEqual(t, "status of the sealed one", f.info(sealed).Status, eventlog.Succeeded)
	wantEqual(t, "open sessions", f.Stats().OpenSessions, 0)
	wantEqual(t, "status of the task", f.task("t-1").Status, eventlog.Interrupted)
}

func TestKeepOpenLeavesSessionsOpen(t *testing.T) {
	f := inMemory(t, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	f.append(s, says("1"))
	f.reopen()
	wantEqual(t, "status", f.info(s).Status, eventlog.StatusOpen)
	wantEqual(t, "open sessions", f.Stats().OpenSessions, 1)
	f.append(s, says("2"))
	wantSlice(t, "contents", f.contents(s), []string{"1", "2"})
}

func TestRacingFirstAppendsShareOneSession(t *testing.T) {
	f := inMemory(t, nil)
	const writers = 16
	answers := make([]eventlog.Appended, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			var err error
			answers[i], err = f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says(fmt.Sprint(i))}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var sequences []uint64
	for _, a := range answers {
		wantEqual(t, "session", a.Session, answers[0].Session)
		sequences = append(sequences, a.First)
	}
	slices.Sort(sequences)
	for i, n := range sequences {
		wantEqual(t, "sequence", n, uint64(i+1))
	}
	wantEqual(t, "sessions", f.task("t-1").Sessions, 1)
}

func TestAppendToTheLatestSession(t *testing.T) {
	f := inMemory(t, nil)
	noStart := func(task string) error {
		_, err := f.Append(t.Context(), &eventlog.Batch{Task: task, NoStart: true, Events: []eventlog.Event{says("x")}})
		return err
	}
	wantErr(t, "NoStart without a task", noStart("t-1"), eventlog.ErrTaskNotFound)
	_, _, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{})
	f.ok(err)
	wantErr(t, "NoStart without a session", noStart("t-1"), eventlog.ErrSealed)

	first := f.appendTo("t-1", says("1"))
	second := f.appendTo("t-1", says("2"), complete())
	wantEqual(t, "session while open", second.Session, first.Session)
	wantEqual(t, "first", second.First, 2)
	wantEqual(t, "last", second.Last, 3)
	wantEqual(t, "sealed", second.Sealed.Status, eventlog.Succeeded)
	wantErr(t, "NoStart with a sealed session", noStart("t-1"), eventlog.ErrSealed)

	third := f.appendTo("t-1", says("3"))
	if third.Session == first.Session {
		t.Error("an append to a task whose latest session is sealed did not start one")
	}
	f.ok(noStart("t-1"))
}

func TestAppendsToWhatIsNotThere(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	f.start("t-2")
	for _, c := range []struct {
		name string
		s    *eventlog.Session
		want error
	}{
		{"no such task", f.Session("t-3", s.ID()), eventlog.ErrTaskNotFound},
		{"a session of another task", f.Session("t-2", s.ID()), eventlog.ErrSessionNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.s.Append(t.Context(), says("x"))
			wantErr(t, "append", err, c.want)
		})
	}
	_, err := f.Read(t.Context(), "t-2", s.ID(), 0)
	wantErr(t, "read of a session of another task", err, eventlog.ErrSessionNotFound)
}

func TestWhatIsWrongWithAStart(t *testing.T) {
	f := inMemory(t, nil)
	for field, o := range map[string]*eventlog.StartOptions{
		"agent":           {Agent: strings.Repeat("a", 1025)},
		"model":           {Model: "\xff"},
		"external_id":     {ExternalID: strings.Repeat("a", 1025)},
		"lease_seconds":   {Lease: -1},
		"Idempotency-Key": {Key: eventlog.Key{ID: "\n"}},
	} {
		_, err := f.Start(t.Context(), "t-1", o)
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got error %v", field, err)
		}
	}
	s, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", Model: "m", ExternalID: "x", Lease: time.Minute})
	f.ok(err)
	info := f.info(s)
	wantEqual(t, "agent, model, external id", info.Agent+info.Model+info.ExternalID, "amx")
	wantEqual(t, "lease", info.Lease, time.Minute)
}

func TestSessionIDsAreUniqueAndGrow(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f := inMemory(t, &eventlog.Options{Now: func() time.Time { return now }})
	last := ""
	for i, step := range []time.Duration{0, 0, 1, time.Millisecond, -time.Hour, 0, -100 * 365 * 24 * time.Hour, 100 * 365 * 24 * time.Hour, 2 * time.Hour} {
		now = now.Add(step)
		if i%3 == 2 {
			f.reopen()
		}
		id := f.start("t-1").ID()
		if id.String() <= last {
			t.Errorf("start %d: %s is not greater than %s", i, id, last)
		}
		parsed, err := eventlog.ParseSessionID(id.String())
		if err != nil || parsed != id {
			t.Errorf("%s reads as %v, %v", id, parsed, err)
		}
		last = id.String()
	}
}

func TestSessionsArePagedNewestFirst(t *testing.T) {
	f := inMemory(t, nil)
	var all []eventlog.SessionID
	for range 5 {
		all = append(all, f.start("t-1").ID())
		f.start("t-10") // its name begins like the other's
	}
	newestFirst := slices.Clone(all)
	slices.Reverse(newestFirst)

	var before eventlog.SessionID
	var paged []eventlog.SessionID
	for {
		page, err := f.Sessions(t.Context(), "t-1", before, 2)
		f.ok(err)
		if len(page) == 0 {
			break
		}
		for _, info := range page {
			paged = append(paged, info.ID)
		}
		before = paged[len(paged)-1]
	}
	wantSlice(t, "Sessions", paged, newestFirst)

	var after eventlog.SessionID
	var inOrder []eventlog.SessionID
	for {
		info, ok, err := f.SessionAfter(t.Context(), "t-1", after)
		f.ok(err)
		if !ok {
			break
		}
		inOrder = append(inOrder, info.ID)
		after = info.ID
	}
	wantSlice(t, "SessionAfter", inOrder, all)

	_, err := f.Sessions(t.Context(), "t-2", eventlog.SessionID{}, 1)
	wantErr(t, "Sessions of no task", err, eventlog.ErrTaskNotFound)
	_, _, err = f.SessionAfter(t.Context(), "t-2", eventlog.SessionID{})
	wantErr(t, "SessionAfter in no task", err, eventlog.ErrTaskNotFound)
}

func TestReadsArePagedAndMissNothing(t *testing.T) {
	f := inMemory(t, nil)
	s := f.start("t-1")
	events := make([]eventlog.Event, 2500)
	for i := range events {
		events[i] = says(fmt.Sprint(i + 1))
	}
	events[1200] = says(strings.Repeat("x", 1<<20)) // a page ends early after it
	f.append(s, events...)
	page, err := f.Read(t.Context(), "t-1", s.ID(), 0)
	f.ok(err)
	wantEqual(t, "events on the first page", len(page.Events), 1000)
	page, err = f.Read(t.Context(), "t-1", s.ID(), 1000)
	f.ok(err)
	wantEqual(t, "events on the page with the large one", len(page.Events), 201)
	for _, after := range []uint64{0, 1, 1199, 1200, 1201, 2499, 2500} {
		wantEqual(t, "events read after", uint64(len(f.events(s, after))), 2500-after)
	}
	for _, after := range []uint64{2500, 2501, 1<<64 - 1} {
		page, err := f.Read(t.Context(), "t-1", s.ID(), after)
		f.ok(err)
		wantEqual(t, "events beyond the head", len(page.Events), 0)
		wantEqual(t, "head", page.Head, 2500)
		wantEqual(t, "gap", page.Gap(after), false)
	}
}

func TestAnEventsLoopHoldsNoTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var views atomic.Int64 // that are open
		db := &spy{Store: eventlogtest.NewStore()}
		db.view = func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error {
			views.Add(1)
			defer views.Add(-1)
			return next(ctx, fn)
		}
		f := on(t, db, nil)
		s := f.start("t-1")
		f.append(s, says("1"), says("2"), says("3"))
		synctest.Wait() // the purger has looked for trash
		for e, err := range s.Events(t.Context(), 0) {
			f.ok(err)
			wantEqual(t, "open views", views.Load(), 0)
			f.append(s, says("more"))
			if e.Sequence == 2 {
				break
			}
		}
		wantEqual(t, "head", f.info(s).Head, 5)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range s.Events(ctx, 0) {
			wantErr(t, "with a context that has ended", err, context.Canceled)
		}
	})
}
