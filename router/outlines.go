package router

import (
	"container/list"
	"context"
	"sync"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
)

const (
	// outlineLooks is how many events one request reads for outlines. The next request
	// continues where it stopped.
	outlineLooks = 50_000
	// outlinesKept is how many sessions are remembered.
	outlinesKept = 200
)

// outlines caches the outlines of sessions, and how far it has read: what was appended does
// not change.
type outlines struct {
	log    *eventlog.Log
	prices *price.Table

	mu     sync.Mutex
	known  map[eventlog.SessionID]*list.Element // elements hold *outline
	recent list.List                            // the most recently used one is at the front
}

// outline is the outline of one session. mu is held while events are added.
type outline struct {
	session eventlog.SessionID
	mu      sync.Mutex
	o       *page.Outline
}

// with calls use with the outline of a session up to its head. looks is how many events may
// still be read, and is lowered. When it reaches 0, the outline may end before the head.
func (r *outlines) with(ctx context.Context, s *eventlog.SessionInfo, looks *int, use func(*page.Outline)) error {
	one := r.get(s.ID)
	one.mu.Lock()
	defer one.mu.Unlock()
	if err := r.look(ctx, s, one.o, looks); err != nil {
		r.forget(s.ID) // what it got before the error must not count
		return err
	}
	use(one.o)
	return nil
}

func (r *outlines) get(id eventlog.SessionID) *outline {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, found := r.known[id]; found {
		r.recent.MoveToFront(e)
		return e.Value.(*outline)
	}
	if r.known == nil {
		r.known = map[eventlog.SessionID]*list.Element{}
	}
	for len(r.known) >= outlinesKept {
		oldest := r.recent.Back()
		delete(r.known, r.recent.Remove(oldest).(*outline).session)
	}
	one := &outline{session: id, o: page.NewOutline(r.prices)}
	r.known[id] = r.recent.PushFront(one)
	return one
}

func (r *outlines) forget(id eventlog.SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, found := r.known[id]; found {
		r.recent.Remove(e)
		delete(r.known, id)
	}
}

func (r *outlines) look(ctx context.Context, s *eventlog.SessionInfo, o *page.Outline, looks *int) error {
	for o.UpTo() < s.Head && *looks > 0 {
		before := o.UpTo()
		_, err := r.log.Scan(ctx, s.Task, s.ID, before, func(e *eventlog.Event) bool {
			*looks--
			o.Add(e)
			return e.Sequence < s.Head && *looks > 0
		})
		if err != nil {
			return err
		}
		if o.UpTo() == before { // the rest is no longer kept
			o.Skip(s.Head)
		}
	}
	return nil
}

// raws counts the lines that were not understood in sessions. The sessions come oldest
// first.
func (r *outlines) raws(ctx context.Context, sessions []eventlog.SessionInfo, looks *int) (page.Raws, error) {
	var sum page.Raws
	for i := range sessions {
		s := &sessions[i]
		err := r.with(ctx, s, looks, func(o *page.Outline) {
			if o.Raws > 0 && sum.Count == 0 {
				sum.First = eventlog.Cursor{Session: s.ID, Sequence: o.FirstRaw}
			}
			sum.Count += o.Raws
			sum.More = sum.More || o.UpTo() < s.Head
		})
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
