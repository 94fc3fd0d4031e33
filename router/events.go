package router

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"jrweb/eventlog"
	"jrweb/streamer"
)

const (
	defaultEvents = 1000
	mostEvents    = 10_000
	// An answer ends early once it holds this many bytes, or once this many events were
	// read for it. Its next says where to continue.
	answerBytes  = 8 << 20
	answerLooked = 100_000
)

// history is a request for existing events.
type history struct {
	rt   *router
	w    http.ResponseWriter
	task string

	session eventlog.SessionID // zero: the latest
	all     bool
	types   streamer.Types
	limit   int
	last    int    // how many of the newest; 0: from the cursor on
	after   string // the cursor as it was sent, "" if none was

	events []entry
	bytes  int
	looked int
	next   eventlog.Cursor // the last place that was read
}

// entry is an event with its session.
type entry struct {
	session eventlog.SessionID
	eventlog.Event
}

func (rt *router) listEvents(w http.ResponseWriter, r *http.Request, p params) error {
	w.Header().Add("Vary", "Accept")
	h := &history{rt: rt, w: w, task: p.task}
	if err := h.parse(r); err != nil {
		return err
	}
	start, err := h.start(r.Context())
	if err != nil {
		return err
	}
	switch {
	case start.ID.IsZero(): // no session yet
	case h.last > 0:
		err = h.readLast(r.Context(), start)
	default:
		err = h.read(r.Context())
	}
	if err != nil {
		return err
	}
	if wants(r, typeNDJSON) {
		h.writeNDJSON(w, r)
		return nil
	}
	h.writeJSON(w)
	return nil
}

func (h *history) parse(r *http.Request) error {
	q, err := readQuery(r, "session", "sessions", "after", "limit", "types", "last")
	if err != nil {
		return err
	}
	if h.session, err = q.session(); err != nil {
		return err
	}
	if h.all, err = q.all(); err != nil {
		return err
	}
	if list, given := q["types"]; given {
		if h.types, err = streamer.ParseTypes(list); err != nil {
			return err
		}
	}
	if h.limit, err = q.number("limit", defaultEvents, mostEvents); err != nil {
		return err
	}
	if h.last, err = q.number("last", 0, mostEvents); err != nil {
		return err
	}
	if h.after = q["after"]; h.after != "" && h.last > 0 {
		return badQuery("last", "cannot stand beside after")
	}
	if _, given := q["limit"]; h.last > 0 && (!given || h.last < h.limit) {
		h.limit = h.last
	}
	return nil
}

// start finds the session where the answer begins (with last: where it ends), and sets the
// cursor. It returns the zero session if there is none yet.
func (h *history) start(ctx context.Context) (eventlog.SessionInfo, error) {
	task, err := h.rt.log.Task(ctx, h.task)
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	if h.after != "" {
		return h.startAfter(ctx)
	}
	id := h.session
	if id.IsZero() {
		id = task.Latest
	}
	if h.all && h.last == 0 {
		first, _, err := h.rt.log.SessionAfter(ctx, h.task, eventlog.SessionID{})
		if err != nil {
			return eventlog.SessionInfo{}, err
		}
		id = first.ID
	}
	if id.IsZero() {
		return eventlog.SessionInfo{}, nil
	}
	info, err := h.rt.log.Session(h.task, id).Info(ctx)
	if err != nil {
		return eventlog.SessionInfo{}, err
	}
	h.next = eventlog.Cursor{Session: id, Sequence: info.First - 1}
	return info, nil
}

// startAfter finds the session of the cursor.
func (h *history) startAfter(ctx context.Context) (eventlog.SessionInfo, error) {
	cursor, err := eventlog.ParseCursor(h.after)
	if errors.Is(err, eventlog.ErrMalformed) {
		return eventlog.SessionInfo{}, badQuery("after", "must be a cursor, <session>:<sequence>")
	}
	var info eventlog.SessionInfo
	if err == nil {
		info, err = h.rt.log.Session(h.task, cursor.Session).Info(ctx)
	}
	if errors.Is(err, eventlog.ErrSessionNotFound) || err == nil && !h.session.IsZero() && cursor.Session != h.session {
		p := newProblem(http.StatusNotFound, "unknown_cursor", "Unknown cursor", "after names a session that is not the one asked for, or that does not exist")
		p.Field = "after"
		return info, p
	}
	switch {
	case err != nil:
		return info, err
	case cursor.Sequence > info.Head:
		p := newProblem(http.StatusConflict, "ahead", "Cursor is ahead", fmt.Sprintf("after is ahead of the session, whose last event is %d", info.Head))
		p.Field = "after"
		return info, p
	case cursor.Sequence+1 < info.First:
		return info, trimmed(cursor.Session, info.First)
	}
	h.next = cursor
	return info, nil
}

