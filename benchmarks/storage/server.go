package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

// serveFile serves the log in the file args[0], and prints its address.
func serveFile(ctx context.Context, args []string) error {
	log, err := eventlog.Open(args[0], &eventlog.Options{KeepOpen: true})
	if err != nil {
		return err
	}
	return serve(ctx, log)
}

// serveMemory serves a log that keeps everything in memory: all that serveFile
// does except for the disk.
func serveMemory(ctx context.Context, _ []string) error {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		return err
	}
	return serve(ctx, log)
}

// serve owns the log, and ends with SIGTERM.
func serve(ctx context.Context, log *eventlog.Log) (err error) {
	defer func() { err = errors.Join(err, log.Close()) }()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	streams := streamer.New(log, nil)
	handler, err := router.New(log, streams, nil)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: handler, ConnContext: streams.ConnContext} //nolint:gosec // its clients are ours
	s.RegisterOnShutdown(streams.Shutdown)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	fmt.Fprintln(os.Stdout, listener.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		// Nobody waits for an answer any more.
		return errors.Join(s.Close(), ignoreClosed(<-served))
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
