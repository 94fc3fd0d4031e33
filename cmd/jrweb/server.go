package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"jrweb/cmd/jrweb/internal/budget"
	"jrweb/cmd/jrweb/internal/engine"
	"jrweb/cmd/jrweb/internal/webhook"
	"jrweb/eventlog"
	"jrweb/eventlog/redact"
	"jrweb/metrics"
	"jrweb/router"
	"jrweb/router/auth"
	"jrweb/router/mcp"
	"jrweb/router/price"
	"jrweb/streamer"
)

// settings are what a server is made of. The zero value of each field but addr,
// db and logger is the default of the package that it is for.
type settings struct {
	addr            string // where to listen, resolved; empty: nowhere
	db              string
	journalDir      string           // of the database; empty: beside it
	cluster         *clusterSettings // nil: the log is that of this server alone
	allowedHosts    []string
	origins         []string
	heartbeat       time.Duration
	pollInterval    time.Duration
	writeTimeout    time.Duration
	maxStreams      int
	maxEventBytes   int
	maxRequestBytes int64
	requestBudget   int64
	maxDBBytes      int64
	redact          bool
	retention       retention
	certificate     *certificateFiles // nil: no TLS
	access          *auth.Options     // nil: everybody may do everything
	metricsAddr     string            // where metrics and health are served as well, resolved; empty: nowhere
	budget          *budget.Budget    // nil: nobody is warned
	webhook         *webhook.Options  // nil: nobody is told
	prices          *price.Table      // nil: those that are built in
	logger          *slog.Logger
	requests        *slog.Logger     // nil: requests are not logged
	now             func() time.Time // the clock of the log
}

const (
	// readHeaderTimeout is how long a client may take to say what it wants.
	readHeaderTimeout = 10 * time.Second
	// maxHeaderBytes is how large the header of a request may be: it is in memory before
	// anybody knows who asks.
	maxHeaderBytes = 32 << 10
	// idleTimeout is how long a connection may stay open between two requests.
	idleTimeout = 2 * time.Minute
	// shutdownTimeout is how long requests may take to end. The process is to be
	// gone after 10 s.
	shutdownTimeout = 8 * time.Second
)

// server is a log with what serves it.
type server struct {
	settings
	log      *eventlog.Log
	streams  *streamer.Streamer
	http     *http.Server
	listener net.Listener
	auth     *auth.Auth     // nil: everybody may do everything
	open     http.Handler   // that asks nobody who they are, for watched
	engine   *engine.Engine // nil: the engine of the cluster, if there is one, runs elsewhere
	hook     *webhook.Hook  // nil: nobody is told
	keeper   *budget.Keeper // nil: there is no budget
	watched  *watched       // nil: metrics and health are served with the rest only
}

