package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// isExport reports whether a file begins like what jrweb export writes. A blank one does: it has
// no sessions.
func isExport(path string) (bool, error) {
	found := true
	err := readFile(path, func(l inputLine) error {
		var envelope struct {
			Task, Session string
			Sequence      uint64
		}
		found = json.Unmarshal(l.text, &envelope) == nil && envelope.Task != "" && envelope.Session != "" && envelope.Sequence > 0
		return errEnough
	})
	return found, err
}

// oldSession is where a session stands in a file.
type oldSession struct {
	path                string
	old                 eventlog.SessionID
	task                string
	firstLine, lastLine int
	events              int
	head                uint64 // sequence of its last event
	ended               bool
	started             time.Time
}

// scanSessions adds the sessions of a file to others. The events of a session stand in
// order, between those of sessions that ran beside it, and none is missing; the front may
// have been trimmed.
func scanSessions(path, task string, sessions []*oldSession) ([]*oldSession, error) {
	known := map[eventlog.SessionID]*oldSession{}
	for _, s := range sessions {
		known[s.old] = s
	}
	err := readFile(path, func(l inputLine) error {
		e, err := eventlog.ParseEnvelope(l.text)
		if err != nil {
			return err
		}
		s := known[e.Session]
		if s == nil {
			s = &oldSession{path: path, old: e.Session, task: e.Task, firstLine: l.number, head: e.Sequence - 1, started: e.Time}
			if task != "" {
				s.task = task
			}
			known[e.Session] = s
			sessions = append(sessions, s)
		}
		switch {
		case s.path != path:
			return fmt.Errorf("session %s is in %s as well", s.old, s.path)
		case s.ended:
			return fmt.Errorf("session %s goes on after its end", s.old)
		case e.Sequence != s.head+1:
			return fmt.Errorf("event %d of session %s follows event %d", e.Sequence, s.old, s.head)
		case task == "" && e.Task != s.task:
			return fmt.Errorf("session %s is of task %s, and of task %s", s.old, s.task, e.Task)
		}
		s.head, s.lastLine, s.ended = e.Sequence, l.number, e.Type == eventlog.TypeComplete
		s.events++
		return nil
	})
	return sessions, err
}

// session imports one session. Every request has a key that follows from the old
// id, so that all of it can be repeated.
func (i *importer) session(ctx context.Context, s *oldSession) (eventlog.SessionID, error) {
	start := client.Start{ExternalID: s.old.String(), Started: s.started, Concurrent: true}
	return i.start(ctx, s.task, start, fmt.Sprintf("import-%s", s.old), false, func(id eventlog.SessionID) error {
		return i.events(ctx, s, id)
	})
}

// events appends all events of a session, and its end if it had none.
func (i *importer) events(ctx context.Context, s *oldSession, id eventlog.SessionID) error {
	b, batches := &batch{}, 0
	send := func() error {
		if len(b.lines) == 0 {
			return nil
		}
		batches++
		_, err := i.server.Append(ctx, s.task, client.Append{Session: id, Key: fmt.Sprintf("import-%d", batches), Body: b.body})
		if err != nil {
			return b.locate(err)
		}
		i.done += int64(len(b.lines))
		i.bar.show(i.done, i.total)
		b = &batch{}
		return nil
	}
	var failed error // of the server: it names its lines itself
	err := readFile(s.path, func(l inputLine) error {
		if l.number < s.firstLine {
			return nil
		}
		if l.number > s.lastLine {
			return errEnough
		}
		e, err := eventlog.ParseEnvelope(l.text)
		if err != nil || e.Session != s.old {
			return err
		}
		line := eventLine(l.number, &e.Event)
		if len(b.body)+len(line.text) > batchBytes {
			failed = send()
		}
		b.add(line)
		if failed == nil && b.full() {
			failed = send()
		}
		if failed != nil {
			return errEnough
		}
		return nil
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if err := send(); err != nil || s.ended {
		return err
	}
	_, err = i.server.Append(ctx, s.task, client.Append{
		Session: id, Key: "import-end",
		Body: []byte(`{"type":"complete","actor":"system","data":{"status":"interrupted","reason":"imported"}}`),
	})
	return err
}
