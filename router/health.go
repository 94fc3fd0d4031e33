package router

import (
	"context"
	"fmt"
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

// readyz answers whether the log can commit, and whether anything else is lacking. In a cluster it
// also says what becomes of what is committed.
func (rt *router) readyz(w http.ResponseWriter, r *http.Request, _ params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	probe := make(chan error, 1)
	go func() { probe <- rt.probe(ctx) }() // it outlives us while the disk hangs, and nobody piles up behind it
	select {
	case err := <-probe:
		if err != nil {
			return err
		}
		return writeOK(w, rt.promises()...)
	case <-ctx.Done():
		return newProblem(http.StatusServiceUnavailable, "not_ready", "Not ready", "a commit, or the answer to what else is lacking, takes longer than a second")
	}
}

// probe returns why the server is not ready, or nil.
func (rt *router) probe(ctx context.Context) error {
	if err := rt.log.Probe(ctx); err != nil || rt.o.Lacks == nil {
		return err
	}
	select {
	case rt.lacking <- struct{}{}:
		defer func() { <-rt.lacking }()
	case <-ctx.Done(): // while it hangs, callers must not pile up
		return ctx.Err()
	}
	if err := rt.o.Lacks(); err != nil {
		return newProblem(http.StatusServiceUnavailable, "not_ready", "Not ready", err.Error())
	}
	return nil
}

// promises says what an acknowledged event survives in a cluster, a line each.
func (rt *router) promises() []string {
	c := rt.log.Stats().Cluster
	switch {
	case c == nil:
		return nil
	case len(c.Weaknesses) == 0:
		return []string{fmt.Sprintf("cluster: what is acknowledged is on the disks of most of %d servers", c.Servers)}
	}
	var lines []string
	for _, w := range c.Weaknesses {
		lines = append(lines, fmt.Sprintf("cluster: weak, %s: %s", w, w.Text()))
	}
	return lines
}

func writeOK(w http.ResponseWriter, more ...string) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	for _, line := range append([]string{"ok"}, more...) {
		_, _ = io.WriteString(w, line+"\n") // the client may be gone
	}
	return nil
}
