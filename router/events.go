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
	next   eventlog.Place // the last place that was read
	head   uint64         // of the session where the answer begins
}

func (rt *router) listEvents(w http.ResponseWriter, r *http.Request, p params) error {
	w.Header().Add("Vary", "Accept")
	h := &history{rt: rt, w: w, task: p.task}
	if err := h.parse(r); err != nil {
		return err
	}
	some, err := h.start(r.Context())
	if err == nil && some {
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

// start finds where the answer begins, or of which session it is the end. some is false if
// there is no session yet.
func (h *history) start(ctx context.Context) (some bool, err error) {
	task, err := h.rt.log.Task(ctx, h.task)
	if err != nil {
		return false, err
	}
	if h.after != "" {
		return true, h.startAfter(ctx)
	}
	id := h.session
	if id.IsZero() {
		id = task.Latest
	}
	if h.all && h.last == 0 {
		first, _, err := h.rt.log.SessionAfter(ctx, h.task, eventlog.SessionID{})
		if err != nil {
			return false, err
		}
		id = first.ID
	}
	if id.IsZero() {
		return false, nil
	}
	place, info, err := h.rt.log.Place(ctx, h.task, eventlog.Cursor{Session: id})
	if !h.all {
		place.Sequence = max(info.First, 1) - 1
	}
	h.next, h.head = place, info.Head
	return true, err
}

// startAfter sets the place of the cursor.
func (h *history) startAfter(ctx context.Context) error {
	cursor, err := eventlog.ParseCursor(h.after)
	if errors.Is(err, eventlog.ErrMalformed) {
		return badQuery("after", "must be a cursor, <session>:<sequence>")
	}
	var place eventlog.Place
	var info eventlog.SessionInfo
	if err == nil {
		place, info, err = h.rt.log.Place(ctx, h.task, cursor)
	}
	if errors.Is(err, eventlog.ErrSessionNotFound) || err == nil && !h.session.IsZero() && cursor.Session != h.session {
		p := newProblem(http.StatusNotFound, "unknown_cursor", "Unknown cursor", "after names a session that is not the one asked for, or that does not exist")
		p.Field = "after"
		return p
	}
	switch {
	case err != nil:
		return err
	case cursor.Sequence > info.Head:
		p := newProblem(http.StatusConflict, "ahead", "Cursor is ahead", fmt.Sprintf("after is ahead of the session, whose last event is %d", info.Head))
		p.Field = "after"
		return p
	case cursor.Sequence+1 < info.First:
		return trimmed(cursor.Session, info.First)
	}
	h.next = place
	return nil
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
func (h *history) hold(page []entry) error {
	n := 0
	for i := range page {
		n += len(page[i].Data) + 256
	}
	return hold(h.w, n)
}

// add reads an event and takes it if it must be shown.
func (h *history) add(e *entry) {
	h.looked++
	h.next = e.place()
	if h.types.Show(&e.Event) {
		h.events = append(h.events, *e)
		h.bytes += len(e.Data)
	}
}

// read reads from the cursor on, or with last backwards from the head.
func (h *history) read(ctx context.Context) error {
	switch {
	case h.last > 0:
		return h.readLast(ctx)
	case h.all:
		return h.readAll(ctx)
	}
	for !h.full() {
		read, err := h.rt.log.Read(ctx, h.task, h.next.Session, h.next.Sequence)
		if err != nil {
			return err
		}
		if read.Gap(h.next.Sequence) { // trimmed since the start: a hole must never be silent
			return trimmed(h.next.Session, read.First)
		}
		page := entriesOf(h.next.Session, read.Events)
		if err := h.take(page); err != nil || len(page) == 0 {
			return err
		}
	}
	return nil
}

// take adds the events of a page, as long as there is room in the answer.
func (h *history) take(page []entry) error {
	if err := h.hold(page); err != nil {
		return err
	}
	for i := 0; i < len(page) && !h.full(); i++ {
		h.add(&page[i])
	}
	return nil
}

// readAll is read for all sessions, in their order.
func (h *history) readAll(ctx context.Context) error {
	for !h.full() {
		page, gap, more, err := allAfter(ctx, h.rt.log, h.task, h.next)
		if err != nil {
			return err
		}
		if err := h.take(page); err != nil {
			return err
		}
		if gap != nil && !h.full() {
			if h.looked > 0 {
				return nil // the next answer begins with it
			}
			return trimmed(gap.Session, gap.Next)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// readLast reads backwards from the head until it has the requested newest events.
func (h *history) readLast(ctx context.Context) error {
	head := h.next
	if !h.all {
		head.Sequence = h.head
	}
	before := eventlog.Place{Cursor: eventlog.Cursor{Session: head.Session, Sequence: h.head + 1}}
	if h.all {
		before = eventlog.Place{}
	}
	for more := true; more && !h.full(); {
		page, err := h.pageBefore(ctx, before)
		if err != nil {
			return err
		}
		if more = len(page) > 0; !more {
			break
		}
		if h.all && h.looked == 0 {
			head = page[0].place()
		}
		before = page[len(page)-1].place()
		if err := h.take(page); err != nil {
			return err
		}
	}
	slices.Reverse(h.events)
	h.next = head
	return nil
}

// pageBefore reads the newest events before a place, the last first.
func (h *history) pageBefore(ctx context.Context, before eventlog.Place) ([]entry, error) {
	if h.all {
		page, _, err := allBefore(ctx, h.rt.log, h.task, before)
		return page, err
	}
	read, err := h.rt.log.ReadBefore(ctx, h.task, before.Session, before.Sequence)
	slices.Reverse(read.Events)
	return entriesOf(before.Session, read.Events), err
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
