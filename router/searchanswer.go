package router

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// searchHit is a hit of a search over all runs, as JSON shows it.
type searchHit struct {
	ID       string        `json:"id"`
	Task     string        `json:"task"`
	Title    string        `json:"title"`
	Session  string        `json:"session"`
	Sequence uint64        `json:"sequence"`
	Agent    string        `json:"agent"`
	Model    string        `json:"model"`
	Status   string        `json:"status"`
	Started  eventlog.Time `json:"started"`
	Ended    eventlog.Time `json:"ended"`
	Time     eventlog.Time `json:"time"`
	Type     string        `json:"type"`
	Actor    string        `json:"actor"`
	// Tool is of calls of tools and of their results.
	Tool string `json:"tool,omitempty"`
	// Line is the line around what was found, in pieces. Every second one is a word that was
	// searched for.
	Line []string `json:"line"`
}

func newSearchHit(h *eventlog.Hit) searchHit {
	return searchHit{
		ID: h.Place.Cursor.String(), Task: h.Session.Task, Title: h.Title, Session: h.Session.ID.String(), Sequence: h.Sequence,
		Agent: h.Session.Agent, Model: h.Session.Model, Status: string(h.Session.Status), Started: h.Session.Started, Ended: h.Session.Ended,
		Time: eventlog.Time{Time: h.Event.Time}, Type: h.Type, Actor: string(h.Actor), Tool: page.ToolOf(&h.Event), Line: h.Line,
	}
}

// jsonHits collects hits.
type jsonHits struct {
	w    http.ResponseWriter
	hits []searchHit
}

func (c *jsonHits) hit(h *eventlog.Hit) error {
	one := newSearchHit(h)
	size := 1024 + len(one.Title) + len(one.Agent) + len(one.Model)
	for _, piece := range one.Line {
		size += len(piece)
	}
	c.hits = append(c.hits, one)
	return hold(c.w, 3*size) // as values, as text, and as text that is copied
}

func (c *jsonHits) pause() error { return nil }

func (s *search) answerJSON(ctx context.Context) error {
	found := &jsonHits{w: s.w, hits: []searchHit{}}
	if err := s.find(ctx, found); err != nil {
		return err
	}
	return writeJSON(s.w, http.StatusOK, struct {
		Hits []searchHit   `json:"hits"`
		Next string        `json:"next"`
		Back eventlog.Time `json:"back"`
		Done bool          `json:"done"`
	}{found.hits, s.nextText(), s.back, s.done})
}

// flow writes what is found as it is found. A client that takes nothing for long is cut.
type flow struct {
	w       http.ResponseWriter
	control *http.ResponseController
	waiting bytes.Buffer // what is not written yet
	last    time.Time    // when something was written
}

func newFlow(w http.ResponseWriter, contentType string) *flow {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	return &flow{w: w, control: http.NewResponseController(w), last: time.Now()}
}

// flush writes what is waiting.
func (f *flow) flush() error {
	if f.waiting.Len() == 0 {
		return nil
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(searchPatience)) // where there is none, the server has its own
	if _, err := f.w.Write(f.waiting.Bytes()); err != nil {
		return err
	}
	f.waiting.Reset()
	f.last = time.Now()
	_ = f.control.Flush() // where it cannot, the answer comes as a whole
	return nil
}

// release lets the connection live on. It must be called at the end.
func (f *flow) release() { _ = f.control.SetWriteDeadline(time.Time{}) }

// ndjsonHits writes hits line by line.
type ndjsonHits struct {
	*flow
	s *search
}

// searchLine is a line of NDJSON: it has one of these.
type searchLine struct {
	Hit *searchHit `json:"hit,omitempty"`
	// Back is how far the search has come: all sessions that ended later were searched.
	Back *eventlog.Time `json:"back,omitempty"`
	// Next and Done are in the last line.
	Next *string `json:"next,omitempty"`
	Done *bool   `json:"done,omitempty"`
}

func (n *ndjsonHits) line(l searchLine) error { return json.NewEncoder(&n.waiting).Encode(l) }

func (n *ndjsonHits) hit(h *eventlog.Hit) error {
	one := newSearchHit(h)
	return n.line(searchLine{Hit: &one})
}

func (n *ndjsonHits) pause() error {
	if n.waiting.Len() == 0 && time.Since(n.last) >= searchQuiet {
		if err := n.line(searchLine{Back: &n.s.back}); err != nil {
			return err
		}
	}
	return n.flush()
}

func (s *search) answerNDJSON(ctx context.Context) error {
	out := &ndjsonHits{newFlow(s.w, typeNDJSON), s}
	defer out.release()
	if err := s.find(ctx, out); err != nil {
		return err // without its last line the answer is not whole
	}
	next := s.nextText()
	if err := out.line(searchLine{Back: &s.back, Next: &next, Done: &s.done}); err != nil {
		return err
	}
	return out.flush()
}
