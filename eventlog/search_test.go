package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/find"
	"jrweb/eventlog/store"
)

// search goes through a log from a place on, and returns the hits and how many parts it took.
func (f *fixture) search(query string, o eventlog.SearchOptions) (hits []eventlog.Hit) {
	f.Helper()
	q, err := find.Parse(query, time.Now())
	f.ok(err)
	s := f.NewSearch(q, o)
	for {
		part, err := s.Next(f.Context())
		f.ok(err)
		hits = append(hits, part.Hits...)
		if part.Done {
			return hits
		}
	}
}

func cursorsOf(hits []eventlog.Hit) (cursors []string) {
	for _, h := range hits {
		cursors = append(cursors, fmt.Sprintf("%s/%s", h.Session.Task, h.Place.Cursor))
	}
	return cursors
}

func ended(at time.Time) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeComplete, Data: []byte(`{"status":"succeeded"}`), Time: at}
}

// First the sessions that are open, then those that have ended last, whatever the order in
// which they were recorded; in each the newest events.
func TestASearchFindsTheNewestFirst(t *testing.T) {
	f := onDisk(t, &eventlog.Options{KeepOpen: true})
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	for _, n := range []int{20, 22, 21} {
		f.appendTo(fmt.Sprintf("t-%d", n), says("needle one"), says("hay"), says("needle two"), ended(day(n)))
	}
	f.appendTo("t-open", says("a needle"))
	var got []string
	for _, hit := range f.search("needle", eventlog.SearchOptions{}) {
		got = append(got, fmt.Sprintf("%s:%d", hit.Session.Task, hit.Sequence))
	}
	want := []string{"t-open:1", "t-22:3", "t-22:1", "t-21:3", "t-21:1", "t-20:3", "t-20:1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAHitSaysWhereItIs(t *testing.T) {
	f := onDisk(t, nil)
	title := "A task"
	_, _, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: &title})
	f.ok(err)
	s, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "Codex"})
	f.ok(err)
	f.append(s, says("the quick fox"))
	hits := f.search("QUICK agent:codex", eventlog.SearchOptions{})
	if len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	h := hits[0]
	if h.Title != title || h.Session.ID != s.ID() || h.Session.Agent != "Codex" || h.Sequence != 1 || h.Type != eventlog.TypeAssistant ||
		!slices.Equal(h.Line, []string{"the ", "quick", " fox"}) || string(h.Data) != `{"content":"the quick fox"}` {
		t.Errorf("got %+v", h)
	}
}

