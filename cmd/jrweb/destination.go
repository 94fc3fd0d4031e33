package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/router/client"
)

// destination is where events are delivered to: a server, or a database of our own.
type destination struct {
	name   string // the URL, or the path of the database
	server spool.Server
	client *client.Client // of the same
	watch  *client.Client // nil: nobody but us can write there
	close  func() error
}

// intoDatabase reports whether a run is recorded in the database of -db, and not by the
// server of -url.
func intoDatabase(c *cli.Command) bool {
	return c.IsSet("db") && (given(c, "db") || !given(c, "url"))
}

// openDestination opens what the flags name.
func openDestination(ctx context.Context, c *cli.Command) (*destination, error) {
	if !intoDatabase(c) {
		server, err := connect(c)
		if err != nil {
			return nil, err
		}
		return &destination{name: c.String("url"), server: spool.To(server), client: server, watch: server, close: func() error { return nil }}, nil
	}
	set := settings{logger: slog.New(logHandler(c.Root().ErrWriter, "text", slog.LevelWarn))}
	var err error
	if set.db, err = filepath.Abs(c.String("db")); err != nil {
		return nil, err
	}
	if c.Bool("serve") {
		if set.addr, err = resolve(ctx, c.String("addr"), false); err != nil {
			return nil, err
		}
	}
	if set.prices, err = readPrices(c); err != nil {
		return nil, err
	}
	if set.budget, err = readBudget(c); err != nil {
		return nil, err
	}
	to, s, err := openDatabase(ctx, set)
	if err != nil {
		return nil, explainOpen(err)
	}
	if c.Bool("serve") {
		fmt.Fprintf(c.Root().ErrWriter, "jrweb: listening on %s\n", s.url())
		if to.watch, err = client.New(s.url(), nil); err != nil {
			return nil, errors.Join(err, s.close())
		}
		ctx, stop := context.WithCancel(ctx)
		served := make(chan error, 1)
		go func() { served <- s.serve(ctx) }()
		to.close = func() error { stop(); return <-served }
	}
	return to, nil
}

// openDatabase opens a database, which listens to others only if the settings say
// where.
func openDatabase(ctx context.Context, set settings) (*destination, *server, error) {
	s, err := openServer(ctx, set)
	if err != nil {
		return nil, nil, err
	}
	local, err := client.New("http://localhost", &client.Options{Transport: direct{s.http.Handler}})
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return &destination{name: set.db, server: spool.To(local), client: local, close: s.close}, s, nil
}

// direct carries requests to a handler of this process, so that a database is
// written to as a server is, without a socket.
type direct struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "localhost"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := &answer{header: http.Header{}}
	d.handler.ServeHTTP(answer, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer.WriteHeader(http.StatusOK) // one that wrote nothing
	return &http.Response{
		StatusCode: answer.status, Header: answer.header, Request: r, ContentLength: int64(answer.body.Len()),
		Body: io.NopCloser(&answer.body),
	}, nil
}

// answer is what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
