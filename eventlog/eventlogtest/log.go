package eventlogtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// logCases check what a log on the store promises its users. A store that passes storeCases
// passes these; they show what depends on the store.
var logCases = []testCase{
	{"sequences are dense under 16 concurrent appenders, each in its own order", func(s *subject) {
		s.reopenLog(nil)
		session := s.start("t-1")
		const appenders, each = 16, 8
		var wg sync.WaitGroup
		for a := range appenders {
			wg.Go(func() {
				for i := range each {
					if _, err := session.Append(s.Context(), says(fmt.Sprintf("%d/%d", a, i))); err != nil {
						s.Errorf("Append failed beside others: %v", err)
					}
				}
			})
		}
		wg.Wait()
		next := map[int]int{}
		for i, e := range s.events(session, 0) {
			if e.Sequence != uint64(i+1) {
				s.Fatalf("Event %d has sequence %d: sequences must be dense.", i+1, e.Sequence)
			}
			var a, n int
			if _, err := fmt.Sscanf(contentOf(e), "%d/%d", &a, &n); err != nil || n != next[a] {
				s.Fatalf("Event %d of appender %d comes where %d was due: its order is lost.", n, a, next[a])
			}
			next[a]++
		}
		for a := range appenders {
			if next[a] != each {
				s.Errorf("Appender %d got %d acknowledgements, but %d of its events are there.", a, each, next[a])
			}
		}
	}},

	{"complete seals the session in the same commit", func(s *subject) {
		log := s.reopenLog(nil)
		session := s.start("t-1")
		watch := log.Watch("t-1")
		defer watch.Close()
		done := make(chan error)
		go func() {
			_, err := session.Append(s.Context(), says("last words"), complete())
			done <- err
		}()
		for {
			changed := watch.Changed()
			page := s.read(session)
			if page.Sealed != (page.Head == 2) {
				s.Fatalf("A reader sees head %d with sealed %v: the seal and its complete event come apart.", page.Head, page.Sealed)
			}
			if page.Sealed {
				break
			}
			<-changed
		}
		if err := <-done; err != nil {
			s.Fatalf("Append failed: %v", err)
		}
		if _, err := session.Append(s.Context(), says("too late")); !errors.Is(err, eventlog.ErrSealed) {
			s.Errorf("An append to a sealed session returned %v.", err)
		}
		s.reopenLog(nil)
		if page := s.read(session); !page.Sealed || page.Head != 2 {
			s.Errorf("Opened again, the session has head %d and sealed %v.", page.Head, page.Sealed)
		}
	}},

	{"every acknowledged event is there when the log is opened again", func(s *subject) {
		s.reopenLog(&eventlog.Options{KeepOpen: true})
		session := s.start("t-1")
		for i := range 10 {
			s.append(session, says(fmt.Sprint(i)))
		}
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		session = log.Session("t-1", session.ID())
		for i, e := range s.events(session, 0) {
			if e.Sequence != uint64(i+1) || contentOf(e) != fmt.Sprint(i) {
				s.Fatalf("Event %d came back with sequence %d and data %s.", i+1, e.Sequence, e.Data)
			}
		}
		if last := s.append(session, says("next")); last != 11 {
			s.Errorf("10 events were acknowledged before; the next one has sequence %d.", last)
		}
	}},

	{"what runs, and what it has cost, is there when the log is opened again", func(s *subject) {
		o := &eventlog.Options{KeepOpen: true}
		log := s.reopenLog(o)
		started := time.Date(2025, 3, 1, 10, 0, 0, 0, time.UTC)
		session, err := log.Start(s.Context(), "t-1", &eventlog.StartOptions{
			Agent: "a", Version: "1", Model: "m", Cwd: "/w", Branch: "b", Machine: "x", ExternalID: "e", ParentExternalID: "p", Started: started,
		})
		s.ok(err)
		cost := func(data string) eventlog.Event {
			return eventlog.Event{Type: eventlog.TypeCost, Data: json.RawMessage(data)}
		}
		s.append(session,
			eventlog.Event{Type: eventlog.TypeSession, Data: json.RawMessage(`{"version":"2","title":"said"}`)},
			cost(`{"id":"m-1","part_of":"e","input_tokens":5,"model":"m"}`), cost(`{"id":"e","input_tokens":7,"cache_read_tokens":3,"model":"m"}`))
		for _, when := range []string{"Opened again", "Opened again after its end"} {
			log = s.reopenLog(o)
			found, err := log.SessionsByExternalID(s.Context(), "a", "e")
			s.ok(err)
			if len(found) != 1 {
				s.Fatalf("%s, the log finds %d sessions by the external id of one.", when, len(found))
			}
			want := found[0]
			want.Agent, want.Version, want.Model, want.Cwd, want.Branch, want.Machine = "a", "2", "m", "/w", "b", "x"
			want.ExternalID, want.ParentExternalID, want.Started = "e", "p", eventlog.Time{Time: started}
			want.Totals.InputTokens, want.Totals.CacheReadTokens = 7, 3
			want.Unpriced = []eventlog.ModelTokens{{Model: "m", InputTokens: 7, CacheReadTokens: 3}}
			if !reflect.DeepEqual(found[0], want) {
				s.Errorf("%s, the session is %+v, not %+v.", when, found[0], want)
			}
			task, err := log.Task(s.Context(), "t-1")
			s.ok(err)
			if task.Title != "said" || task.Totals != want.Totals {
				s.Errorf("%s, the task is %+v.", when, task)
			}
			if !found[0].Sealed() {
				s.append(log.Session("t-1", session.ID()), complete())
			}
		}
		// A cost that is reported again in another session does not count, until the first
		// session is deleted.
		second := s.start("t-2")
		s.append(second, eventlog.Event{Type: eventlog.TypeSession, Data: json.RawMessage(`{"agent":"a"}`)}, cost(`{"id":"e","input_tokens":7}`))
		if info, err := second.Info(s.Context()); err != nil || info.Totals.InputTokens != 0 {
			s.Errorf("What was said twice counts %d tokens twice, %v.", info.Totals.InputTokens, err)
		}
	}},

	{"an idempotency key replays the first answer when the log is opened again", func(s *subject) {
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		batch := func() *eventlog.Batch {
			return &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("once")}, Key: eventlog.Key{ID: "k"}}
		}
		first, err := log.Append(s.Context(), batch())
		s.ok(err)
		log = s.reopenLog(&eventlog.Options{KeepOpen: true})
		again, err := log.Append(s.Context(), batch())
		s.ok(err)
		if !again.Replayed || again.Session != first.Session || again.First != first.First || again.Last != first.Last {
			s.Errorf("The first answer was %+v, the repeat got %+v.", first, again)
		}
		if n := len(s.events(log.Session("t-1", first.Session), 0)); n != 1 {
			s.Errorf("The event was appended %d times.", n)
		}
	}},

	{"session ids grow when the log is opened again, also with the clock stepped back", func(s *subject) {
		var back atomic.Bool // the log also reads the clock in its own goroutines
		o := &eventlog.Options{Now: func() time.Time {
			if back.Load() {
				return time.Now().Add(-time.Hour)
			}
			return time.Now()
		}}
		log := s.reopenLog(o)
		first := s.start("t-1").ID()
		s.ok(log.DeleteTask(s.Context(), "t-1"))
		back.Store(true)
		s.reopenLog(o)
		second := s.start("t-2").ID()
		if second.String() <= first.String() {
			s.Errorf("After %s came %s: an id must be greater than every one issued before.", first, second)
		}
	}},

	{"a deleted session is never served again, and the next one is another", func(s *subject) {
		log := s.reopenLog(nil)
		session := s.start("t-1")
		s.append(session, says("secret"))
		s.ok(log.DeleteTask(s.Context(), "t-1"))
		gone := func(when string) {
			s.Helper()
			s.start("t-1")
			if page, err := s.log.Read(s.Context(), "t-1", session.ID(), 0); !errors.Is(err, eventlog.ErrSessionNotFound) {
				s.Errorf("%s, a read of the deleted session returned %d events and %v.", when, len(page.Events), err)
			}
		}
		gone("After the deletion")
		s.reopenLog(nil)
		gone("Opened again")
	}},

	{"a reader of a session that is deleted sees no hole", func(s *subject) {
		log := s.reopenLog(nil)
		const events = 1500 // more than a page
		kept, session := s.start("t-1"), s.start("t-2")
		s.append(kept, says("stays"))
		s.append(session, slices.Repeat([]eventlog.Event{says("goes")}, events)...)
		began, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for round := 0; ; round++ {
				last := uint64(0)
				for e, err := range session.Events(s.Context(), 0) {
					if errors.Is(err, eventlog.ErrSessionNotFound) {
						return
					}
					if err != nil || e.Sequence != last+1 {
						s.Errorf("While its session is deleted, a reader gets event %d after %d, error %v.", e.Sequence, last, err)
						return
					}
					last = e.Sequence
				}
				if last != events {
					s.Errorf("A reader got %d of %d events, and no error: it takes a part for the whole.", last, events)
					return
				}
				if round == 0 {
					close(began)
				}
			}
		}()
		select {
		case <-began:
			s.ok(log.DeleteSession(s.Context(), "t-2", session.ID()))
		case <-done:
		}
		<-done
		if got := s.events(kept, 0); len(got) != 1 || contentOf(got[0]) != "stays" {
			s.Errorf("The session beside the deleted one has %d events.", len(got))
		}
	}},

	{"tasks keep their order, and what they add up to, when the log is opened again", func(s *subject) {
		log := s.reopenLog(nil)
		for _, id := range []string{"t-1", "t-2", "t-3", "t-1"} {
			session := s.start(id)
			s.append(session, says("x"), complete())
		}
		s.ok(log.DeleteTask(s.Context(), "t-2"))
		before, err := log.Tasks(s.Context(), 0, 10)
		s.ok(err)
		log = s.reopenLog(nil)
		after, err := log.Tasks(s.Context(), 0, 10)
		s.ok(err)
		if !reflect.DeepEqual(before, after) {
			s.Errorf("Opened again, the log lists %v, not %v.", after, before)
		}
		if len(after) != 2 || after[0].ID != "t-1" || after[0].Sessions != 2 || after[0].Totals.Events != 4 || after[1].ID != "t-3" {
			s.Errorf("The newest activity was in t-1, then in t-3, and t-2 is deleted; the log lists %v.", after)
		}
	}},

	{"an append whose context ends is not there, or is acknowledged", func(s *subject) {
		s.reopenLog(&eventlog.Options{KeepOpen: true})
		session := s.start("t-1")
		ended, cancel := context.WithCancel(s.Context())
		cancel()
		if _, err := session.Append(ended, says("never")); !errors.Is(err, context.Canceled) {
			s.Errorf("An append whose context had ended returned %v.", err)
		}
		acknowledged := map[string]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 50 {
			ctx, cancel := context.WithCancel(s.Context())
			wg.Go(func() {
				content := fmt.Sprint(i)
				_, err := session.Append(ctx, says(content))
				if err != nil && !errors.Is(err, context.Canceled) {
					s.Errorf("An append that was called off returned %v.", err)
				}
				mu.Lock()
				defer mu.Unlock()
				acknowledged[content] = err == nil
			})
			wg.Go(cancel)
		}
		wg.Wait()
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		for _, e := range s.events(log.Session("t-1", session.ID()), 0) {
			if !acknowledged[contentOf(e)] {
				s.Errorf("The append of %q was reported as called off, but its event is there.", contentOf(e))
			}
			delete(acknowledged, contentOf(e))
		}
		for content, there := range acknowledged {
			if there {
				s.Errorf("The append of %q was acknowledged, but its event is not there.", content)
			}
		}
	}},

	{"an append at the limits is kept, and one beyond them changes nothing", func(s *subject) {
		const most, largest = 10_000, 4 << 20 // the default limits of a log
		s.reopenLog(&eventlog.Options{KeepOpen: true})
		session := s.start("t-1")
		content := strings.Repeat("x", largest-len(says("").Data))
		s.append(session, slices.Repeat([]eventlog.Event{says("small")}, most)...)
		s.append(session, says(content))
		for what, events := range map[string][]eventlog.Event{
			"one event too many":      slices.Repeat([]eventlog.Event{says("small")}, most+1),
			"an event that is longer": {says("first"), says(content + "x")},
		} {
			if _, err := session.Append(s.Context(), events...); !errors.Is(err, eventlog.ErrTooLarge) {
				s.Errorf("An append with %s returned %v.", what, err)
			}
		}
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		n := 0
		for _, e := range s.events(log.Session("t-1", session.ID()), most) {
			if n++; contentOf(e) != content {
				s.Errorf("The largest event came back with %d bytes.", len(e.Data))
			}
		}
		if n != 1 {
			s.Errorf("Behind %d events there are %d, not the largest one alone.", most, n)
		}
	}},

	{"a refusal says why by its identity, and changes nothing", func(s *subject) {
		log := s.reopenLog(nil)
		session, sealed := s.start("t-1"), s.start("t-2")
		s.append(session, says("x"))
		s.append(sealed, complete())
		keyed := func(digest byte) error {
			b := &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{says("x")}, Key: eventlog.Key{ID: "k", Digest: [32]byte{digest}}}
			_, err := log.Append(s.Context(), b)
			return err
		}
		s.ok(keyed(1))
		appending := func(session *eventlog.Session, events ...eventlog.Event) error {
			_, err := session.Append(s.Context(), events...)
			return err
		}
		for _, c := range []struct {
			what string
			err  error
			want error
		}{
			{"An append to a task that is not there", appending(log.Session("t-9", session.ID()), says("x")), eventlog.ErrTaskNotFound},
			{"An append to another task's session", appending(log.Session("t-1", sealed.ID()), says("x")), eventlog.ErrSessionNotFound},
			{"An append to a sealed session", appending(sealed, says("x")), eventlog.ErrSealed},
			{"A second end", sealed.Complete(s.Context(), eventlog.Failed, ""), eventlog.ErrSealed},
			{"A heartbeat of a sealed session", sealed.Heartbeat(s.Context()), eventlog.ErrSealed},
			{"A key with another request", keyed(2), eventlog.ErrKeyReused},
			{"A deletion of what is not there", log.DeleteTask(s.Context(), "t-9"), eventlog.ErrTaskNotFound},
			{"A trim of what is not there", log.Trim(s.Context(), "t-1", sealed.ID(), 1), eventlog.ErrSessionNotFound},
		} {
			if !errors.Is(c.err, c.want) {
				s.Errorf("%s returned %v, which is not %q: its caller cannot tell what to do.", c.what, c.err, c.want)
			}
		}
		err := appending(session, eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(`{}`)})
		if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "data.content" {
			s.Errorf("An event without its content is refused with %v, not with a FieldError of data.content.", err)
		}
		if page := s.read(session); page.Head != 2 || page.Sealed {
			s.Errorf("After the refusals the session has head %d, not 2, and sealed %v.", page.Head, page.Sealed)
		}
		s.close()
		if err := appending(session, says("x")); !errors.Is(err, eventlog.ErrClosed) {
			s.Errorf("An append to a closed log returned %v.", err)
		}
	}},

	{"trims beside appends leave every later event", func(s *subject) {
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		session := s.start("t-1")
		const events = 100
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range events {
				if _, err := session.Append(s.Context(), says(fmt.Sprint(i+1))); err != nil {
					s.Errorf("Append failed beside trims: %v", err)
				}
			}
		})
		wg.Go(func() {
			for through := range uint64(events / 2) {
				if err := log.Trim(s.Context(), "t-1", session.ID(), through); err != nil {
					s.Errorf("Trim failed beside appends: %v", err)
				}
			}
		})
		wg.Wait()
		s.ok(log.Trim(s.Context(), "t-1", session.ID(), events/2))
		s.reopenLog(&eventlog.Options{KeepOpen: true})
		page := s.read(session)
		if page.First != events/2+1 || len(page.Events) != events/2 {
			s.Fatalf("Of %d events, trimmed through %d, there are %d from %d on.", events, events/2, len(page.Events), page.First)
		}
		for i, e := range page.Events {
			if want := events/2 + i + 1; e.Sequence != uint64(want) || contentOf(e) != fmt.Sprint(want) {
				s.Fatalf("Where event %d was due stands event %d with %s.", want, e.Sequence, e.Data)
			}
		}
	}},

	{"a trimmed session shows a gap, and everything behind it", func(s *subject) {
		log := s.reopenLog(&eventlog.Options{KeepOpen: true})
		session := s.start("t-1")
		for i := range 5 {
			s.append(session, says(fmt.Sprint(i+1)))
		}
		s.ok(log.Trim(s.Context(), "t-1", session.ID(), 3))
		s.reopenLog(&eventlog.Options{KeepOpen: true})
		page := s.read(session)
		if !page.Gap(0) || page.First != 4 || len(page.Events) != 2 || contentOf(page.Events[0]) != "4" {
			s.Errorf("Trimmed through 3 of 5, a read from the start shows a gap: %v, first %d, %d events.",
				page.Gap(0), page.First, len(page.Events))
		}
		if page.Gap(3) {
			s.Errorf("A reader that has event 3 is told of a gap, but misses nothing.")
		}
	}},
}

