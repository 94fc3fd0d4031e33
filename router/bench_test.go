package router_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

// BenchmarkAppend is a request to append events of 300 bytes of text. Middleware drops them,
// so that it measures the router and not the log.
func BenchmarkAppend(b *testing.B) {
	drop := func(eventlog.AppendFunc) eventlog.AppendFunc {
		return func(context.Context, *eventlog.Batch) (eventlog.Appended, error) { return eventlog.Appended{}, nil }
	}
	log, err := eventlog.New(eventlogtest.NewStore(), &eventlog.Options{Middleware: []eventlog.Middleware{drop}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	h, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		b.Fatal(err)
	}
	event := say(strings.Repeat("x", 300))
	for _, c := range []struct{ name, body, contentType string }{
		{"event", event, "application/json"},
		{"array=100", "[" + strings.Repeat(event+",", 99) + event + "]", "application/json"},
		{"lines=100", strings.Repeat(event+"\n", 100), "application/x-ndjson"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				r := request("POST", "/tasks/t-1/events", []byte(c.body))
				r.Header.Set("Content-Type", c.contentType)
				if w := handle(h, r); w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
