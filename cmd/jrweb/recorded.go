package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// importMark is what the end of an imported session says of where it came from.
type importMark struct {
	textID
	// Tail are the sequences of events that were told only because the text ended: when
	// it has grown, others may stand in their place.
	Tail []int `json:"tail,omitempty"`
	// Part says that the session has only what others of the task had not.
	Part bool `json:"part,omitempty"`
}

// found is a session of the log that has the same run.
type found struct {
	eventlog.SessionInfo
	mark   *importMark // nil: it was not imported
	begins bool        // the run's text begins with the one it was imported from

	loaded bool
	tokens []token
	tail   []digest // of the events that may be others in a file that has grown
}

// plan says what of a run is to be recorded.
type plan struct {
	// whole are the sessions that have all of it: nothing is to be recorded.
	whole []eventlog.SessionID
	// open are sessions of the same run that have not ended: an import that was broken
	// off just now, or somebody who records it.
	open []eventlog.SessionID
	// spans are the events that are to be recorded, in sessions of their own.
	spans []span
	// part says that they are not all.
	part bool
	// has says of each event whether some session has it; nil: they are all there, or
	// none is.
	has []bool
	// tail are events that sessions have, and that stand elsewhere in a file that has grown.
	tail []digest
	// replaced are the sessions that have nothing else, once the spans are recorded.
	replaced []eventlog.SessionID
}

// mostTail bounds what a mark says of the tail. A run has a few such events, and each
// of its subagents.
const mostTail = 1000

func (m *importMark) addTail(sequence int) {
	if len(m.Tail) < mostTail {
		m.Tail = append(m.Tail, sequence)
	}
}

// span is a range of the events of a run: the numbers from, and below to.
type span struct{ from, to int }

// planner compares a run with what a task has of it.
type planner struct {
	server *client.Client
	run    *oldRun
}

// plan looks for the run in its task.
func (p *planner) plan(ctx context.Context) (*plan, error) {
	sessions, err := p.find(ctx)
	if err != nil {
		return nil, err
	}
	var open []eventlog.SessionID
	sessions = slices.DeleteFunc(sessions, func(s *found) bool {
		if !s.Sealed() {
			open = append(open, s.ID)
		}
		return !s.Sealed()
	})
	result := &plan{spans: []span{{0, p.run.count}}}
	if len(sessions) > 0 {
		if whole := p.sameText(sessions); whole != nil {
			result = &plan{whole: []eventlog.SessionID{whole.ID}}
			result.replaced, err = p.leftBehind(ctx, sessions, whole)
		} else {
			result, err = p.compare(ctx, sessions)
		}
	}
	if err != nil {
		return nil, err
	}
	result.open = open
	return result, nil
}

// find returns the sessions of the task that have the same run, the oldest first.
func (p *planner) find(ctx context.Context) ([]*found, error) {
	var sessions []*found
	for info, err := range p.server.Sessions(ctx, p.run.task) {
		if hasStatus(err, http.StatusNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		s := &found{SessionInfo: info}
		switch {
		case p.run.origin.Session == "":
			// Only a text that is the same, or that this one begins with, is the same run.
			if text, ok := parseTextName(info.ExternalID); ok {
				s.mark = &importMark{textID: text}
			} else if info.ExternalID == "" && strings.HasPrefix(info.Reason, "imported") {
				if s.mark, err = p.markOf(ctx, info); err != nil {
					return nil, err
				}
			}
			if s.mark == nil {
				continue
			}
		case info.ExternalID != p.run.origin.Session || info.Agent != p.run.origin.Agent:
			continue
		case info.Sealed():
			if s.mark, err = p.markOf(ctx, info); err != nil {
				return nil, err
			}
		}
		sessions = append(sessions, s)
	}
	slices.Reverse(sessions)
	if err := p.markBeginnings(sessions); err != nil {
		return nil, err
	}
	if p.run.origin.Session == "" {
		sessions = slices.DeleteFunc(sessions, func(s *found) bool { return !s.begins })
	}
	return sessions, nil
}

// markOf reads the mark of an imported session.
func (p *planner) markOf(ctx context.Context, info eventlog.SessionInfo) (*importMark, error) {
	last, err := p.server.LastEvent(ctx, info.Task, info.ID)
	if err != nil {
		return nil, err
	}
	var end struct{ Imported *importMark }
	if json.Unmarshal(last.Data, &end) != nil {
		return nil, nil
	}
	return end.Imported, nil
}

// textName is the external id of a run whose agent gives it none.
func textName(text textID) string { return fmt.Sprintf("import-%d-%s", text.Bytes, text.SHA256) }

func parseTextName(name string) (textID, bool) {
	rest, isImport := strings.CutPrefix(name, "import-")
	size, sum, ok := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(size, 10, 64)
	return textID{n, sum}, isImport && ok && err == nil && n >= 0
}

func (p *planner) markBeginnings(sessions []*found) error {
	var texts []textID
	for _, s := range sessions {
		if s.mark != nil {
			texts = append(texts, s.mark.textID)
		}
	}
	slices.SortFunc(texts, func(a, b textID) int { return cmp.Compare(a.Bytes, b.Bytes) })
	begins, err := p.run.beginsWith(texts)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		s.begins = s.mark != nil && (begins[s.mark.textID] || s.mark.textID == p.run.text)
	}
	return nil
}

// sameText returns a session that was imported from the same text, and has all of it.
func (p *planner) sameText(sessions []*found) *found {
	for _, s := range sessions {
		if s.mark != nil && s.mark.textID == p.run.text && !s.mark.Part {
			return s
		}
	}
	return nil
}

