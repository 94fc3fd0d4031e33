// Command embed is the program of the README: a log, its streams and its pages in a
// program of one's own. It records one run and ends; jrweb serve -db jr.db shows it.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"jrweb/eventlog"
	"jrweb/router"
	"jrweb/streamer"
)

func main() {
	if err := embed(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func embed(ctx context.Context) error {
	log, err := eventlog.Open("jr.db", nil)
	if err != nil {
		return err
	}
	defer log.Close()
	streams := streamer.New(log, nil)
	handler, err := router.New(log, streams, nil)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: "127.0.0.1:7070", Handler: handler, ConnContext: streams.ConnContext}
	server.RegisterOnShutdown(streams.Shutdown) // after server.Shutdown: streams.Drain
	go server.ListenAndServe()

	session, err := log.Start(ctx, "t-1", nil)
	if err != nil {
		return err
	}
	hello := eventlog.Event{Type: "assistant", Data: []byte(`{"content":"Hello"}`)}
	if _, err := session.Append(ctx, hello); err != nil {
		return err
	}
	return session.Complete(ctx, eventlog.Succeeded, "")
}
