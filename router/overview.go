package router

import (
	"bytes"
	"context"
	"net/http"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// quotedBytes is how much of events the outcome of a run may quote.
const quotedBytes = 1 << 20

// getOverview answers what a page shows above the rows of a session, as HTML. Pages request
// it while they follow a session, and when it has ended.
func (rt *router) getOverview(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "session", "sessions")
	if err != nil {
		return err
	}
	view := page.TaskPage{}
	if view.Whole, err = q.all(); err != nil {
		return err
	}
	if err := rt.summarizeOne(r.Context(), &view, p.task, q); err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.Overview(&html, view); err != nil {
		return err
	}
	return writePage(w, &html)
}

// summarizeOne fills a page with a task, the session that a query names or the latest, and
// its summary.
func (rt *router) summarizeOne(ctx context.Context, view *page.TaskPage, task string, q queryValues) error {
	view.Prices = rt.o.Prices
	id, err := q.session()
	if err != nil {
		return err
	}
	if view.Task, err = rt.log.Task(ctx, task); err != nil {
		return err
	}
	if id.IsZero() {
		id = view.Task.Latest
	}
	if id.IsZero() {
		return nil
	}
	info, err := rt.log.Session(task, id).Info(ctx)
	if err != nil {
		return err
	}
	view.Sessions = []eventlog.SessionInfo{info}
	looks := outlineLooks
	return rt.summarize(ctx, view, &info, &looks)
}

// summarize adds to a page the summary of a session, with the events that the summary
// quotes.
func (rt *router) summarize(ctx context.Context, view *page.TaskPage, s *eventlog.SessionInfo, looks *int) error {
	if err := rt.outlines.with(ctx, s, looks, func(o *page.Outline) { view.Summary = o.Summary(s) }); err != nil {
		return err
	}
	view.Quoted = map[uint64]*eventlog.Event{}
	return rt.quote(ctx, view, s, view.Summary.Quotes())
}

// quote adds events of a session to those that a page quotes.
func (rt *router) quote(ctx context.Context, view *page.TaskPage, s *eventlog.SessionInfo, sequences []uint64) error {
	size := 0
	for _, sequence := range sequences {
		if size >= quotedBytes {
			break
		}
		if sequence < s.First {
			continue // it is no longer kept
		}
		_, err := rt.log.Scan(ctx, s.Task, s.ID, sequence-1, func(e *eventlog.Event) bool {
			one := *e
			one.Data = bytes.Clone(e.Data)
			view.Quoted[sequence] = &one
			size += len(one.Data)
			return false
		})
		if err != nil {
			return err
		}
	}
	return nil
}