// trimmed is the problem of a cursor before the oldest event that is kept.
func trimmed(session eventlog.SessionID, first uint64) *problem {
	p := newProblem(http.StatusGone, "trimmed", "Events are no longer kept", fmt.Sprintf("the oldest event that is kept is %d; go on after next", first))
	p.Field = "after"
	p.Next = eventlog.Cursor{Session: session, Sequence: first - 1}.String()
	return p
}

// full reports whether the answer has reached a limit.
func (h *history) full() bool {
	return len(h.events) >= h.limit || h.bytes >= answerBytes || h.looked >= answerLooked
}

// hold reserves memory for a page of events, including those that will not be shown.
func (h *history) hold(page []eventlog.Event) error {
	n := 0
	for i := range page {
		n += len(page[i].Data) + 256
	}
	return hold(h.w, n)
}

// add reads an event and takes it if it must be shown.
func (h *history) add(session eventlog.SessionID, e eventlog.Event) {
	h.looked++
	h.next = eventlog.Cursor{Session: session, Sequence: e.Sequence}
	if h.types.Show(&e) {
		h.events = append(h.events, entry{session, e})
		h.bytes += len(e.Data)
	}
}

// read reads from the cursor on.
func (h *history) read(ctx context.Context) error {
	for !h.full() {
		page, err := h.rt.log.Read(ctx, h.task, h.next.Session, h.next.Sequence)
		if err != nil {
			return err
		}
		if page.Gap(h.next.Sequence) { // trimmed since the start: a hole must never be silent
			return trimmed(h.next.Session, page.First)
		}
		if err := h.hold(page.Events); err != nil {
			return err
		}
		for i := 0; i < len(page.Events) && !h.full(); i++ {
			h.add(h.next.Session, page.Events[i])
		}
		if len(page.Events) > 0 {
			continue
		}
		if !h.all || !page.Sealed {
			return nil
		}
		next, found, err := h.rt.log.SessionAfter(ctx, h.task, h.next.Session)
		if err != nil || !found {
			return err
		}
		h.next = eventlog.Cursor{Session: next.ID, Sequence: next.First - 1}
	}
	return nil
}

// readLast reads backwards from the head until it has the requested newest events.
func (h *history) readLast(ctx context.Context, session eventlog.SessionInfo) error {
	head := eventlog.Cursor{Session: session.ID, Sequence: session.Head}
	for {
		for before := session.Head + 1; !h.full(); {
			page, err := h.rt.log.ReadBefore(ctx, h.task, session.ID, before)
			if err != nil {
				return err
			}
			if len(page.Events) == 0 {
				break
			}
			if err := h.hold(page.Events); err != nil {
				return err
			}
			for i := len(page.Events) - 1; i >= 0 && !h.full(); i-- {
				h.add(session.ID, page.Events[i])
			}
			before = page.Events[0].Sequence
		}
		if !h.all || h.full() {
			break
		}
		older, found, err := h.rt.log.SessionBefore(ctx, h.task, session.ID)
		if err != nil {
			return err
		}
		if !found {
			break
		}
		session = older
	}
	slices.Reverse(h.events)
	h.next = head
	return nil
}

// nextText is the cursor to continue from, or "" before the first session.
func (h *history) nextText() string {
	if h.next.Session.IsZero() {
		return ""
	}
	return h.next.String()
}

func (h *history) writeJSON(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", typeJSON)
	header.Set("Cache-Control", "no-cache")
	out := bufio.NewWriter(w) // errors are those of a client that is gone
	_, _ = out.WriteString(`{"events":[`)
	var envelope []byte
	for i := range h.events {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		envelope = eventlog.AppendEnvelope(envelope[:0], h.task, h.events[i].session, &h.events[i].Event)
		_, _ = out.Write(envelope)
	}
	_, _ = fmt.Fprintf(out, "],\"next\":%q}\n", h.nextText())
	_ = out.Flush()
}

func (h *history) writeNDJSON(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", typeNDJSON)
	header.Set("Cache-Control", "no-cache")
	if next := h.nextText(); next != "" {
		q := r.URL.Query()
		q.Del("last")
		q.Set("after", next)
		// Relative to the path of the request, so that it is right under any mount.
		link := url.URL{Path: "events", RawQuery: q.Encode()}
		header.Set("Link", "<"+link.String()+`>; rel="next"`)
	}
	out := bufio.NewWriter(w)
	var line []byte
	for i := range h.events {
		line = eventlog.AppendEnvelope(line[:0], h.task, h.events[i].session, &h.events[i].Event)
		_, _ = out.Write(append(line, '\n'))
	}
	_ = out.Flush()
}
