package eventlog

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// ordered reads all events of a task in their one order, see [Place]. The order is cut
// where sessions start. In the part from one start to the next, events come only from the
// session that starts there and from those that were open then: its record names them. So
// a read looks at these sessions, however many others the task has.
type ordered struct {
	store.Reader
	log      *Log
	task     string
	decoded  *decoded // nil: no cache
	passOver bool     // a damaged session is passed over without an error
}

// part is the part of the order from the start of a session to that of the next one.
type part struct {
	of   *record.Session // nil: the task has no session that started so early
	next *record.Session // nil: none has started since
}

// end is the end of the part, which no event reaches.
func (p *part) end() Place {
	if p.next == nil {
		return lastPlace
	}
	return p.next.Start()
}

func (o *ordered) decode(id SessionID, raw []byte) (*record.Session, error) {
	if o.decoded != nil {
		return o.decoded.record(o.task, id, raw)
	}
	return record.DecodeSession(o.task, record.SessionKey(o.task, id), raw)
}

// first returns the first of some sessions: without the state of an open one. It returns
// nil if there is none.
func (o *ordered) first(sessions iter.Seq2[[]byte, []byte], passOver bool) (*record.Session, error) {
	for key, raw := range sessions {
		id := SessionID(key[len(key)-len(SessionID{}):])
		s, err := o.decode(id, raw)
		if err == nil || !passOver {
			return s, err
		}
		o.log.passOver(fmt.Errorf("session %s of task %s: %w", id, o.task, err))
	}
	return nil, nil
}

// after returns the session that started next after another one, but not after last.
func (o *ordered) after(id, last SessionID, passOver bool) (*record.Session, error) {
	to := record.PrefixEnd(record.TaskPrefix(o.task))
	if !last.IsZero() {
		to = append(record.SessionKey(o.task, last), 0)
	}
	return o.first(o.Ascend(store.Sessions, append(record.SessionKey(o.task, id), 0), to), passOver)
}

// before returns the session that started last before a key.
func (o *ordered) before(key []byte, passOver bool) (*record.Session, error) {
	return o.first(o.Descend(store.Sessions, record.TaskPrefix(o.task), key), passOver)
}

// latest returns the session that started last.
func (o *ordered) latest(passOver bool) (*record.Session, error) {
	return o.before(record.PrefixEnd(record.TaskPrefix(o.task)), passOver)
}

// partWith returns the part that a place is in.
func (o *ordered) partWith(at Place) (p part, err error) {
	if o.Get(store.Tasks, []byte(o.task)) == nil {
		return part{}, ErrTaskNotFound
	}
	if p.of, err = o.lastAt(at); err != nil {
		return part{}, err
	}
	id := SessionID{}
	if p.of != nil {
		id = p.of.ID
	}
	p.next, err = o.after(id, SessionID{}, o.passOver)
	return p, err
}

// lastAt returns the last session that started at or before a place.
func (o *ordered) lastAt(at Place) (*record.Session, error) {
	// Most often it is the session that the place names.
	good, err := o.before(append(record.SessionKey(o.task, at.Session), 0), true)
	if err != nil {
		return nil, err
	}
	from := at.Session
	if good != nil {
		from = good.ID
	}
	next, err := o.after(from, SessionID{}, true)
	if err != nil || next == nil || at.Before(next.Start()) {
		return good, err
	}
	latest, err := o.latest(true)
	if err != nil || !at.Before(latest.Start()) {
		return latest, err
	}
	return o.search(next, latest.ID, at)
}

// search returns the last session that started at or before a place. good did, and none
// after the session with the id last did. The ids rise with the starts.
func (o *ordered) search(good *record.Session, last SessionID, at Place) (*record.Session, error) {
	for {
		next, err := o.after(good.ID, last, true)
		if err != nil || next == nil || at.Before(next.Start()) {
			return good, err
		}
		good = next
		middle := between(good.ID, last)
		s, err := o.after(middle, last, true)
		switch {
		case err != nil:
			return nil, err
		case s == nil || at.Before(s.Start()):
			last = middle
		default:
			good = s
		}
	}
}

// between returns the middle of two ids.
func between(a, b SessionID) (middle SessionID) {
	order := binary.BigEndian
	low, carry := bits.Add64(order.Uint64(a[8:]), order.Uint64(b[8:]), 0)
	high, carry := bits.Add64(order.Uint64(a[:]), order.Uint64(b[:]), carry)
	order.PutUint64(middle[:], high>>1|carry<<63)
	order.PutUint64(middle[8:], low>>1|high<<63)
	return middle
}

// beside returns the sessions from which the events of a part can come, besides the one
// that starts there.
func (o *ordered) beside(p part) ([]SessionID, error) {
	switch {
	case p.of == nil:
		return nil, nil
	case p.of.Born > 0:
		return p.of.Beside, nil
	case p.next != nil && p.next.Born == 0:
		return nil, nil // an earlier format wrote all events of the part
	}
	t, err := record.StoredTask(o, o.task)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(t.Carried, func(id SessionID) bool { return id == p.of.ID }), nil
}
