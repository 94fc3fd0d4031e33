package streamer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/streamer"
)

// The streams of a log behind the router of net/http, under a prefix.
func ExampleStreamer_Handler() {
	log := exampleLog()
	defer log.Close()

	streams := streamer.New(log, nil)
	mux := http.NewServeMux()
	mux.Handle("GET /agents/tasks/{task}/events/stream", streams.Handler(func(r *http.Request) string {
		return r.PathValue("task")
	}))
	server := httptest.NewServer(mux)
	defer server.Close()

	show(server.URL + "/agents/tasks/t-1/events/stream")
	// Output:
	// event: assistant
	// data: {"content":"Hello."}
	// event: complete
	// data: {"status":"succeeded"}
}

// A server with connections for long streams, which can be shut down while clients are
// connected.
func ExampleStreamer_Shutdown() {
	log := exampleLog()
	defer log.Close() // after the server: first the streams end

	streams := streamer.New(log, nil)
	server := &http.Server{
		Handler:           streams.Handler(func(*http.Request) string { return "t-1" }),
		ReadHeaderTimeout: 10 * time.Second,
		ConnContext:       streams.ConnContext,
		HTTP2:             &http.HTTP2Config{WriteByteTimeout: 10 * time.Second},
	}
	server.RegisterOnShutdown(streams.Shutdown)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()

	// The stream waits for the next session, as long as the server lives.
	res, err := http.Get("http://" + listener.Addr().String() + "/?sessions=all&types=complete")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println("shutdown:", server.Shutdown(ctx))
	fmt.Println("drain:", streams.Drain(ctx))
	fmt.Println("served until:", errors.Is(<-served, http.ErrServerClosed))
	// Output:
	// shutdown: <nil>
	// drain: <nil>
	// served until: true
}

// exampleLog has a task with one session that has ended. Programs use
// [eventlog.Open].
func exampleLog() *eventlog.Log {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		panic(err)
	}
	_, err = log.Append(context.Background(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{
		{Type: "assistant", Data: []byte(`{"content": "Hello."}`)},
		{Type: "complete", Data: []byte(`{}`)},
	}})
	if err != nil {
		panic(err)
	}
	return log
}

// show prints the events of a stream without their ids, which differ each time.
func show(url string) {
	res, err := http.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "event: ") || strings.HasPrefix(line, "data: ") {
			fmt.Println(line)
		}
	}
}
