package eventlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
)

// The whole sequence: open, start, append, complete, and read it back.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "eventlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	events, err := eventlog.Open(filepath.Join(dir, "jr.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	session, err := events.Start(ctx, "t-197.4", nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = session.Append(ctx,
		eventlog.Event{Type: eventlog.TypeToolCall, Data: json.RawMessage(`{"tool": "read_file", "args": {"path": "foo.hs"}}`)},
		eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(`{"content": "It is empty."}`)},
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Complete(ctx, eventlog.Succeeded, ""); err != nil {
		log.Fatal(err)
	}
	for e, err := range session.Events(ctx, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s %s\n", e.Sequence, e.Type, e.Data)
	}
	// Output:
	// 1 tool_call {"tool":"read_file","args":{"path":"foo.hs"}}
	// 2 assistant {"content":"It is empty."}
	// 3 complete {"status":"succeeded"}
}

// Middleware that removes a secret from every event before it is appended.
func ExampleMiddleware() {
	redact := func(next eventlog.AppendFunc) eventlog.AppendFunc {
		return func(ctx context.Context, b *eventlog.Batch) (eventlog.Appended, error) {
			for i := range b.Events {
				b.Events[i].Data = bytes.ReplaceAll(b.Events[i].Data, []byte("hunter2"), []byte("[redacted]"))
			}
			return next(ctx, b)
		}
	}

	ctx := context.Background()
	events, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{Middleware: []eventlog.Middleware{redact}})
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	session, err := events.Start(ctx, "t-1", nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := session.Append(ctx, eventlog.Event{
		Type: eventlog.TypeAssistant, Data: json.RawMessage(`{"content": "The password is hunter2."}`),
	}); err != nil {
		log.Fatal(err)
	}
	for e, err := range session.Events(ctx, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(e.Data))
	}
	// Output: {"content":"The password is [redacted]."}
}

// A reader follows a session while it is written: first the existing events, then new ones,
// until the session has ended.
func ExampleWatch() {
	ctx := context.Background()
	events, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	session, err := events.Start(ctx, "t-1", nil)
	if err != nil {
		log.Fatal(err)
	}
	go func() { // the writer
		for _, text := range []string{"one", "two"} {
			data := fmt.Appendf(nil, `{"content":%q}`, text)
			if _, err := session.Append(ctx, eventlog.Event{Type: eventlog.TypeThought, Data: data}); err != nil {
				log.Print(err)
				return
			}
		}
		if err := session.Complete(ctx, eventlog.Succeeded, "done"); err != nil {
			log.Print(err)
		}
	}()

	watch := events.Watch("t-1")
	defer watch.Close()
	for after, ended := uint64(0), false; !ended; {
		changed := watch.Changed() // first this, then the read
		before := after
		page, err := watch.Scan(ctx, session.ID(), after, func(e *eventlog.Event) bool {
			fmt.Printf("%d %s\n", e.Sequence, e.Data)
			after = e.Sequence
			return true
		})
		if err != nil {
			log.Print(err)
			return
		}
		if after > before {
			continue // there may be more than one page
		}
		if ended = page.Sealed; !ended {
			select {
			case <-changed:
			case <-events.Done(): // the log was closed, or its storage failed
				return
			}
		}
	}
	// Output:
	// 1 {"content":"one"}
	// 2 {"content":"two"}
	// 3 {"status":"succeeded","reason":"done"}
}

// Makes a span of each call of a hook: it ends now, and began as long ago as it took. With
// OpenTelemetry, span is
//
//	_, s := tracer.Start(context.Background(), name, trace.WithTimestamp(time.Now().Add(-took)))
//	if err != nil {
//		s.SetStatus(codes.Error, err.Error())
//	}
//	s.End()
func ExampleTrace() {
	span := func(name string, _ time.Duration, err error) {
		fmt.Println(name, "failed:", err != nil)
	}
	ctx := context.Background()
	events, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{Trace: &eventlog.Trace{
		Appended: func(b *eventlog.Batch, took time.Duration, err error) {
			span(fmt.Sprintf("append %d to %s,", len(b.Events), b.Task), took, err)
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()
	session, err := events.Start(ctx, "t-1", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Complete(ctx, eventlog.Succeeded, ""); err != nil {
		log.Fatal(err)
	}
	_, err = session.Append(ctx, eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(`{"content":"too late"}`)})
	fmt.Println(err)
	// Output:
	// append 1 to t-1, failed: false
	// append 1 to t-1, failed: true
	// session is sealed
}
