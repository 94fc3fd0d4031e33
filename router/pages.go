package router

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/page"
)

const (
	// pageSessions is how many sessions the page of a task lists.
	pageSessions = 200
)

func (rt *router) taskPage(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "session", "sessions", "before", "after", "around", "at", "find") // find is for the script
	if err != nil {
		return err
	}
	view := page.TaskPage{Prices: rt.o.Prices, Person: rt.mayBePerson(r, &p.grant)}
	if view.Session, err = q.session(); err != nil {
		return err
	}
	if view.Whole, err = q.all(); err != nil {
		return err
	}
	if view.Task, err = rt.log.Task(r.Context(), p.task); err != nil {
		return err
	}
	if view.Sessions, err = rt.log.Sessions(r.Context(), p.task, eventlog.SessionID{}, pageSessions); err != nil {
		return err
	}
	view.Writes = p.grant.Role >= RoleWrite
	if view.Writes { // a link to share shows one task, and no more
		view.Warning = rt.warning(&p.grant)
	}
	t := &timeline{log: rt.log, task: p.task, whole: view.Whole}
	switch {
	case !view.Session.IsZero():
		if t.session, err = rt.log.Session(p.task, view.Session).Info(r.Context()); err != nil {
			return err
		}
		view.Sessions = withSession(view.Sessions, t.session)
	case len(view.Sessions) > 0:
		t.session = view.Sessions[0]
	}
	// A session that has ended is shown from its start, an open one at its end.
	t.fromStart = !view.Whole && t.session.Status != eventlog.StatusOpen
	if err := t.parsePlace(q); err != nil {
		return err
	}
	if !t.session.ID.IsZero() {
		if view.Part, err = t.part(r.Context()); err != nil {
			return err
		}
	}
	if err := rt.addToPage(r.Context(), &p.grant, &view, t); err != nil {
		return err
	}
	rt.o.Prices.EstimateTask(&view.Task)
	for i := range view.Sessions {
		rt.showSession(&view.Sessions[i])
	}
	var html bytes.Buffer
	if err := page.Task(&html, view); err != nil {
		return err
	}
	return writePage(w, &html)
}

// addToPage adds what the page shows beside the timeline.
func (rt *router) addToPage(ctx context.Context, grant *Grant, view *page.TaskPage, t *timeline) (err error) {
	if t.session.ID.IsZero() {
		return nil
	}
	shown := []eventlog.SessionInfo{t.session}
	if view.Whole {
		shown = slices.Clone(view.Sessions)
		slices.Reverse(shown)
	}
	looks := outlineLooks
	if err := rt.summarize(ctx, view, &t.session, &looks); err != nil {
		return err
	}
	if err := rt.addCallers(ctx, view, t, &looks); err != nil {
		return err
	}
	if view.Raws, err = rt.outlines.raws(ctx, shown, &looks); err != nil {
		return err
	}
	for i := range view.Sessions {
		if s := &view.Sessions[i]; s.ID == t.session.ID {
			if err := rt.showElsewhere(ctx, grant, s); err != nil {
				return err
			}
		}
	}
	if t.session.ParentExternalID == "" {
		return nil
	}
	parents, err := rt.log.SessionsByExternalID(ctx, t.session.Agent, t.session.ParentExternalID)
	if err != nil {
		return err
	}
	for i := range parents {
		if grant.sees(parents[i].Task) {
			view.ParentRun = page.Run{Task: parents[i].Task, Session: parents[i].ID}
			break
		}
	}
	return nil
}

// warning is what the pages of a client say at their top.
func (rt *router) warning(g *Grant) string {
	if rt.o.Warning == nil || g.Sees != nil {
		return ""
	}
	return rt.o.Warning()
}

// withSession replaces a session in a list by its newest state, or adds it at the end if it
// is too old for the list.
func withSession(sessions []eventlog.SessionInfo, info eventlog.SessionInfo) []eventlog.SessionInfo {
	for i := range sessions {
		if sessions[i].ID == info.ID {
			sessions[i] = info // so that the totals match the events that the page shows
			return sessions
		}
	}
	return append(sessions, info)
}

func writePage(w http.ResponseWriter, html *bytes.Buffer) error {
	return writePageAs(w, http.StatusOK, html)
}

func writePageAs(w http.ResponseWriter, status int, html *bytes.Buffer) error {
	if err := hold(w, html.Cap()); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.ContentSecurityPolicy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(html.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes()) // the client may be gone
	return nil
}

// wants reports whether the Accept header names a media type.
func wants(r *http.Request, mediaType string) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), mediaType) && !refused(parameters) {
				return true
			}
		}
	}
	return false
}

// refused reports whether the parameters have a quality of zero.
func refused(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q == 0
		}
	}
	return false
}

func (rt *router) streamEvents(w http.ResponseWriter, r *http.Request, p params) error {
	return rt.stream.Events(w, r, p.task)
}

func (rt *router) streamTasks(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	return rt.stream.Tasks(w, r, p.grant.Sees)
}
