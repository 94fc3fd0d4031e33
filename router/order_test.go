package router_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// agents are sessions of one task that run beside each other. Each one appends, ends, and
// starts again.
type agents struct {
	*server
	running sync.WaitGroup
	random  atomic.Uint64
	newest  atomic.Pointer[string] // a cursor
}

func (a *agents) rand() *rand.Rand { return rand.New(rand.NewPCG(a.random.Add(1), 7)) }

// work runs as many agents, each of which makes as many appends.
func (a *agents) work(agents, appends int) {
	for range agents {
		random := a.rand()
		a.running.Go(func() {
			var s *eventlog.Session
			for range appends {
				if s == nil {
					var err error
					if s, err = a.log.Start(a.Context(), "t-1", &eventlog.StartOptions{Concurrent: true}); err != nil {
						a.Error(err)
						return
					}
				}
				events := make([]eventlog.Event, 1+random.IntN(3))
				for i := range events {
					events[i] = eventlog.Event{Type: []string{"assistant", "thought"}[random.IntN(2)], Data: []byte(`{"content":"x"}`)}
				}
				ends := random.IntN(12) == 0
				if ends {
					events = append(events, eventlog.Event{Type: "complete", Data: []byte(`{}`)})
				}
				last, err := s.Append(a.Context(), events...)
				if err != nil {
					a.Error(err)
					return
				}
				cursor := eventlog.Cursor{Session: s.ID(), Sequence: last}.String()
				a.newest.Store(&cursor)
				if ends {
					s = nil
				}
			}
		})
	}
}

// takeTurns makes two agents append in turns, so that some sessions run beside each other
// however the others are scheduled.
func (a *agents) takeTurns() {
	a.Helper()
	var sessions [2]*eventlog.Session
	for i := range sessions {
		var err error
		sessions[i], err = a.log.Start(a.Context(), "t-1", &eventlog.StartOptions{Concurrent: true})
		a.ok(err)
	}
	for _, kind := range []string{"assistant", "complete"} {
		for _, s := range sessions {
			_, err := s.Append(a.Context(), eventlog.Event{Type: kind, Data: []byte(`{"content":"x"}`)})
			a.ok(err)
		}
	}
}

// follow reads the stream of all sessions until an event of type last comes, and returns
// the cursors. The connection is cut now and then, and resumed after the last event.
func (a *agents) follow(query string, cuts *rand.Rand) (cursors []string) {
	for after := ""; ; after = cursors[len(cursors)-1] {
		ctx, cut := context.WithCancel(a.Context())
		ended, err := a.read(ctx, query, after, func(id string) bool {
			cursors = append(cursors, id)
			return cuts.IntN(40) > 0
		})
		cut()
		switch {
		case err != nil:
			a.Error(err)
			return nil
		case ended:
			return cursors
		}
	}
}

// read reads one connection. more is called for each event, and ends it by returning false.
func (a *agents) read(ctx context.Context, query, after string, more func(id string) bool) (ended bool, err error) {
	r, err := http.NewRequestWithContext(ctx, "GET", a.http.URL+"/tasks/t-1/events/stream?sessions=all&"+query, nil)
	if err != nil {
		return false, err
	}
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	res, err := a.client.Do(r)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	id := ""
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "id":
			id = value
		case name == "event" && value == "last":
			more(id)
			return true, nil
		case name == "event" && (value == "reset" || value == "gap"):
			return false, fmt.Errorf("%s after %s", value, after)
		case name == "event":
			if !more(id) {
				return false, nil
			}
		}
	}
	return false, errors.Join(lines.Err(), io.ErrUnexpectedEOF)
}

// inOrder are the cursors of all events in their order.
func (a *agents) inOrder() (cursors []string, bySession []string) {
	a.Helper()
	sessions, err := a.log.Sessions(a.Context(), "t-1", eventlog.SessionID{}, 10_000)
	a.ok(err)
	slices.Reverse(sessions)
	var places []eventlog.Place
	for _, s := range sessions {
		for e, err := range a.log.Session("t-1", s.ID).Events(a.Context(), 0) {
			a.ok(err)
			places = append(places, eventlog.PlaceOf(s.ID, &e))
			bySession = append(bySession, places[len(places)-1].String())
		}
	}
	slices.SortFunc(places, eventlog.Place.Compare)
	for _, p := range places {
		cursors = append(cursors, p.String())
	}
	return cursors, bySession
}