func TestASearchOfATaskOrAProjectLooksNowhereElse(t *testing.T) {
	f := onDisk(t, nil)
	for i, project := range []string{"oak", "elm", "oak"} {
		id := fmt.Sprintf("t-%d", i)
		_, _, err := f.PutTask(t.Context(), id, eventlog.TaskChange{Project: &project})
		f.ok(err)
		f.appendTo(id, says("needle"))
	}
	tasks := func(query string, sees func(string) bool) string {
		var ids []string
		for _, h := range f.search(query, eventlog.SearchOptions{Sees: sees}) {
			ids = append(ids, h.Session.Task)
		}
		slices.Sort(ids)
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"needle": "t-0 t-1 t-2", "needle project:OAK": "t-0 t-2", "task:t-1 needle": "t-1", "task:t-1 task:t-0": "t-0 t-1", "task:t-9": "",
		"type:assistant project:elm": "t-1", "type:error": "",
	} {
		if got := tasks(query, nil); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := tasks("needle", func(id string) bool { return id != "t-1" }); got != "t-0 t-2" {
		t.Errorf("who does not see t-1 finds %q", got)
	}
}

func TestAPlaceInASearchIsText(t *testing.T) {
	f := onDisk(t, &eventlog.Options{KeepOpen: true})
	f.appendTo("t-1", says("needle"), ended(time.UnixMilli(-5)))
	f.appendTo("t-2", says("needle"))
	for _, h := range f.search("needle", eventlog.SearchOptions{}) {
		if p, err := eventlog.ParseSearchPlace(h.Place.String()); err != nil || p != h.Place {
			t.Errorf("%s is read as %s, %v", h.Place, p, err)
		}
	}
	for _, bad := range []string{"x", "1", "1:open", "0:open:" + eventlog.Cursor{}.String(), "1:+5:" + eventlog.Cursor{}.String(), "01:open:" + eventlog.Cursor{}.String(), "1:open:x:1"} {
		if _, err := eventlog.ParseSearchPlace(bad); !errors.Is(err, eventlog.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// searchHistory is a random history, and what a search must find in it.
type searchHistory struct {
	*fixture
	*rand.Rand
	open  []*eventlog.Session
	texts map[string]string // cursor → text, of what is kept
}

var searchWords = []string{"needle", "Nadel", "aiguille é", "針", "ſtraße", "a\"b\\c"}

func (h *searchHistory) text() string {
	var words []string
	for range 1 + h.IntN(4) {
		words = append(words, searchWords[h.IntN(len(searchWords))])
	}
	return strings.Join(words, []string{" ", "\n", "\t "}[h.IntN(3)])
}

func (h *searchHistory) note(task string, session eventlog.SessionID, sequence uint64, text string) {
	h.texts[fmt.Sprintf("%s/%s", task, eventlog.Cursor{Session: session, Sequence: sequence})] = text
}

func (h *searchHistory) forget(task, session string) {
	for cursor := range h.texts {
		if strings.HasPrefix(cursor, task+"/"+session) {
			delete(h.texts, cursor)
		}
	}
}

// step changes something.
func (h *searchHistory) step() {
	h.Helper()
	switch n := h.IntN(20); {
	case len(h.open) == 0 || n < 3:
		s, err := h.Start(h.Context(), fmt.Sprintf("t-%d", h.IntN(6)), &eventlog.StartOptions{Concurrent: true})
		h.ok(err)
		h.open = append(h.open, s)
	case n < 14:
		s := h.open[h.IntN(len(h.open))]
		var events []eventlog.Event
		var texts []string
		for range 1 + h.IntN(5) {
			texts = append(texts, h.text())
			events = append(events, says(texts[len(texts)-1]))
		}
		last, err := h.Session(s.Task(), s.ID()).Append(h.Context(), events...)
		h.ok(err)
		for i, text := range texts {
			h.note(s.Task(), s.ID(), last-uint64(len(texts)-1-i), text)
		}
	case n < 17:
		i := h.IntN(len(h.open))
		h.append(h.open[i], ended(time.UnixMilli(int64(h.IntN(1000)))))
		h.open = slices.Delete(h.open, i, i+1)
	case n < 18:
		s := h.open[h.IntN(len(h.open))]
		info := h.info(s)
		if info.Head > 2 {
			h.ok(h.Trim(h.Context(), s.Task(), s.ID(), info.Head/2))
			for cursor := range h.texts {
				c, err := eventlog.ParseCursor(cursor[strings.Index(cursor, "/")+1:])
				h.ok(err)
				if c.Session == s.ID() && c.Sequence < h.info(s).First {
					delete(h.texts, cursor)
				}
			}
		}
	case n < 19:
		i := h.IntN(len(h.open))
		s := h.open[i]
		h.ok(h.DeleteSession(h.Context(), s.Task(), s.ID()))
		h.forget(s.Task(), s.ID().String())
		h.open = slices.Delete(h.open, i, i+1)
	default:
		task := h.open[h.IntN(len(h.open))].Task()
		h.ok(h.DeleteTask(h.Context(), task))
		h.forget(task, "")
		h.open = slices.DeleteFunc(h.open, func(s *eventlog.Session) bool { return s.Task() == task })
	}
}

// want returns what the oracle finds.
func (h *searchHistory) want(word string) map[string]bool {
	found := map[string]bool{}
	for cursor, text := range h.texts {
		fold := func(s string) string {
			return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToUpper(s), "ſ", "S")), " ")
		}
		if strings.Contains(fold(text), fold(word)) {
			found[cursor] = true
		}
	}
	return found
}

func searchStores(t *testing.T) map[string]func(*testing.T) *fixture {
	return map[string]func(*testing.T) *fixture{
		"on disk":         func(t *testing.T) *fixture { return onDisk(t, &eventlog.Options{KeepOpen: true}) },
		"in memory":       func(t *testing.T) *fixture { return inMemory(t, &eventlog.Options{KeepOpen: true}) },
		"of several logs": func(t *testing.T) *fixture { return on(t, newToldStore().replica(), nil) },
	}
}

// A search finds what an oracle finds, over random histories, and all of it once, however
// often it is broken off and gone on with while the history goes on.
func TestASearchFindsWhatAnOracleFinds(t *testing.T) {
	histories := 20
	if testing.Short() {
		histories = 5
	}
	for name, open := range searchStores(t) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(histories) {
				h := &searchHistory{fixture: open(t), Rand: rand.New(rand.NewPCG(seed, 1)), texts: map[string]string{}}
				if seed%2 == 1 { // as if there were far more sessions
					eventlog.LimitSearches(h.Log, 2+h.IntN(3), h.IntN(3))
				}
				for range 20 + h.IntN(150) {
					h.step()
				}
				word := searchWords[h.IntN(len(searchWords))]
				want := h.want(word)
				if got := cursorsOf(h.search(quoteWord(word), eventlog.SearchOptions{})); !equalSets(got, want) {
					t.Fatalf("history %d: %q finds %d, want %d:\n%v\n%v", seed, word, len(got), len(want), got, want)
				}
				h.resume(seed, word, want)
			}
		})
	}
}

