package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"jrweb/eventlog"
)

// inOrder reads all events of a task after a place, page by page, from a log or a watch.
func inOrder(ctx context.Context, from any, task string, after eventlog.Place) (places []eventlog.Place, gaps []eventlog.Gap, err error) {
	for more := true; more; {
		scan := func(v eventlog.Visit) (bool, error) { return from.(*eventlog.Watch).ScanAll(ctx, after, v) }
		if log, is := from.(*eventlog.Log); is {
			scan = func(v eventlog.Visit) (bool, error) { return log.ScanAll(ctx, task, after, v) }
		}
		more, err = scan(eventlog.Visit{
			Event: func(session eventlog.SessionID, e *eventlog.Event) bool {
				after = eventlog.PlaceOf(session, e)
				places = append(places, after)
				return true
			},
			Gap: func(g eventlog.Gap) bool {
				after, gaps = g.Place, append(gaps, g)
				return true
			},
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return places, gaps, nil
}

// inReverse is inOrder backwards.
func inReverse(ctx context.Context, log *eventlog.Log, task string, before eventlog.Place) (places []eventlog.Place, err error) {
	for more := true; more; {
		more, err = log.ScanAllBefore(ctx, task, before, eventlog.Visit{Event: func(session eventlog.SessionID, e *eventlog.Event) bool {
			before = eventlog.PlaceOf(session, e)
			places = append(places, before)
			return true
		}})
		if err != nil {
			return nil, err
		}
	}
	slices.Reverse(places)
	return places, nil
}

// sorted reads the events of each session, and sorts them.
func (f *fixture) sorted(task string) (places []eventlog.Place) {
	f.Helper()
	sessions, err := f.Sessions(f.Context(), task, eventlog.SessionID{}, 100_000)
	f.ok(err)
	for _, s := range sessions {
		for _, e := range f.events(f.Session(task, s.ID), s.First-1) {
			places = append(places, eventlog.PlaceOf(s.ID, &e))
		}
	}
	slices.SortFunc(places, eventlog.Place.Compare)
	return places
}

func wantPlaces(t reporter, what string, got, want []eventlog.Place) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	t.Errorf("%s: %d events, want %d; they differ from %d on: %v, want %v", what, len(got), len(want), i, got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
}

// wantOneOrder compares every way to read all sessions with the sorted events of each.
func (f *fixture) wantOneOrder(what, task string, random *rand.Rand) {
	f.Helper()
	want := f.sorted(task)
	got, _, err := inOrder(f.Context(), f.Log, task, eventlog.Place{})
	f.ok(err)
	wantPlaces(f, what, got, want)
	got, err = inReverse(f.Context(), f.Log, task, eventlog.Place{})
	f.ok(err)
	wantPlaces(f, what+", backwards", got, want)
	last, err := f.Last(f.Context(), task)
	f.ok(err)
	if len(want) > 0 && last != want[len(want)-1] {
		f.Errorf("%s: the last is %v, want %v", what, last, want[len(want)-1])
	}
	for range min(len(want), 6) {
		i := random.IntN(len(want))
		at, _, err := f.Place(f.Context(), task, want[i].Cursor)
		f.ok(err)
		if at != want[i] {
			f.Errorf("%s: the place of %v is %v, want %v", what, want[i].Cursor, at, want[i])
		}
		got, _, err := inOrder(f.Context(), f.Log, task, at)
		f.ok(err)
		wantPlaces(f, fmt.Sprintf("%s, after %v", what, at), got, want[i+1:])
		got, err = inReverse(f.Context(), f.Log, task, at)
		f.ok(err)
		wantPlaces(f, fmt.Sprintf("%s, before %v", what, at), got, want[:i])
	}
}

// Sessions start, are appended to, end, are trimmed and deleted at random, some of them in
// one commit with others.
func TestAllEventsOfATaskHaveOneOrder(t *testing.T) {
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := inMemory(t, &eventlog.Options{KeepOpen: true})
		var open []*eventlog.Session
		f.append(f.start("t-1"), many(1)...)
		var before []eventlog.Place
		for round := range 60 {
			lost := false
			switch n := random.IntN(20); {
			case n < 4:
				open = append(open, f.startBeside("t-1"))
			case n == 4: // it supersedes all others
				open = []*eventlog.Session{f.start("t-1")}
			case n < 7 && len(open) > 1:
				i := random.IntN(len(open))
				f.ok(open[i].Complete(t.Context(), eventlog.Failed, ""))
				open = slices.Delete(open, i, i+1)
			case n == 7 && len(open) > 0:
				s := open[random.IntN(len(open))]
				f.ok(f.Trim(t.Context(), "t-1", s.ID(), 1+random.Uint64N(f.info(s).Head+1)))
				lost = true
			case n == 8:
				sessions, err := f.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 1000)
				f.ok(err)
				if gone := sessions[random.IntN(len(sessions))].ID; len(sessions) > 3 {
					f.ok(f.DeleteSession(t.Context(), "t-1", gone))
					open = slices.DeleteFunc(open, func(s *eventlog.Session) bool { return s.ID() == gone })
					lost = true
				}
			default: // most of these share commits
				var writers sync.WaitGroup
				for _, s := range open {
					n := random.IntN(4)
					writers.Go(func() {
						for range n {
							if _, err := s.Append(t.Context(), many(1+n)...); err != nil {
								t.Error(err)
							}
						}
					})
				}
				if random.IntN(2) == 0 {
					var s *eventlog.Session
					writers.Go(func() {
						var err error
						if s, err = f.Start(t.Context(), "t-1", &eventlog.StartOptions{Concurrent: true}); err != nil {
							t.Error(err)
						}
					})
					writers.Wait()
					open = append(open, s)
				}
				writers.Wait()
			}
			if random.IntN(20) == 0 {
				f.reopen()
				for i, s := range open {
					open[i] = f.Session("t-1", s.ID())
				}
			}
			what := fmt.Sprintf("seed %d, round %d", seed, round)
			f.wantOneOrder(what, "t-1", random)
			now := f.sorted("t-1")
			if !lost && !slices.Equal(now[:min(len(before), len(now))], before) {
				t.Errorf("%s: the order has grown elsewhere than at its end", what)
			}
			before = now
			if t.Failed() {
				return
			}
		}
	}
}

// What a session lost at its front is told where the lost events stood, and what other
// sessions did beside them comes anyway.
func TestAGapStandsInTheOrder(t *testing.T) {
	f := inMemory(t, nil)
	a, b := f.startBeside("t-1"), f.startBeside("t-1")
	for range 4 { // a:1 b:1 a:2 b:2 …
		f.append(a, many(1)...)
		f.append(b, many(1)...)
	}
	before := f.sorted("t-1")
	f.ok(f.Trim(t.Context(), "t-1", a.ID(), 3))
	places, gaps, err := inOrder(t.Context(), f.Log, "t-1", eventlog.Place{})
	f.ok(err)
	wantPlaces(t, "what is left", places, []eventlog.Place{before[1], before[3], before[5], before[6], before[7]})
	wantSlice(t, "gaps", gaps, []eventlog.Gap{{Session: a.ID(), Next: 4, Place: before[4]}})

	// A cursor whose event is no longer kept stands for the start of its session.
	place, _, err := f.Place(t.Context(), "t-1", eventlog.Cursor{Session: a.ID(), Sequence: 2})
	f.ok(err)
	places, gaps, err = inOrder(t.Context(), f.Log, "t-1", place)
	f.ok(err)
	wantPlaces(t, "after an event that is gone", places, []eventlog.Place{before[1], before[3], before[5], before[6], before[7]})
	wantSlice(t, "gaps after it", gaps, []eventlog.Gap{{Session: a.ID(), After: 2, Next: 4, Begun: true, Place: before[4]}})

	// The last one that is gone has a place, so a cursor there misses nothing of b.
	place, _, err = f.Place(t.Context(), "t-1", before[4].Cursor)
	f.ok(err)
	wantEqual(t, "place of the last one that is gone", place, before[4])

	// Who is in the middle of b hears of what a has lost since.
	places, gaps, err = inOrder(t.Context(), f.Log, "t-1", before[1])
	f.ok(err)
	wantPlaces(t, "after b:1", places, []eventlog.Place{before[3], before[5], before[6], before[7]})
	wantSlice(t, "gaps after b:1", gaps, []eventlog.Gap{{Session: a.ID(), Next: 4, Begun: true, Place: before[4]}})
}
