package eventlogtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// logCases hold a log on the store to what the log promises its users. A store
// that passes storeCases passes these; they say what depends on it.
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
		var back atomic.Bool // the log reads the clock in its own goroutines, too
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