// resume searches hit by hit, and changes something after each.
func (h *searchHistory) resume(seed uint64, word string, want map[string]bool) {
	h.Helper()
	q, err := find.Parse(quoteWord(word), time.Now())
	h.ok(err)
	// What goes on beside a search that has begun changes nothing of what it finds, except what
	// is deleted, and what comes in sessions that it has not come to.
	first, err := h.NewSearch(q, eventlog.SearchOptions{}).Next(h.Context())
	h.ok(err)
	if len(first.Hits) == 0 {
		return
	}
	seen := map[string]bool{cursorsOf(first.Hits[:1])[0]: true}
	place := first.Hits[0].Place
	for {
		h.step()
		s := h.NewSearch(q, eventlog.SearchOptions{After: place})
		var hits []eventlog.Hit
		for {
			part, err := s.Next(h.Context())
			h.ok(err)
			if hits = part.Hits; len(hits) > 0 || part.Done {
				break
			}
		}
		if len(hits) == 0 {
			break
		}
		cursor := cursorsOf(hits[:1])[0]
		if seen[cursor] {
			h.Fatalf("history %d: %q is found twice", seed, cursor)
		}
		seen[cursor] = true
		place = hits[0].Place
	}
	for cursor := range want {
		if _, kept := h.texts[cursor]; kept && !seen[cursor] {
			h.Errorf("history %d: %s is missed", seed, cursor)
		}
	}
	for cursor := range seen {
		if _, kept := h.texts[cursor]; kept && !h.want(word)[cursor] {
			h.Errorf("history %d: %s is found without the word", seed, cursor)
		}
	}
}

