package streamer_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
)

func TestAllSessionsComeInOrderAndGoOnWithTheNext(t *testing.T) {
	log := newLog(t)
	first := start(t, log)
	put(t, first, 3)
	seal(t, first)
	second := start(t, log)
	put(t, second, 2)
	server := serve(t, log, wakeUps)
	r := server.open(t, "sessions=all")
	r.wantEvents(at(first, 0), 4)
	r.wantEvents(at(first, 4), 2)
	put(t, second, 1)
	r.wantEvents(at(second, 2), 1)
	third := start(t, log) // supersedes the second
	if f := r.wantEvents(at(second, 3), 1); f.data != `{"status":"interrupted","reason":"superseded"}` {
		t.Errorf("the end of the second session: %s", f.data)
	}
	put(t, third, 1)
	r.wantEvents(at(second, 4), 1)
	seal(t, third)
	r.wantEvents(at(third, 1), 1)
	fourth := start(t, log)
	seal(t, fourth)
	r.wantEvents(at(third, 2), 1)

	// A cursor at a complete continues with the next session. At the last session it waits.
	at1 := server.resume(t, "sessions=all", at(first, 4))
	at1.wantEvents(at(first, 4), 4)
	at4 := server.resume(t, "sessions=all", at(fourth, 1))
	fifth := start(t, log)
	put(t, fifth, 1)
	for _, r := range []*reader{r, at4} {
		r.wantEvents(at(fourth, 1), 1)
	}
}

func TestAllSessionsAcrossManyRetriesWhileTheyStart(t *testing.T) {
	log := newLog(t)
	server := serve(t, log, wakeUps)
	first := start(t, log)
	var writer sync.WaitGroup
	const sessions = 200
	writer.Go(func() {
		s := first
		for range sessions - 1 {
			put(t, s, 3)
			s = start(t, log)
		}
		seal(t, s)
	})
	r := server.open(t, "sessions=all")
	r.wantEvents(at(first, 0), (sessions-1)*4+1)
	writer.Wait()
}

func TestConcurrentSessionsComeAsTheyCommit(t *testing.T) {
	log := newLog(t)
	first := start(t, log)
	put(t, first, 1)
	second, err := log.Start(t.Context(), task, &eventlog.StartOptions{Concurrent: true})
	if err != nil {
		t.Fatal(err)
	}
	put(t, second, 2)
	put(t, first, 1)
	server := serve(t, log, wakeUps)
	r := server.open(t, "sessions=all&control=true")
	replayed := func(r *reader) {
		r.wantEvents(at(second, 0), 2)
		r.wantEvents(at(first, 1), 1)
	}
	r.wantEvents(at(first, 0), 1)
	replayed(r)
	r.want(caughtUp(first.ID().String(), 2))
	put(t, second, 1)
	r.wantEvents(at(second, 2), 1)
	seal(t, first)
	r.wantEvents(at(first, 2), 1)
	put(t, second, 1)
	r.wantEvents(at(second, 3), 1)

	// A cursor in either session continues with what committed after it in both.
	replayed(server.resume(t, "sessions=all", at(first, 1)))
	later := server.resume(t, "sessions=all", at(first, 2))
	later.wantEvents(at(second, 2), 1)
	later.wantEvents(at(first, 2), 1)
	later.wantEvents(at(second, 3), 1)
	server.resume(t, "sessions=all", at(second, 3)).wantEvents(at(first, 2), 1)
	server.resume(t, "sessions=all", at(first, 3)).wantEvents(at(second, 3), 1)
}