func wantCursors(t *testing.T, what string, got, want []string) {
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

// Agents work beside each other while readers join, resume and page. All of them see the
// same events, in the same order.
func TestEveryReaderSeesTheSameOrderOfConcurrentSessions(t *testing.T) {
	a := &agents{server: serve(t)}
	a.start("t-1")
	var readers sync.WaitGroup
	type seen struct {
		what    string
		cursors []string
	}
	var mu sync.Mutex
	var all []seen
	read := func(what string, cursors func() []string) {
		readers.Go(func() {
			got := cursors()
			mu.Lock()
			defer mu.Unlock()
			all = append(all, seen{what, got})
		})
	}
	a.takeTurns()
	for round := range 4 {
		random, paging := a.rand(), a.rand()
		read(fmt.Sprint("a stream that joined in round ", round), func() []string { return a.follow("", random) })
		read(fmt.Sprint("pages from round ", round), func() []string { return a.page(paging) })
		if after := a.newest.Load(); after != nil {
			read(fmt.Sprintf("a stream after %s", *after), func() []string {
				var cursors []string
				_, err := a.read(t.Context(), "", *after, func(id string) bool { cursors = append(cursors, id); return true })
				if err != nil {
					t.Error(err)
				}
				return append([]string{*after}, cursors...)
			})
		}
		a.work(4, 40)
		a.running.Wait()
	}
	filtered := a.rand()
	read("a stream of thoughts", func() []string { return a.follow("types=thought,last", filtered) })
	s := a.log.Session("t-1", a.latest())
	_, err := s.Append(t.Context(), eventlog.Event{Type: "last", Data: []byte(`{}`)})
	a.ok(err)
	readers.Wait()

	want, bySession := a.inOrder()
	if slices.Equal(want, bySession) { // the control: one session after the other is another order
		t.Error("the sessions followed each other")
	}
	for _, one := range all {
		expected := want
		if after, _ := strings.CutPrefix(one.what, "a stream after "); after != one.what {
			expected = want[slices.Index(want, after):]
		}
		if one.what == "a stream of thoughts" {
			expected = a.history("&types=thought,last&limit=10000")
		}
		wantCursors(t, one.what, one.cursors, expected)
	}
	wantCursors(t, "history", a.history("&limit=10000"), want)
	wantCursors(t, "the newest", a.history("&last=10000"), want)
	wantCursors(t, "the newest 100", a.history("&last=100"), want[len(want)-100:])
	wantCursors(t, "the export", a.export(), want)
	wantCursors(t, "the page, backwards", a.parts("?sessions=all"), want)
	wantCursors(t, "the page, forwards", a.parts("?sessions=all&after="+want[0]), want[1:])
	found := a.get("/tasks/t-1/search?q=x&sessions=all").is(200)
	var hits struct {
		Hits    []string
		Changes []uint64
	}
	found.decode(&hits)
	wantCursors(t, "the hits", hits.Hits, slices.DeleteFunc(slices.Clone(a.history("&types=assistant,thought&limit=10000")), func(cursor string) bool { return !slices.Contains(hits.Hits, cursor) }))
	if !slices.IsSorted(hits.Changes) || len(hits.Changes) != len(hits.Hits) {
		t.Errorf("%d hits are of %d changes", len(hits.Hits), len(hits.Changes))
	}
	for range 20 {
		i := a.rand().IntN(len(want))
		wantCursors(t, "history after "+want[i], a.history("&limit=10000&after="+want[i]), want[i+1:])
	}
}

// latest is the session that started last and is open.
func (a *agents) latest() eventlog.SessionID {
	a.Helper()
	s, err := a.log.Start(a.Context(), "t-1", &eventlog.StartOptions{Concurrent: true})
	a.ok(err)
	return s.ID()
}

func (a *agents) history(query string) (cursors []string) {
	a.Helper()
	for _, e := range a.events("/tasks/t-1/events?sessions=all" + query).Events {
		cursors = append(cursors, e.ID)
	}
	return cursors
}

// page reads pages of any size until the last event.
func (a *agents) page(random *rand.Rand) (cursors []string) {
	watch := a.log.Watch("t-1")
	defer watch.Close()
	after := ""
	for {
		changed := watch.Changed()
		page := a.events(fmt.Sprintf("/tasks/t-1/events?sessions=all&limit=%d&after=%s", 1+random.IntN(30), url.QueryEscape(after)))
		after = page.Next
		for _, e := range page.Events {
			if cursors = append(cursors, e.ID); e.Type == "last" {
				return cursors
			}
		}
		if len(page.Events) == 0 {
			<-changed
		}
	}
}

func (a *agents) export() (cursors []string) {
	a.Helper()
	c, err := client.New(a.http.URL, nil)
	a.ok(err)
	for e, err := range c.Events(a.Context(), "t-1", eventlog.SessionID{}) {
		a.ok(err)
		cursors = append(cursors, e.ID)
	}
	return cursors
}

// parts reads the parts of the page, in the direction in which the first one leads.
func (a *agents) parts(query string) (cursors []string) {
	a.Helper()
	forwards := strings.Contains(query, "after=")
	for query != "" {
		p := a.part(query)
		if forwards {
			cursors, query = append(cursors, p.rows...), p.newer
		} else {
			cursors, query = append(slices.Clone(p.rows), cursors...), p.older
		}
	}
	return cursors
}