// ok ends the case if a call of the log failed.
func (s *subject) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("The log fails on this store: %v", err)
	}
}

func (s *subject) start(task string) *eventlog.Session {
	s.Helper()
	session, err := s.log.Start(s.Context(), task, nil)
	s.ok(err)
	return session
}

func (s *subject) append(session *eventlog.Session, events ...eventlog.Event) (last uint64) {
	s.Helper()
	last, err := session.Append(s.Context(), events...)
	s.ok(err)
	return last
}

func (s *subject) read(session *eventlog.Session) eventlog.Page {
	s.Helper()
	page, err := s.log.Read(s.Context(), session.Task(), session.ID(), 0)
	s.ok(err)
	return page
}

func (s *subject) events(session *eventlog.Session, after uint64) []eventlog.Event {
	s.Helper()
	var events []eventlog.Event
	for e, err := range session.Events(s.Context(), after) {
		if err != nil {
			s.Fatalf("Reading events failed: %v", err)
		}
		events = append(events, e)
	}
	return events
}

func says(content string) eventlog.Event {
	data, _ := json.Marshal(map[string]string{"content": content}) // a string can be encoded
	return eventlog.Event{Type: eventlog.TypeAssistant, Data: data}
}

func complete() eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeComplete, Data: json.RawMessage(`{}`)}
}

// contentOf returns the content of an event that says made.
func contentOf(e eventlog.Event) string {
	var data struct{ Content string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return err.Error()
	}
	return data.Content
}
