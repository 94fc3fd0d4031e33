package router_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

// A complete program: a log in a file, its streams, API and pages.
func Example() {
	dir, err := os.MkdirTemp("", "jrweb")
	check(err)
	defer os.RemoveAll(dir)

	events, err := eventlog.Open(filepath.Join(dir, "jr.db"), nil)
	check(err)
	streams := streamer.New(events, nil)
	handler, err := router.New(events, streams, nil)
	check(err)
	server := &http.Server{Addr: "127.0.0.1:0", Handler: handler, ConnContext: streams.ConnContext}
	server.RegisterOnShutdown(streams.Shutdown)
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()

	// Agents run, and append events.
	session, err := events.Start(context.Background(), "t-1", nil)
	check(err)
	_, err = session.Append(context.Background(), eventlog.Event{Type: eventlog.TypeAssistant, Data: []byte(`{"content":"Hello."}`)})
	check(err)

	check(server.Shutdown(context.Background())) // first the requests
	check(streams.Drain(context.Background()))   // and streams,
	check(events.Close())                        // then the log
}

// A program with its own mux gives the router a prefix.
func ExampleNew_underAPrefix() {
	events, err := eventlog.New(eventlogtest.NewStore(), nil)
	check(err)
	defer events.Close()
	handler, err := router.New(events, streamer.New(events, nil), nil)
	check(err)

	mux := http.NewServeMux()
	mux.Handle("/jr/", http.StripPrefix("/jr", handler))
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, path := range []string{"/jr/healthz", "/jr", "/healthz"} {
		res, err := http.Get(server.URL + path) // follows redirects
		check(err)
		res.Body.Close()
		fmt.Println(path, "→", res.Request.URL.Path, res.StatusCode)
	}
	// Output:
	// /jr/healthz → /jr/healthz 200
	// /jr → /jr/ 200
	// /healthz → /healthz 404
}

// A client in any language needs only an HTTP library.
func ExampleNew_append() {
	events, err := eventlog.New(eventlogtest.NewStore(), nil)
	check(err)
	defer events.Close()
	handler, err := router.New(events, streamer.New(events, nil), nil)
	check(err)
	server := httptest.NewServer(handler)
	defer server.Close()

	for range 2 { // the second is the retry of a client that got no answer
		body := `{"type":"thought","data":{"content":"Where do I begin?"}}`
		req, err := http.NewRequest(http.MethodPost, server.URL+"/tasks/t-1/events", strings.NewReader(body))
		check(err)
		req.Header.Set("Idempotency-Key", "step-1")
		res, err := http.DefaultClient.Do(req)
		check(err)
		res.Body.Close()
		fmt.Printf("%s, repeat: %t\n", res.Status, res.Header.Get("Idempotency-Replayed") == "true")
	}
	task, err := events.Task(context.Background(), "t-1")
	check(err)
	fmt.Println("events:", task.Totals.Events)
	// Output:
	// 200 OK, repeat: false
	// 200 OK, repeat: true
	// events: 1
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
