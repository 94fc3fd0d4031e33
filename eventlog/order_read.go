package eventlog

import (
	"context"
	"math"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// lastPlace is after every event.
var lastPlace = Place{Change: math.MaxUint64}

// Gap says that events of a session are no longer kept: those after a sequence and before
// the next one.
type Gap struct {
	Session     SessionID
	After, Next uint64
	// Begun says that the session had started before the place after which was read. Then
	// the reader may have some of its events, and if After is 0, it is not known how many.
	Begun bool
	// Place is that of the last event that is missing.
	Place Place
}

// Visit gets what a read of all sessions finds, in order.
type Visit struct {
	// Event is called for each event as long as it returns true. The event and its data are
	// valid only until it returns.
	Event func(SessionID, *Event) bool
	// Gap is called where events are no longer kept, as long as it returns true. Nil passes
	// over gaps.
	Gap func(Gap) bool
	// PassOver leaves damaged sessions out. Otherwise the read fails.
	PassOver bool
}

// ScanAll calls visit for the events of all sessions of a task after a place, as many as
// fit on one page. The zero place is before all of them. more says that there may be more
// of them already. visit runs during the read of the store, as in [Log.Scan].
func (l *Log) ScanAll(ctx context.Context, task string, after Place, visit Visit) (more bool, err error) {
	return l.scanAll(ctx, task, nil, after, visit)
}

func (l *Log) scanAll(ctx context.Context, task string, d *decoded, after Place, visit Visit) (more bool, err error) {
	err = l.view(ctx, func(r store.Reader) error {
		more, err = (&ordered{Reader: r, log: l, task: task, decoded: d, passOver: visit.PassOver}).forward(after, visit)
		return err
	})
	return more, err
}

// ScanAllBefore is ScanAll backwards: for the events before a place, the newest first. The
// zero place is after all of them. It calls visit.Gap for no gap.
func (l *Log) ScanAllBefore(ctx context.Context, task string, before Place, visit Visit) (more bool, err error) {
	if before == (Place{}) {
		before = lastPlace
	}
	err = l.view(ctx, func(r store.Reader) error {
		more, err = (&ordered{Reader: r, log: l, task: task, passOver: visit.PassOver}).backward(before, visit)
		return err
	})
	return more, err
}

// Place returns the place of a cursor in the order of all events of its task, and the
// session. Sequence 0 is the place of the session's start. A cursor ahead of the session is
// behind its last event. If the event of a cursor was trimmed, its place is unknown, and Place
// returns the session's start.
func (l *Log) Place(ctx context.Context, task string, c Cursor) (place Place, info SessionInfo, err error) {
	find := func(r store.Reader) error {
		s, err := record.ReadWhole(r, task, c.Session)
		if err != nil {
			return err
		}
		info = s.Info()
		place, err = placeIn(r, s, c.Sequence)
		return err
	}
	if err = l.view(ctx, find); err == nil && c.Sequence > info.Head && l.lags() {
		if err = l.CatchUp(ctx); err == nil {
			err = l.view(ctx, find)
		}
	}
	return place, info, err
}

func placeIn(r store.Reader, s *record.Session, sequence uint64) (Place, error) {
	place := Place{Change: s.Born, Cursor: Cursor{Session: s.ID, Sequence: sequence}}
	at := min(sequence, s.Head)
	trimmed, some := s.TrimmedTo()
	switch {
	case some && at == trimmed.Sequence:
		place.Change = trimmed.Change
	case at >= s.First:
		event, err := s.PlaceAt(r, at)
		if err != nil {
			return Place{}, err
		}
		place.Change = event.Change
	}
	return place, nil
}

// Last returns the place of the last event of a task. It is the zero place if there is
// none.
func (l *Log) Last(ctx context.Context, task string) (last Place, err error) {
	_, err = l.ScanAllBefore(ctx, task, Place{}, Visit{Event: func(session SessionID, e *Event) bool {
		last = PlaceOf(session, e)
		return false
	}})
	return last, err
}

// allowance is what one read may still return.
type allowance struct{ events, bytes int }

func newAllowance() allowance { return allowance{pageEvents, pageBytes} }

// spend takes an event off, and reports whether nothing is left.
func (a *allowance) spend(e *Event) (spent bool) {
	a.events--
	a.bytes -= len(e.Data)
	return a.events <= 0 || a.bytes <= 0
}

// forward visits what is after a place. more says that it stopped before the end.
func (o *ordered) forward(after Place, visit Visit) (more bool, err error) {
	p, err := o.partWith(after)
	if err != nil {
		return false, err
	}
	page := newAllowance()
	from := after // the place after which a session is read
	find := func(r *run) (err error) {
		if lost, some := r.TrimmedTo(); some && from.Before(lost) {
			gap := Gap{Session: r.ID, Next: r.First, Begun: r.Start().Before(after), Place: lost}
			if after.Session == r.ID {
				gap.After = after.Sequence
			}
			r.gap, r.place, r.known, r.at = &gap, lost, true, r.First
			return nil
		}
		if from.Session == r.ID {
			r.at = min(max(from.Sequence, r.First-1), r.Head) + 1
		} else {
			r.at, err = o.firstFrom(r.Session, from.Before)
		}
		r.ended = r.at > r.Head
		return err
	}
	var runs []*run
	for {
		if runs, err = o.runs(p, runs, find); err != nil {
			return false, err
		}
		for {
			r, limit, err := o.choose(runs, p.end(), Place.Before)
			if err != nil {
				return false, err
			}
			if r == nil {
				break
			}
			if stopped, err := o.ascend(r, limit, &page, visit); stopped || err != nil {
				return stopped, err
			}
		}
		if p.next == nil {
			return false, nil
		}
		from = p.next.Start()
		next, err := o.after(p.next.ID, SessionID{}, o.passOver)
		if err != nil {
			return false, err
		}
		p = part{of: p.next, next: next}
	}
}

// ascend visits the events of a run before a limit.
func (o *ordered) ascend(r *run, limit Place, page *allowance, visit Visit) (stopped bool, err error) {
	if r.gap != nil {
		if visit.Gap != nil && !visit.Gap(*r.gap) {
			return true, nil
		}
		r.gap, r.known, r.ended = nil, false, r.at > r.Head
		return false, nil
	}
	r.known = false
	var e Event
	var sums record.KeySums
	for key, raw := range o.Ascend(store.Events, record.EventKey(r.ID, r.at), record.EventKey(r.ID, r.Head+1)) {
		if err := sums.ViewEvent(&e, key, raw); err != nil {
			return false, err
		}
		if e.Sequence != r.at {
			break
		}
		if place := PlaceOf(r.ID, &e); !place.Before(limit) {
			r.place, r.known = place, true
			return false, nil
		}
		r.at++
		if !visit.Event(r.ID, &e) || page.spend(&e) {
			return true, nil
		}
	}
	if r.at <= r.Head {
		return false, r.Missing(r.at)
	}
	r.ended = true
	return false, nil
}

// backward visits what is before a place, the last first.
func (o *ordered) backward(before Place, visit Visit) (more bool, err error) {
	p, err := o.partWith(before)
	if err != nil {
		return false, err
	}
	page := newAllowance()
	to := before // the place before which a session is read
	find := func(r *run) (err error) {
		r.at, err = o.firstFrom(r.Session, func(at Place) bool { return !at.Before(to) })
		r.at--
		r.ended = r.at < r.First
		return err
	}
	var runs []*run
	for p.of != nil {
		if runs, err = o.runs(p, runs, find); err != nil {
			return false, err
		}
		for {
			r, limit, err := o.choose(runs, p.of.Start(), func(a, b Place) bool { return b.Before(a) })
			if err != nil {
				return false, err
			}
			if r == nil {
				break
			}
			if stopped, err := o.descend(r, limit, &page, visit); stopped || err != nil {
				return stopped, err
			}
		}
		to = p.of.Start()
		of, err := o.before(record.SessionKey(o.task, p.of.ID), o.passOver)
		if err != nil {
			return false, err
		}
		p = part{of: of, next: p.of}
	}
	return false, nil
}

// descend visits the events of a run after a limit, the last first.
func (o *ordered) descend(r *run, limit Place, page *allowance, visit Visit) (stopped bool, err error) {
	r.known = false
	var e Event
	var sums record.KeySums
	for key, raw := range o.Descend(store.Events, record.EventKey(r.ID, r.First), record.EventKey(r.ID, r.at+1)) {
		if err := sums.ViewEvent(&e, key, raw); err != nil {
			return false, err
		}
		if e.Sequence != r.at {
			break
		}
		if place := PlaceOf(r.ID, &e); !limit.Before(place) {
			r.place, r.known = place, true
			return false, nil
		}
		r.at--
		if !visit.Event(r.ID, &e) || page.spend(&e) {
			return true, nil
		}
	}
	if r.at >= r.First {
		return false, r.Missing(r.at)
	}
	r.ended = true
	return false, nil
}