func TestCaughtUpStandsWhereReplayMeetsLive(t *testing.T) {
	t.Run("no session yet", func(t *testing.T) {
		log := newLog(t)
		if _, _, err := log.PutTask(t.Context(), task, eventlog.TaskChange{}); err != nil {
			t.Fatal(err)
		}
		server := serve(t, log, wakeUps)
		latest, all := server.open(t, "control=true"), server.open(t, "control=true&sessions=all")
		latest.want(caughtUp("", 0))
		all.want(caughtUp("", 0))
		s := start(t, log)
		seal(t, s)
		latest.wantEvents(at(s, 0), 1)
		latest.wantEnd()
		all.wantEvents(at(s, 0), 1)
	})
	t.Run("empty session", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		r := serve(t, log, wakeUps).open(t, "control=true")
		r.want(caughtUp(s.ID().String(), 0))
		put(t, s, 1)
		r.wantEvents(at(s, 0), 1)
	})
	t.Run("open session", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		put(t, s, 3)
		server := serve(t, log, wakeUps)
		for cursor := range uint64(4) {
			r := server.resume(t, "control=true", at(s, cursor))
			r.wantEvents(at(s, cursor), 3-int(cursor))
			r.want(caughtUp(s.ID().String(), 3))
		}
		r := server.open(t, "control=false")
		r.wantEvents(at(s, 0), 3)
		seal(t, s)
		r.wantEvents(at(s, 3), 1)
		r.wantEnd()
	})
	t.Run("sealed session", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		put(t, s, 3)
		seal(t, s)
		server := serve(t, log, wakeUps)
		r := server.open(t, "control=true")
		r.wantEvents(at(s, 0), 4)
		r.want(caughtUp(s.ID().String(), 4))
		r.wantEnd()
		all := server.open(t, "control=true&sessions=all")
		all.wantEvents(at(s, 0), 4)
		all.want(caughtUp(s.ID().String(), 4))
		again := server.resume(t, "control=true&sessions=all", at(s, 4))
		again.want(caughtUp(s.ID().String(), 4))
	})
	t.Run("all sessions, the latest empty", func(t *testing.T) {
		log := newLog(t)
		first := start(t, log)
		put(t, first, 1)
		second := start(t, log)
		r := serve(t, log, wakeUps).open(t, "control=true&sessions=all")
		r.wantEvents(at(first, 0), 2)
		r.want(caughtUp(first.ID().String(), 2))
		put(t, second, 1)
		r.wantEvents(at(first, 2), 1)
	})
	t.Run("the last event is of a hidden type", func(t *testing.T) {
		log := newLog(t)
		s := start(t, log)
		put(t, s, 3)
		server := serve(t, log, wakeUps)
		for _, query := range []string{"", "&sessions=all"} {
			r := server.open(t, "control=true&types=thought"+query)
			r.want(caughtUp(s.ID().String(), 3))
		}
	})
	t.Run("an older session", func(t *testing.T) {
		w := newWorld(t)
		r := serve(t, w.log, nil).resume(t, "control=true", at(w.older, 1))
		r.wantEvents(at(w.older, 1), 3)
		r.want(caughtUp(w.older.ID().String(), 4))
		r.wantEnd()
	})
}

// TestCaughtUpComesOnceWhileAppendsRace checks that caught_up comes after every event that
// existed when the response began, and before every later one.
func TestCaughtUpComesOnceWhileAppendsRace(t *testing.T) {
	log := newLog(t)
	server := serve(t, log, wakeUps)
	for round := range 100 {
		s := start(t, log)
		put(t, s, 5)
		var writer sync.WaitGroup
		writer.Go(func() {
			for range 5 {
				put(t, s, 1)
			}
			seal(t, s)
		})
		query := "control=true&session=" + s.ID().String()
		r := server.open(t, query)
		w := follower{eventlog.Cursor{Session: s.ID()}}
		marks := 0
		for w.at.Sequence < 11 || marks == 0 {
			f := r.next()
			if f.isEvent() {
				if err := w.take(f); err != nil {
					t.Fatal(err)
				}
				continue
			}
			marks++
			if want := caughtUp(s.ID().String(), w.at.Sequence); f.raw != want || w.at.Sequence < 5 {
				t.Fatalf("round %d: %q after event %d", round, f.raw, w.at.Sequence)
			}
		}
		if marks != 1 {
			t.Fatalf("round %d: caught_up came %d times", round, marks)
		}
		r.wantEnd()
		r.close()
		writer.Wait()
	}
}

// The events are about as large as a page, and follow the first frames of a stream.
func TestAnEventAsLargeAsAPageIsNotMistakenForTheEnd(t *testing.T) {
	for size := 64<<10 - 600; size <= 64<<10+100; size += 7 {
		synctest.Test(t, func(t *testing.T) {
			log := newLog(t)
			s := start(t, log)
			for range 2 {
				if _, err := s.Append(t.Context(), big(size)); err != nil {
					t.Fatal(err)
				}
			}
			r := servePipe(t, log, wakeUps, nil).open(t, "control=true&last_event_id=unknown")
			if f := r.next(); f.event != "reset" {
				t.Errorf("events of %d bytes: %.80q", size, f.raw)
			}
			r.wantEvents(at(s, 0), 2)
			r.want(caughtUp(s.ID().String(), 2))
		})
	}
}
