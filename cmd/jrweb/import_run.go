package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// externalID is the agent's own id of the run, or a name for its text.
func (r *oldRun) externalID() string {
	return cmp.Or(r.origin.Session, textName(r.text))
}

// run imports what the task does not have of a run, and says what became of it.
func (i *importer) run(ctx context.Context, r *oldRun) (string, error) {
	p, err := (&planner{server: i.server, run: r}).plan(ctx)
	if err != nil {
		return "", err
	}
	recorded := 0
	var ids []eventlog.SessionID
	if len(p.open) > 0 && len(p.whole) == 0 {
		if err := i.refuseRecorder(ctx, r, p); err != nil {
			return "", err
		}
	}
	for _, s := range p.spans {
		id, events, err := i.span(ctx, r, s, p.part)
		if err != nil {
			return "", err
		}
		ids = append(ids, id)
		recorded += events
	}
	// All that they have is on the server's disk in the new session.
	for _, id := range p.replaced {
		if err := i.server.DeleteSession(ctx, r.task, id); err != nil && !hasStatus(err, 404) {
			return "", err
		}
	}
	elsewhere, err := i.countedElsewhere(ctx, r.task, ids)
	if err != nil {
		return "", err
	}
	switch {
	case len(p.whole) > 0:
		i.done += int64(r.count + 1)
		return fmt.Sprintf("is %s already: nothing is added", sessionsOf(p.whole)), nil
	case p.part:
		return fmt.Sprintf("is %s: %d of %s: the others are recorded already%s", sessionsOf(ids), recorded, r, elsewhere), nil
	case len(p.replaced) > 0:
		return fmt.Sprintf("is %s: %s, in the place of %s, which had less of it%s", sessionsOf(ids), r, sessionsOf(p.replaced), elsewhere), nil
	}
	return fmt.Sprintf("is %s: %s%s", sessionsOf(ids), r, elsewhere), nil
}

// countedElsewhere reports what the sessions cost and counts in others, so that nobody looks for
// it here.
func (i *importer) countedElsewhere(ctx context.Context, task string, ids []eventlog.SessionID) (string, error) {
	var said strings.Builder
	for _, id := range ids {
		info, err := i.server.Session(ctx, task, id)
		if err != nil {
			return "", err
		}
		if e := info.Elsewhere; e != nil {
			where := "other sessions"
			if len(e.Tasks) > 0 {
				where = "task " + strings.Join(e.Tasks, ", task ")
			}
			what := "what it cost counts"
			if e.Tokens > 0 {
				what = count(int64(e.Tokens), "token") + " of it count"
			}
			fmt.Fprintf(&said, "; %s in %s", what, where)
		}
	}
	return said.String(), nil
}

// refuseRecorder is an error if an open session of the run is not of an import that was
// broken off just now, which this one goes on with.
func (i *importer) refuseRecorder(ctx context.Context, r *oldRun, p *plan) error {
	open := p.open
	for _, s := range p.spans {
		start, err := r.startOf(s)
		if err != nil {
			return err
		}
		start.Key = r.keyOf(s) + "-1"
		info, err := i.server.Start(ctx, r.task, start)
		if err != nil {
			return err
		}
		if slices.Contains(open, info.ID) {
			open = slices.DeleteFunc(slices.Clone(open), func(id eventlog.SessionID) bool { return id == info.ID })
			continue
		}
		if err := i.server.DeleteSession(ctx, r.task, info.ID); err != nil && !hasStatus(err, 404) {
			return err
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%s of task %s is open, and has the same run: end what records it first", sessionsOf(open), r.task)
	}
	return nil
}

// keyOf names the session of a span. It follows from what is recorded: another reading of
// the same file is another session.
func (r *oldRun) keyOf(s span) string {
	if s == (span{0, r.count}) {
		return "import-" + r.events
	}
	return fmt.Sprintf("import-%s-%d-%d", r.events, s.from, s.to)
}

// startOf says what is known at the start of a span's session.
func (r *oldRun) startOf(s span) (client.Start, error) {
	start := startOf(r.origin)
	start.ExternalID, start.Lease, start.Started = r.externalID(), importLease, r.first
	if s.from == 0 {
		return start, nil
	}
	n := 0
	err := r.each(false, func(e fedEvent) error {
		if n == s.from {
			start.Started = e.Time
			return errEnough
		}
		n++
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return start, err
}

// span imports a range of a run's events as a session.
func (i *importer) span(ctx context.Context, r *oldRun, s span, part bool) (eventlog.SessionID, int, error) {
	start, err := r.startOf(s)
	if err != nil {
		return eventlog.SessionID{}, 0, err
	}
	id, err := i.start(ctx, r.task, start, r.keyOf(s), true, func(id eventlog.SessionID) error {
		return i.spanEvents(ctx, r, s, part, id)
	})
	return id, s.to - s.from, err
}

func (i *importer) spanEvents(ctx context.Context, r *oldRun, s span, part bool, id eventlog.SessionID) error {
	b, batches := &batch{}, 0
	send := func() error {
		batches++
		_, err := i.server.Append(ctx, r.task, client.Append{Session: id, Key: fmt.Sprintf("import-%d", batches), Body: b.body})
		i.moved(int64(len(b.lines)))
		if located := b.name(err, "event"); located != nil {
			err = located
		}
		b = &batch{}
		return err
	}
	mark := importMark{textID: r.text, Part: part}
	var last time.Time
	var how transcript.Outcome
	number := 0
	err := r.each(part, func(e fedEvent) error {
		number++
		if number <= s.from {
			return nil
		}
		if number > s.to {
			return errEnough
		}
		if e.Time.After(last) {
			last = e.Time
		}
		if e.tail {
			mark.addTail(number - s.from)
		}
		how = e.outcome
		line := eventLine(number, &e.Event)
		if len(b.lines) > 0 && len(b.body)+len(line.text) > batchBytes {
			if err := send(); err != nil {
				return err
			}
		}
		b.add(line)
		if b.full() {
			return send()
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if s.to == r.count {
		how = r.outcome
	}
	end := complete(how, last, mark)
	b.add(eventLine(number+1, &end))
	return send()
}
