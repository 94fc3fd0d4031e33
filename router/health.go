package router

import (
	"context"
	"io"
	"net/http"
	"time"
)

// probeTimeout is how long a commit may take before the log counts as not ready.
const probeTimeout = time.Second

func (rt *router) healthz(w http.ResponseWriter, r *http.Request, _ params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	return writeOK(w)
}

// readyz answers whether the log can commit.
func (rt *router) readyz(w http.ResponseWriter, r *http.Request, _ params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	probe := make(chan error, 1)
	go func() { probe <- rt.log.Probe(ctx) }() // at most one outlives us, while the disk hangs
	select {
	case err := <-probe:
		if err != nil {
			return err
		}
		return writeOK(w)
	case <-ctx.Done():
		return newProblem(http.StatusServiceUnavailable, "not_ready", "Not ready", "a commit takes longer than a second")
	}
}

func writeOK(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n") // the client may be gone
	return nil
}