// openServer opens the log and listens, so that clients can connect: they are
// answered once serve runs. The caller calls serve or close.
func openServer(ctx context.Context, set settings) (*server, error) {
	s := &server{settings: set}
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		return nil, err
	}
	trace := m.LogTrace()
	if set.webhook != nil {
		s.hook = webhook.New(*set.webhook)
		trace = trace.Join(s.hook.Trace())
	}
	if set.budget != nil {
		s.keeper = budget.New(budget.Options{Budget: *set.budget, Prices: cmp.Or(s.prices, price.Default()), Reached: s.reached, Logger: s.logger, Now: s.now})
		trace = trace.Join(s.keeper.Trace())
	}
	var middleware []eventlog.Middleware
	if s.redact {
		middleware = append(middleware, redact.Middleware(nil))
	}
	err = s.openLog(ctx, &eventlog.Options{
		Trace: trace, Logger: s.logger, MaxEventBytes: s.maxEventBytes, MaxBytes: s.maxDBBytes, JournalDir: s.journalDir, Now: s.now,
		IdleTimeout: s.retention.sessionIdle,
		RetainAge:   s.retention.age, RetainSessions: s.retention.sessions, RetainBytes: s.retention.bytes,
		Middleware: middleware,
		KeepOpen:   true, // the sessions' writers are other processes, and go on
	})
	if err != nil {
		s.closeHook()
		return nil, err
	}
	m.CollectLog(s.log)
	if err := s.watchBudget(m); err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	if err := s.wire(m, registry); err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	if s.addr == "" {
		return s, nil
	}
	if s.listener, err = listen(ctx, s.addr); err != nil {
		return nil, errors.Join(err, s.closeLog())
	}
	if s.metricsAddr != "" {
		if s.watched, err = watch(ctx, s.metricsAddr, s.open, s.logger); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// wire makes the HTTP server.
func (s *server) wire(m *metrics.Metrics, registry *prometheus.Registry) error {
	s.streams = streamer.New(s.log, &streamer.Options{
		Heartbeat: s.heartbeat, PollInterval: s.pollInterval, WriteTimeout: s.writeTimeout,
		MaxStreams: s.maxStreams, Trace: m.StreamTrace(), Logger: s.logger,
	})
	errorLog := slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn)
	o := router.Options{
		AllowedHosts: s.allowedHosts, Origins: s.origins, MaxRequestBytes: s.maxRequestBytes, RequestBudget: s.requestBudget, Prices: s.prices,
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: errorLog}),
		Trace:   m.RequestTrace(), Logger: s.logger, Requests: s.requests,
	}
	if s.engine != nil {
		o.Lacks = s.engine.Lacks
	}
	if s.keeper != nil {
		o.Warning = func() string { return budgetWarning(s.keeper) }
	}
	var err error
	if s.open, err = router.New(s.log, nil, &o); err != nil {
		return err
	}
	if s.access != nil {
		s.access.KeyFile = cmp.Or(s.access.KeyFile, s.db+".key")
		if s.auth, err = auth.Open(*s.access); err != nil {
			return err
		}
		o.Authorize, o.Routes = s.auth.Authorize, s.auth.Routes()
	}
	var routes http.Handler // whom the tools of MCP ask, behind what auth takes out of a request
	o.Routes = append(o.Routes, mcp.Route(func() http.Handler { return routes }, version()))
	if routes, err = router.New(s.log, s.streams, &o); err != nil {
		return err
	}
	handler := routes
	if s.auth != nil {
		handler = s.auth.Wrap(handler)
	}
	s.http = &http.Server{
		Handler:           handler,
		ConnContext:       s.streams.ConnContext,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         new(http.Protocols),
		// A connection whose streams all stall is one that nothing can be said to.
		HTTP2:    &http.HTTP2Config{WriteByteTimeout: cmp.Or(s.writeTimeout, 10*time.Second)},
		ErrorLog: errorLog,
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	if s.certificate != nil {
		s.http.TLSConfig = &tls.Config{GetCertificate: s.certificate.get}
	}
	s.http.RegisterOnShutdown(s.streams.Shutdown)
	return nil
}

// url is where the server can be reached.
func (s *server) url() string {
	scheme := "http"
	if s.certificate != nil {
		scheme = "https"
	}
	if s.listener.Addr().Network() == "unix" {
		return unixPrefix + s.listener.Addr().String()
	}
	return scheme + "://" + s.listener.Addr().String()
}

// serve answers requests until ctx ends, which is not an error, or until the storage fails. When
// it returns, all is closed.
func (s *server) serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.accept() }() // shutdown ends it
	var err error
	select {
	case err = <-ended:
		ended <- nil // nobody asked it to: shutdown has nothing to wait for
	case <-s.log.Done():
		err = fmt.Errorf("%w: see to the disk, then start again: what was acknowledged is there", s.log.Err())
		if s.cluster != nil {
			err = explainReplica(s.log.Err())
		}
	case <-ctx.Done():
		s.logger.Info("shutting down")
	}
	closed := errors.Join(s.shutdown(ctx), <-ended)
	if _, is := errors.AsType[strayed](err); is {
		return err // the log says the same once more, and that it has failed
	}
	return errors.Join(err, closed)
}

func (s *server) accept() error {
	var err error
	if s.certificate != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutdown accepts no more, ends the streams, waits for the requests, and closes
// the log, in this order.
func (s *server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := errors.Join(s.http.Shutdown(ctx), s.streams.Drain(ctx), s.watched.close())
	if errors.Is(err, context.DeadlineExceeded) {
		s.logger.Warn("some clients did not finish in time and were cut off")
		err = s.http.Close()
	}
	return errors.Join(err, s.closeLog())
}

// closeLog closes what openServer opened before it listened.
func (s *server) closeLog() error {
	if s.auth != nil {
		s.auth.Close()
	}
	if s.keeper != nil {
		s.keeper.Close()
	}
	err := s.log.Close()
	s.engine.Close()
	s.closeHook() // nothing more happens
	return err
}

func (s *server) closeHook() {
	if s.hook != nil {
		s.hook.Close()
	}
}

// close gives up a server that was never served.
func (s *server) close() error {
	if s.listener == nil {
		return s.closeLog()
	}
	return errors.Join(s.listener.Close(), s.watched.close(), s.closeLog())
}
