package eventlog_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"jrweb/eventlog"
)

// everyKindOfEvent has every type that the log knows, an unknown type, and every actor.
func everyKindOfEvent() []eventlog.Event {
	data := map[string]string{
		"tool_call": `{"tool":"x","args":{}}`, "tool_result": `{"tool":"x","success":true,"output":""}`,
		"error": `{"message":"x"}`, "cost": `{"usd":1}`,
	}
	var events []eventlog.Event
	for name := range strings.FieldsSeq("assistant thought user tool_call tool_result cost error status comment checkpoint guardrail mine x") {
		for _, actor := range []eventlog.Actor{eventlog.Agent, eventlog.Human, eventlog.System} {
			text := data[name]
			if text == "" {
				text = fmt.Sprintf(`{"content":"%s of %s"}`, name, actor)
			}
			events = append(events, eventlog.Event{Type: name, Actor: actor, Data: []byte(text)})
		}
	}
	return events
}

func TestScanShowsWhatReadReturns(t *testing.T) {
	for name, open := range map[string]func(*testing.T, *eventlog.Options) *fixture{"memory": inMemory, "disk": onDisk} {
		t.Run(name, func(t *testing.T) {
			f := open(t, nil)
			s := f.start("t-1")
			f.append(s, everyKindOfEvent()...)
			f.append(s, many(1500)...) // more than a page
			head := uint64(len(everyKindOfEvent()) + 1500)
			f.ok(f.Trim(t.Context(), "t-1", s.ID(), 3))
			watch := f.Watch("t-1")
			defer watch.Close()
			_, err := readWatch(t.Context(), watch, s.ID(), head) // begins a tail
			f.ok(err)
			f.append(s, everyKindOfEvent()...) // these come from memory
			for _, after := range []uint64{0, 2, 3, 4, 17, 100, 1000, head - 1, head, head + 1, head + 30, head + 1000} {
				want, err := f.Read(t.Context(), "t-1", s.ID(), after)
				f.ok(err)
				for name, scan := range map[string]func(visit func(*eventlog.Event) bool) (eventlog.Page, error){
					"Log.Scan": func(visit func(*eventlog.Event) bool) (eventlog.Page, error) {
						return f.Scan(t.Context(), "t-1", s.ID(), after, visit)
					},
					"Watch.Scan": func(visit func(*eventlog.Event) bool) (eventlog.Page, error) {
						return watch.Scan(t.Context(), s.ID(), after, visit)
					},
				} {
					for _, most := range []int{1, 2, len(want.Events), 1 << 20} {
						var got []eventlog.Event
						page, err := scan(func(e *eventlog.Event) bool {
							// The data must be copied. Committed is only known to memory.
							got = append(got, eventlog.Event{Sequence: e.Sequence, Time: e.Time, Type: e.Type, Actor: e.Actor, Data: bytes.Clone(e.Data), Change: e.Change})
							return len(got) < most
						})
						f.ok(err)
						if n := min(most, len(want.Events)); len(got) != n || n > 0 && !reflect.DeepEqual(got, want.Events[:n]) {
							t.Fatalf("%s after %d, %d at most: %d events, %v", name, after, most, len(got), got)
						}
						if page.Events != nil || page.First != want.First || page.Head != want.Head || page.Sealed != want.Sealed {
							t.Errorf("%s after %d: page %+v, not %+v", name, after, page, want)
						}
					}
				}
			}
			_, err = f.Scan(t.Context(), "t-2", s.ID(), 0, func(*eventlog.Event) bool { t.Error("an event of another task"); return true })
			wantErr(t, "another task", err, eventlog.ErrSessionNotFound)
		})
	}
}

// A watch decodes the record of a session once, but sees every change of it.
func TestAScanSeesWhatHasChangedInTheSession(t *testing.T) {
	f := onDisk(t, &eventlog.Options{TailBytes: 1}) // nothing comes from memory
	first, s := f.startBeside("t-1"), f.startBeside("t-1")
	f.append(first, many(3)...)
	watch := f.Watch("t-1")
	defer watch.Close()
	same := func(when string) {
		t.Helper()
		for _, session := range []*eventlog.Session{s, first, s} {
			want, err := f.Read(t.Context(), "t-1", session.ID(), 0)
			f.ok(err)
			seen := 0
			got, err := watch.Scan(t.Context(), session.ID(), 0, func(*eventlog.Event) bool { seen++; return true })
			f.ok(err)
			if seen != len(want.Events) || got.First != want.First || got.Head != want.Head || got.Sealed != want.Sealed {
				t.Errorf("%s: %d events, %+v, not %d, first %d, head %d, sealed %v", when, seen, got, len(want.Events), want.First, want.Head, want.Sealed)
			}
		}
	}
	same("at the start")
	f.append(s, many(20)...)
	same("after an append")
	f.ok(f.Trim(t.Context(), "t-1", s.ID(), 5))
	same("after a trim")
	f.ok(s.Complete(t.Context(), eventlog.Failed, "why not"))
	same("after the end")
	f.ok(f.Trim(t.Context(), "t-1", s.ID(), 7))
	same("after a trim of what has ended")
	f.ok(f.DeleteSession(t.Context(), "t-1", s.ID()))
	_, err := watch.Scan(t.Context(), s.ID(), 0, func(*eventlog.Event) bool { return true })
	wantErr(t, "after its deletion", err, eventlog.ErrSessionNotFound)
}
