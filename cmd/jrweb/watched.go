package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// watched serves metrics and health at an address of their own, for those who watch
// over the server and do not sign in.
type watched struct {
	http *http.Server
}

// watch serves until close. The handler is a router without anybody to ask who it is,
// of which these routes are served only.
func watch(ctx context.Context, addr string, handler http.Handler, logger *slog.Logger) (*watched, error) {
	l, err := listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	errorLog := slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	mux := http.NewServeMux()
	for _, route := range []string{"GET /metrics", "GET /healthz", "GET /readyz"} {
		mux.Handle(route, handler)
	}
	w := &watched{&http.Server{Handler: mux, ReadTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: errorLog}}
	logger.Info("serving metrics", "url", "http://"+l.Addr().String()+"/metrics")
	go func() {
		if err := w.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("metrics are not served any more", "error", err)
		}
	}()
	return w, nil
}

func (w *watched) close() error {
	if w == nil {
		return nil
	}
	return w.http.Close()
}
