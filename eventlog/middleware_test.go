package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog"
)

func TestTheFirstMiddlewareRunsFirst(t *testing.T) {
	var order []string
	named := func(name string) eventlog.Middleware {
		return func(next eventlog.AppendFunc) eventlog.AppendFunc {
			return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
				order = append(order, "before "+name)
				defer func() { order = append(order, "after "+name) }()
				return next(ctx, b)
			}
		}
	}
	f := inMemory(t, &eventlog.Options{Middleware: []eventlog.Middleware{named("m1"), named("m2")}})
	s := f.start("t-1")
	f.append(s, says("x"))
	once := []string{"before m1", "before m2", "after m2", "after m1"}
	wantSlice(t, "order", order, once)
	f.ok(s.Complete(t.Context(), eventlog.Succeeded, ""))
	wantSlice(t, "order, with the end", order, slices.Concat(once, once))
}

func TestMiddlewareChangesAndRefuses(t *testing.T) {
	errNo := errors.New("no")
	m := func(next eventlog.AppendFunc) eventlog.AppendFunc {
		return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
			switch content(b.Events[0]) {
			case "refuse":
				return eventlog.Appended{}, errNo
			case "break":
				b.Events[0].Data = []byte(`{`)
			case "break in place": // which it must not
				b.Events[0].Data[0] = '['
			case "add":
				b.Events = append(b.Events, says("added"))
			}
			return next(ctx, b)
		}
	}
	f := inMemory(t, &eventlog.Options{Middleware: []eventlog.Middleware{m}})
	s := f.start("t-1")
	_, err := s.Append(t.Context(), says("refuse"))
	wantErr(t, "refused", err, errNo)
	for _, what := range []string{"break", "break in place"} {
		_, err = s.Append(t.Context(), says(what))
		if _, ok := errors.AsType[*eventlog.FieldError](err); !ok {
			t.Errorf("%s: it was not checked: %v", what, err)
		}
	}
	f.append(s, says("add"))
	wantSlice(t, "contents", f.contents(s), []string{"add", "added"})
}

func TestTraceTellsWhatHappened(t *testing.T) {
	var mu sync.Mutex
	var told []string
	tell := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf(format, args...))
	}
	f := inMemory(t, &eventlog.Options{Trace: &eventlog.Trace{
		Appended: func(b *eventlog.Batch, took time.Duration, err error) {
			tell("appended %d: %v, took time: %v", len(b.Events), err, took >= 0)
		},
		Committed: func(e *eventlog.Event) { tell("committed %d %s", e.Sequence, e.Type) },
		Cost:      func(c eventlog.CostAdded) { tell("cost %s %g %d", c.Model, c.USD, c.CacheReadTokens) },
		Started:   func(s eventlog.SessionInfo) { tell("started %s", s.Task) },
		Sealed:    func(s eventlog.SessionInfo) { tell("sealed %s %s", s.Task, s.Status) },
	}})
	step := func(what string, want ...string) {
		t.Helper()
		wantSlice(t, what, told, want)
		told = nil
	}
	s := f.start("t-1")
	step("start", "started t-1")
	f.append(s, says("x"), event("cost", `{"usd":2,"cache_read_tokens":7,"model":"m","scope":"cumulative"}`))
	step("append", "committed 1 assistant", "committed 2 cost", "cost m 2 7", "appended 2: <nil>, took time: true")
	f.append(s, event("cost", `{"usd":3,"model":"m","scope":"cumulative"}`))
	step("cost", "committed 3 cost", "cost m 1 0", "appended 1: <nil>, took time: true")
	if _, err := s.Append(t.Context(), event("end", `{}`)); err == nil {
		t.Error("a reserved type was accepted")
	}
	step("refused", `appended 1: event 0: type: "end" is reserved, took time: true`)
	f.start("t-1")
	step("superseded", "committed 4 complete", "started t-1", "sealed t-1 interrupted")
	f.ok(f.DeleteTask(t.Context(), "t-1"))
	step("deleted while open")
	f.appendTo("t-2", complete())
	step("all at once", "committed 1 complete", "started t-2", "sealed t-2 succeeded", "appended 1: <nil>, took time: true")
}

func TestJoinedTracesAreToldInTheirOrder(t *testing.T) {
	var told []string
	named := func(name string) *eventlog.Trace {
		tell := func(what string) { told = append(told, name+" "+what) }
		return &eventlog.Trace{
			Appended:  func(*eventlog.Batch, time.Duration, error) { tell("appended") },
			Committed: func(e *eventlog.Event) { tell("committed " + e.Type) },
			Asked:     func(string, eventlog.SessionID, *eventlog.Event) { tell("asked") },
			Sealed:    func(eventlog.SessionInfo) { tell("sealed") },
		}
	}
	first := named("first")
	first.Sealed = nil
	var none *eventlog.Trace
	wantEqual(t, "joined to nothing", first.Join(none) == first && none.Join(first) == first, true)
	f := inMemory(t, &eventlog.Options{Trace: first.Join(named("second")).Join(&eventlog.Trace{})})
	f.append(f.start("t-1"), event("question", `{"content":"Which?"}`), complete())
	wantSlice(t, "told", told, []string{
		"first asked", "second asked",
		"first committed question", "second committed question", "first committed complete", "second committed complete",
		"second sealed", "first appended", "second appended",
	})
}
