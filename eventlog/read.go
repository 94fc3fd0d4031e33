package eventlog

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Page is the result of one read.
type Page struct {
	// Events follow the requested sequence, without holes.
	Events []Event
	// First is the oldest sequence that is still kept. If it is greater than the sequence
	// after the requested one, there is a gap: the events between them were trimmed.
	First uint64
	// Head is the session's last sequence at the moment of the read.
	Head uint64
	// Sealed says that no event will ever follow Head.
	Sealed bool
}

// Gap reports whether events between after and the page were trimmed.
func (p *Page) Gap(after uint64) bool { return after < p.First && p.First-after > 1 }

// A page ends after this many events, or once it holds this many bytes. So memory never
// holds a whole long session, and no read transaction is long.
const (
	pageEvents = 1000
	pageBytes  = 256 << 10
)

// Read returns the events of a session after a sequence, as many as fit on one page. If it
// returns no events, there are none yet, or Sealed is set. A sequence beyond the head is
// read as the head.
func (l *Log) Read(ctx context.Context, task string, session SessionID, after uint64) (Page, error) {
	var events []Event
	page, err := l.Scan(ctx, task, session, after, func(e *Event) bool {
		if events == nil {
			events = make([]Event, 0, pageEvents/8)
		}
		kept := *e
		kept.Data = bytes.Clone(e.Data)
		events = append(events, kept)
		return true
	})
	if err != nil {
		return Page{}, err
	}
	page.Events = events
	return page, nil
}

// Scan is Read without copies: it calls visit for each event as long as visit returns true.
// Page.Events is nil. The event and its data are valid only until visit returns. visit runs
// during the read of the store: it must be quick, must not wait, and must not call the log.
// After an error, the caller must ignore what visit got.
func (l *Log) Scan(ctx context.Context, task string, session SessionID, after uint64, visit func(*Event) bool) (Page, error) {
	return l.scan(ctx, after, visit, func(r store.Reader) (*record.Session, error) { return record.ReadSession(r, task, session) })
}

// scan is Scan of the session that find returns.
func (l *Log) scan(ctx context.Context, after uint64, visit func(*Event) bool, find func(store.Reader) (*record.Session, error)) (Page, error) {
	var page Page
	err := l.view(ctx, func(r store.Reader) error {
		record, err := find(r)
		if err != nil {
			return err
		}
		page = pageOf(record)
		return scan(r, record, after, visit)
	})
	return page, err
}

// pageOf is an empty page of a session.
func pageOf(s *record.Session) Page {
	return Page{First: s.First, Head: s.Head, Sealed: s.Status != StatusOpen}
}

func scan(r store.Reader, s *record.Session, after uint64, visit func(*Event) bool) error {
	next := max(after+1, s.First)
	if after >= s.Head || next > s.Head {
		return nil
	}
	var e Event
	var sums record.KeySums
	events, size := 0, 0
	for key, raw := range r.Ascend(store.Events, record.EventKey(s.ID, next), record.EventKey(s.ID, s.Head+1)) {
		if err := sums.ViewEvent(&e, key, raw); err != nil {
			return err
		}
		if e.Sequence != next {
			break
		}
		next++
		events++
		size += len(e.Data)
		if !visit(&e) || size >= pageBytes || events == pageEvents {
			return nil
		}
	}
	if next <= s.Head {
		return s.Missing(next)
	}
	return nil
}

// ReadBefore is Read backwards: it returns the newest events of a session before a
// sequence, as many as fit on one page, in ascending order. If it returns no events, none
// before the sequence are kept. A sequence beyond the head is read as the one after the
// head.
func (l *Log) ReadBefore(ctx context.Context, task string, session SessionID, before uint64) (Page, error) {
	var page Page
	err := l.view(ctx, func(r store.Reader) error {
		record, err := record.ReadSession(r, task, session)
		if err != nil {
			return err
		}
		page, err = readPageBefore(r, record, before)
		return err
	})
	return page, err
}

func readPageBefore(r store.Reader, s *record.Session, before uint64) (Page, error) {
	page := pageOf(s)
	end := min(before, s.Head+1) // the events to read are in [First, end)
	bytes := 0
	for key, raw := range r.Descend(store.Events, record.EventKey(s.ID, s.First), record.EventKey(s.ID, end)) {
		e, err := record.DecodeEvent(key, raw)
		if err != nil {
			return Page{}, err
		}
		if e.Sequence != end-1 {
			break
		}
		page.Events = append(page.Events, e)
		end--
		if bytes += len(e.Data); bytes >= pageBytes || len(page.Events) == pageEvents {
			slices.Reverse(page.Events)
			return page, nil
		}
	}
	if end > s.First {
		return Page{}, s.Missing(end - 1)
	}
	slices.Reverse(page.Events)
	return page, nil
}

// Events yields the events of a session after a sequence that exist now, in order. It reads
// page by page and holds no transaction while the caller works. If it yields an error, that
// is the last value.
func (s *Session) Events(ctx context.Context, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			page, err := s.log.Read(ctx, s.task, s.id, after)
			if err != nil {
				yield(Event{}, err)
				return
			}
			if len(page.Events) == 0 {
				return
			}
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
				after = e.Sequence
			}
		}
	}
}