// leftBehind returns the sessions that are there only because an earlier import was
// broken off before it deleted them: the text has grown, and whole has it.
func (p *planner) leftBehind(ctx context.Context, sessions []*found, whole *found) ([]eventlog.SessionID, error) {
	var left []eventlog.SessionID
	for _, s := range sessions {
		if s == whole || !s.replaceable() {
			continue
		}
		if !s.begins {
			if err := errors.Join(p.load(ctx, s), p.load(ctx, whole)); err != nil {
				return nil, err
			}
			if _, has := within(s.tokens, whole.tokens); !has {
				continue
			}
		}
		left = append(left, s.ID)
	}
	return left, nil
}

// brokenOff are the reasons of sessions that nobody ended.
var brokenOff = []string{"lease expired", "idle timeout", "process ended", "superseded", "the recording was broken off"}

// replaceable reports whether a session may be deleted once another has all that it has.
// A session that was recorded live to its end never may.
func (s *found) replaceable() bool {
	return s.mark != nil || s.Status == eventlog.Interrupted && slices.Contains(brokenOff, s.Reason)
}

// load reads the tokens of a session.
func (p *planner) load(ctx context.Context, s *found) error {
	if s.loaded {
		return nil
	}
	var t tokens
	var tail []int
	if s.mark != nil {
		tail = s.mark.Tail
	}
	for e, err := range p.server.Events(ctx, s.Task, s.ID) {
		if err != nil {
			return err
		}
		if e.Type == eventlog.TypeComplete {
			break
		}
		event := eventlog.Event{Type: e.Type, Actor: e.Actor, Data: e.Data}
		isTail := slices.Contains(tail, int(e.Sequence))
		if isTail {
			s.tail = append(s.tail, digestOf(&event))
		}
		t.add(&event, isTail)
	}
	s.tokens, s.loaded = t.list, true
	return nil
}

// compare finds out what of the run is in the sessions.
func (p *planner) compare(ctx context.Context, sessions []*found) (*plan, error) {
	ofRun, times, err := p.readRun()
	if err != nil {
		return nil, err
	}
	// What stays in other sessions, and with that what those have that can be replaced.
	stays, there := make([]bool, ofRun.events), make([]bool, ofRun.events)
	result := &plan{}
	for _, s := range sessions {
		if err := p.load(ctx, s); err != nil {
			return nil, err
		}
		if _, has := within(ofRun.list, s.tokens); has && p.run.origin.Session != "" {
			return &plan{whole: []eventlog.SessionID{s.ID}}, nil // an older copy, say
		}
		at, has := within(s.tokens, ofRun.list)
		if has || s.begins {
			result.tail = append(result.tail, s.tail...)
		}
		if s.replaceable() && (has || s.begins) {
			result.replaced = append(result.replaced, s.ID)
			for _, k := range at { // what it lacks between them is to be recorded
				cover(there, ofRun, k, k)
			}
			if !has {
				coverTime(there, times, s)
			}
			continue
		}
		if has {
			cover(stays, ofRun, at[0], at[len(at)-1])
		}
		coverTime(stays, times, s) // it may tell of the same in another form
	}
	for i := range there {
		there[i] = there[i] || stays[i]
	}
	result.has = there
	missing := slices.Contains(there, false)
	if result.part = slices.Contains(stays, true); result.part && missing {
		spans, err := p.uncovered(there)
		if err != nil {
			return nil, err
		}
		missing = len(spans) > 0
	}
	if !missing {
		for _, s := range sessions {
			result.whole = append(result.whole, s.ID)
		}
		result.replaced = nil
		return result, nil
	}
	result.spans, err = p.uncovered(stays)
	return result, err
}

// cover marks the events of some tokens of a run.
func cover(covered []bool, run *tokens, first, last int) {
	from, to := run.eventsOf(first, last)
	for i := from; i < to; i++ {
		covered[i] = true
	}
}

// coverTime marks the events that lie within the time of a session.
func coverTime(covered []bool, times []int64, s *found) {
	for i, at := range times {
		if at != 0 && at >= s.Started.UnixMilli() && at <= s.Ended.UnixMilli() {
			covered[i] = true
		}
	}
}

// readRun returns the run's tokens, and the times of its events, 0 for none.
func (p *planner) readRun() (t *tokens, times []int64, err error) {
	t = &tokens{}
	err = p.run.each(false, func(e fedEvent) error {
		at := int64(0)
		if !e.Time.IsZero() {
			at = e.Time.UnixMilli()
		}
		times = append(times, at)
		t.add(&e.Event, e.tail)
		return nil
	})
	return t, times, err
}

// uncovered returns the ranges of events that no session has. What says nothing of the
// run but what it is called and costs is not worth a session.
func (p *planner) uncovered(covered []bool) (spans []span, err error) {
	n, open, says := 0, span{from: -1}, false
	end := func() {
		if open.from >= 0 && (says || !slices.Contains(covered, true)) {
			open.to = n
			spans = append(spans, open)
		}
		open.from, says = -1, false
	}
	err = p.run.each(false, func(e fedEvent) error {
		if covered[n] {
			end()
		} else {
			if open.from < 0 {
				open.from = n
			}
			says = says || !saysLittle[e.Type]
		}
		n++
		return nil
	})
	end()
	return spans, err
}

var saysLittle = map[string]bool{eventlog.TypeSession: true, eventlog.TypeCost: true, eventlog.TypeStatus: true}

// sessionsOf names sessions for people.
func sessionsOf(ids []eventlog.SessionID) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.String())
	}
	text := "session " + names[0]
	if len(names) > 1 {
		text = "sessions " + strings.Join(names, ", ")
	}
	return text
}