func quoteWord(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

func equalSets(got []string, want map[string]bool) bool {
	set := map[string]bool{}
	for _, one := range got {
		set[one] = true
	}
	return len(set) == len(got) && maps.Equal(set, want)
}

// A search finds all that was there when it began, once, while others append, end and begin
// sessions, and delete what it does not look for.
func TestASearchBesideAppendsFindsAllOnce(t *testing.T) {
	f := onDisk(t, &eventlog.Options{KeepOpen: true})
	want := map[string]bool{}
	var sessions []*eventlog.Session
	for n := range 12 {
		s := f.startBeside(fmt.Sprintf("t-%d", n%5))
		sessions = append(sessions, s)
		for range 8 { // so many that they are found in several parts
			f.append(s, slices.Repeat([]eventlog.Event{says("needle"), says("hay")}, 20)...)
		}
		if n%3 == 0 {
			f.append(s, ended(time.UnixMilli(int64(n))))
		}
		for i := range uint64(160) {
			want[fmt.Sprintf("%s/%s", s.Task(), eventlog.Cursor{Session: s.ID(), Sequence: 2*i + 1})] = true
		}
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		random := rand.New(rand.NewPCG(1, 1))
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			s := sessions[random.IntN(len(sessions))]
			batch := []eventlog.Event{says("needle")}
			if n%4 == 0 {
				batch = append(batch, ended(time.UnixMilli(int64(random.IntN(20)))))
			}
			if _, err := s.Append(t.Context(), batch...); err != nil && !errors.Is(err, eventlog.ErrSealed) {
				t.Error(err)
				return
			}
		}
	})
	got := map[string]int{}
	q, err := find.Parse("needle", time.Now())
	f.ok(err)
	parts := 0
	for after, done := (eventlog.SearchPlace{}), false; !done; parts++ {
		part, err := f.NewSearch(q, eventlog.SearchOptions{After: after}).Next(t.Context()) // a new one each time
		f.ok(err)
		for i, cursor := range cursorsOf(part.Hits) {
			if got[cursor]++; got[cursor] > 1 {
				t.Fatalf("%s is found twice", cursor)
			}
			if part.Hits[i].Session.Task == "t-new" {
				t.Errorf("%s began after the search", cursor)
			}
		}
		after, done = part.Next, part.Done
		f.append(f.startBeside("t-new"), says("needle"), complete())
	}
	if parts < 4 {
		t.Errorf("all was found in %d parts, so little was appended in between", parts)
	}
	close(stop)
	others.Wait()
	for cursor := range want {
		if got[cursor] == 0 {
			t.Errorf("%s is missed", cursor)
		}
	}
}

// Who reads the hits slowly holds nothing of the store, and a bounded amount of memory.
func TestASearchHoldsNoTransaction(t *testing.T) {
	f := onDisk(t, nil)
	text := strings.Repeat("needle ", 10_000)
	for range 50 {
		f.appendTo("t-1", says(text), says(text))
	}
	q, err := find.Parse("needle", time.Now())
	f.ok(err)
	s := f.NewSearch(q, eventlog.SearchOptions{})
	hits := 0
	for {
		part, err := s.Next(t.Context())
		f.ok(err)
		if views := f.Stats().Store.Views; views != 0 {
			t.Fatalf("%d read transactions are open", views)
		}
		size := 0
		for i := range part.Hits {
			size += len(part.Hits[i].Data)
		}
		if size > 1<<20+len(text) {
			t.Fatalf("one part holds %d bytes", size)
		}
		hits += len(part.Hits)
		if part.Done {
			break
		}
	}
	if hits != 100 {
		t.Errorf("%d hits", hits)
	}
}

// A search that waits for its turn ends with its client, or with the log.
func TestASearchEndsWhileItWaits(t *testing.T) {
	f := onDisk(t, nil)
	f.appendTo("t-1", says("needle"))
	q, err := find.Parse("needle", time.Now())
	f.ok(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.NewSearch(q, eventlog.SearchOptions{}).Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s := f.NewSearch(q, eventlog.SearchOptions{})
	f.close()
	if _, err := s.Next(t.Context()); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A flipped bit in an event hides this event alone, and in a session this session alone.
func TestDamageHidesNothingElseFromASearch(t *testing.T) {
	db := eventlogtest.NewStore()
	f := on(t, db, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	f.append(s, says("needle one"), says("needle two"), says("needle three"))
	f.appendTo("t-2", says("needle"))
	id := s.ID()
	damage(t, db, store.Events, string(append(id[:], 0, 0, 0, 0, 0, 0, 0, 2)))
	if got := len(f.search("needle", eventlog.SearchOptions{})); got != 3 {
		t.Errorf("%d of 3 are found", got)
	}
}
