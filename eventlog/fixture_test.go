package eventlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// fixture is a log that a test can close and open again.
type fixture struct {
	*testing.T
	*eventlog.Log
	open    func() store.Store
	options *eventlog.Options
	isOpen  bool
}

// inMemory opens a log on a new store in memory, which outlives the log.
func inMemory(t *testing.T, o *eventlog.Options) *fixture {
	t.Helper()
	return on(t, eventlogtest.NewStore(), o)
}

// on opens a log on a store that outlives it.
func on(t *testing.T, db store.Store, o *eventlog.Options) *fixture {
	t.Helper()
	return newFixture(t, func() store.Store { return db }, o)
}

// onDisk opens a log in a new file.
func onDisk(t *testing.T, o *eventlog.Options) *fixture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jr.db")
	return newFixture(t, func() store.Store { return openStore(t, path) }, o)
}

// checkpoints is what the store on disk can do in addition.
type checkpoints = store.CheckpointStore

// openStore opens the store on disk.
func openStore(t *testing.T, path string) store.Store {
	t.Helper()
	store, err := filestore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newFixture(t *testing.T, open func() store.Store, o *eventlog.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, open: open, options: o}
	f.reopen()
	t.Cleanup(f.close)
	return f
}

func (f *fixture) reopen() {
	f.Helper()
	f.close()
	log, err := eventlog.New(f.open(), f.options)
	f.ok(err)
	f.Log, f.isOpen = log, true
}

func (f *fixture) close() {
	f.Helper()
	if f.isOpen {
		f.isOpen = false
		f.ok(f.Close())
	}
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) start(task string) *eventlog.Session {
	f.Helper()
	s, err := f.Start(f.Context(), task, nil)
	f.ok(err)
	return s
}

func (f *fixture) startBeside(task string) *eventlog.Session {
	f.Helper()
	s, err := f.Start(f.Context(), task, &eventlog.StartOptions{Concurrent: true})
	f.ok(err)
	return s
}

func (f *fixture) append(s *eventlog.Session, events ...eventlog.Event) {
	f.Helper()
	_, err := f.Session(s.Task(), s.ID()).Append(f.Context(), events...)
	f.ok(err)
}

// appendTo appends to the latest session of a task, or to a new one.
func (f *fixture) appendTo(task string, events ...eventlog.Event) eventlog.Appended {
	f.Helper()
	answer, err := f.Append(f.Context(), &eventlog.Batch{Task: task, Events: events})
	f.ok(err)
	return answer
}

func (f *fixture) info(s *eventlog.Session) eventlog.SessionInfo {
	f.Helper()
	info, err := f.Session(s.Task(), s.ID()).Info(f.Context())
	f.ok(err)
	return info
}

func (f *fixture) task(id string) eventlog.Task {
	f.Helper()
	task, err := f.Task(f.Context(), id)
	f.ok(err)
	return task
}

// events reads a session's events after a sequence and checks that they are dense.
func (f *fixture) events(s *eventlog.Session, after uint64) []eventlog.Event {
	f.Helper()
	var events []eventlog.Event
	for e, err := range f.Session(s.Task(), s.ID()).Events(f.Context(), after) {
		f.ok(err)
		events = append(events, e)
		if e.Sequence != after+uint64(len(events)) {
			f.Fatalf("event %d after %d has sequence %d", len(events), after, e.Sequence)
		}
	}
	return events
}

// contents reads what was said in a session.
func (f *fixture) contents(s *eventlog.Session) []string {
	f.Helper()
	var contents []string
	for _, e := range f.events(s, 0) {
		contents = append(contents, content(e))
	}
	return contents
}

// says makes an event with this content.
func says(text string) eventlog.Event {
	data, err := json.Marshal(map[string]string{"content": text})
	if err != nil {
		panic(err)
	}
	return eventlog.Event{Type: eventlog.TypeAssistant, Data: data}
}

func content(e eventlog.Event) string {
	if e.Type != eventlog.TypeAssistant {
		return e.Type + string(e.Data)
	}
	var data struct{ Content string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return err.Error()
	}
	return data.Content
}

func event(typ, data string) eventlog.Event {
	return eventlog.Event{Type: typ, Data: json.RawMessage(data)}
}

func complete() eventlog.Event { return event(eventlog.TypeComplete, `{}`) }

func wantEqual[T any](t reporter, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantSlice[T any](t reporter, what string, got, want []T) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantErr(t reporter, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// spy is a store that counts, and whose calls a test can replace. The functions must be set
// before the log is opened, or while nothing runs.
type spy struct {
	store.Store
	views, updates atomic.Int64

	// update replaces Update if it is set; next is the real one.
	update func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error
	// view replaces View.
	view func(ctx context.Context, fn func(store.Reader) error, next viewFunc) error
}

type (
	updateFunc func(ctx context.Context, fn func(store.Tx) error) error
	viewFunc   func(ctx context.Context, fn func(store.Reader) error) error
)

func (s *spy) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.updates.Add(1)
	if s.update != nil {
		return s.update(ctx, fn, s.Store.Update)
	}
	return s.Store.Update(ctx, fn)
}

func (s *spy) View(ctx context.Context, fn func(store.Reader) error) error {
	s.views.Add(1)
	if s.view != nil {
		return s.view(ctx, fn, s.Store.View)
	}
	return s.Store.View(ctx, fn)
}

// countKeys counts the keys in a bucket of a store.
func countKeys(t testing.TB, db store.Store, b store.Bucket) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(r store.Reader) error {
		for range r.Ascend(b, nil, nil) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// numbers are the numbers from … to as texts.
func numbers(from, to int) []string {
	var texts []string
	for n := from; n <= to; n++ {
		texts = append(texts, fmt.Sprint(n))
	}
	return texts
}

func wantOneLineOfJSON(t testing.TB, text []byte) {
	t.Helper()
	if !json.Valid(text) || bytes.ContainsAny(text, "\r\n") {
		t.Errorf("not one line of JSON: %q", text)
	}
}

// reporter is a test, of this or another kind.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// wantField checks that an append was refused for a field.
func wantField(t reporter, what string, err error, field string) {
	t.Helper()
	if got, ok := errors.AsType[*eventlog.FieldError](err); !ok || got.Field != field {
		t.Errorf("%s: got error %v, want one of %s", what, err, field)
	}
}

// readWatch returns the page of events that a watch has after a sequence.
func readWatch(ctx context.Context, w *eventlog.Watch, session eventlog.SessionID, after uint64) (eventlog.Page, error) {
	var events []eventlog.Event
	page, err := w.Scan(ctx, session, after, func(e *eventlog.Event) bool {
		kept := *e
		kept.Data = bytes.Clone(e.Data)
		events = append(events, kept)
		return true
	})
	page.Events = events
	return page, err
}
