package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// run is the events of one session within the order, and where a read is in them.
type run struct {
	*record.Session
	at    uint64 // the sequence of the next event
	place Place  // of that event, or of the gap; only if known
	known bool
	gap   *Gap // comes before the next event, unless nil
	ended bool // there is no next event
}

// runs returns the sessions from which the events of a part can come. It takes those that
// were read already from before, and finds the place in the others.
func (o *ordered) runs(p part, before []*run, find func(*run) error) ([]*run, error) {
	if p.of == nil {
		return nil, nil
	}
	beside, err := o.beside(p)
	if err != nil {
		return nil, err
	}
	var runs []*run
	for _, id := range append([]SessionID{p.of.ID}, beside...) {
		i := slices.IndexFunc(before, func(r *run) bool { return r.ID == id })
		if i >= 0 {
			runs = append(runs, before[i])
			continue
		}
		raw := o.Get(store.Sessions, record.SessionKey(o.task, id))
		if raw == nil {
			continue // it was deleted
		}
		s, err := o.decode(id, raw)
		if err == nil && s.Status == StatusOpen {
			open := *s
			open.State, err = record.ReadSessionState(o, o.task, id)
			s = &open
		}
		r := &run{Session: s}
		if err == nil {
			err = find(r)
		}
		switch {
		case err == nil:
			runs = append(runs, r)
		case !o.passOver:
			return nil, err
		default:
			o.log.passOver(fmt.Errorf("session %s of task %s: %w", id, o.task, err))
		}
	}
	return runs, nil
}

// peek makes the place of the next event known.
func (o *ordered) peek(r *run) (err error) {
	if !r.known {
		r.place, err = r.PlaceAt(o, r.at)
		r.known = err == nil
	}
	return err
}

// choose returns the run whose next event comes first within bound, and how far its events
// come before those of all others. It returns nil if no run has one. earlier is the
// direction.
func (o *ordered) choose(runs []*run, bound Place, earlier func(a, b Place) bool) (first *run, limit Place, err error) {
	limit = bound
	live := 0
	for _, r := range runs {
		if !r.ended {
			live++
			first = r
		}
	}
	if live == 0 || live == 1 && !first.known {
		return first, bound, nil // nothing needs to be compared
	}
	first = nil
	for _, r := range runs {
		if r.ended {
			continue
		}
		if err := o.peek(r); err != nil {
			return nil, bound, err
		}
		switch {
		case !earlier(r.place, bound):
		case first == nil:
			first = r
		case earlier(r.place, first.place):
			first, limit = r, first.place
		case earlier(r.place, limit):
			limit = r.place
		}
	}
	return first, limit, nil
}

// firstFrom returns the first event of a session for which is returns true, of those that
// are kept. is must be true of all later ones. It returns the one behind the head if there
// is none.
func (o *ordered) firstFrom(s *record.Session, is func(Place) bool) (uint64, error) {
	if s.Head < s.First {
		return s.Head + 1, nil
	}
	var failure error
	at := func(sequence uint64) bool {
		place, err := s.PlaceAt(o, sequence)
		failure = errors.Join(failure, err)
		return is(place)
	}
	if !at(s.Head) || failure != nil { // most often it is over
		return s.Head + 1, failure
	}
	n := sort.Search(int(s.Head-s.First), func(i int) bool { return failure != nil || at(s.First+uint64(i)) })
	return s.First + uint64(n), failure
}
