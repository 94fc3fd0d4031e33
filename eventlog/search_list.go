package eventlog

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"jrweb/eventlog/find"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// searched is a session that a search comes to, and where: see [SearchPlace].
type searched struct {
	ended int64
	id    SessionID
	task  string
}

// place is the place before the session.
func (s *searched) place(asof uint64) SearchPlace {
	return SearchPlace{Asof: asof, Ended: s.ended, Cursor: Cursor{Session: s.id, Sequence: firstOf(0).Sequence}}
}

// compareSearched orders sessions as a search comes to them.
func compareSearched(a, b searched) int {
	return cmp.Or(cmp.Compare(b.ended, a.ended), record.CompareIDs(b.id, a.id))
}

// searchList lists the sessions of the log in the order of a search. Nothing stores this
// order, and there may be many sessions: so it reads all of them for each round, and keeps
// those that come next.
type searchList struct {
	log *Log
	// ranges are those parts of the bucket of sessions that are to be read: all of it, or some
	// tasks.
	ranges [][2][]byte

	// changed are the tasks that have changed since the search began. A session of these that
	// has ended may have been open then. If there are too many, it is nil: any task may be one.
	changed map[string]bool
	upto    uint64 // the last change that changed knows of

	// The round that is being listed:
	at    int    // which range is read
	from  []byte // the key from which it is, or nil for its beginning
	found []searched
	cut   bool   // more were found than one round has
	task  string // of the session before
}

// searchLimits bound what a search keeps in memory.
type searchLimits struct {
	round   int // how many sessions a round has at most; at least 2, as it begins with the one before
	changed int // how many tasks that have changed are kept in mind
}

var usualSearchLimits = searchLimits{round: 1 << 14, changed: 1 << 14}

func newSearchList(l *Log, q *find.Query) *searchList {
	list := &searchList{log: l, changed: map[string]bool{}, ranges: [][2][]byte{{}}}
	if tasks := q.Tasks(); len(tasks) > 0 {
		list.ranges = nil
		for _, task := range slices.Compact(slices.Sorted(slices.Values(tasks))) {
			prefix := record.TaskPrefix(task)
			list.ranges = append(list.ranges, [2][]byte{prefix, record.PrefixEnd(prefix)})
		}
	}
	return list
}

// update notes which tasks have changed. It must be called in each transaction: in the same
// one, sessions of other tasks are as they were when the search began. It returns false if it
// has not come to the newest change by end: then nothing may be searched yet.
func (l *searchList) update(r store.Reader, asof uint64, end time.Time) bool {
	if l.changed == nil {
		return true
	}
	n := 0
	for key, raw := range r.Ascend(store.Activity, record.ChangeKey(max(asof, l.upto)+1), nil) {
		if n++; n%searchEvents == 0 && !time.Now().Before(end) {
			return false
		}
		l.upto = record.ParseNumber(key)
		task, _, err := record.DecodeActivity(key, raw)
		if err != nil {
			l.log.passOver(err)
			continue
		}
		l.changed[task] = true
		if len(l.changed) > l.log.searches.changed {
			l.changed = nil
			return true
		}
	}
	return true
}

// next returns the sessions that come after a place, as many as one round has, and whether
// these are all. It returns none and false if it has not come to the end of the list: call it
// again.
func (l *searchList) next(r store.Reader, place SearchPlace, end time.Time) (round []searched, last bool) {
	after := searched{ended: place.Ended, id: place.Session}
	for ; l.at < len(l.ranges); l.at, l.from = l.at+1, nil {
		n := 0
		for key, raw := range r.Ascend(store.Sessions, bytesOr(l.from, l.ranges[l.at][0]), l.ranges[l.at][1]) {
			if n++; n%searchEvents == 0 && !time.Now().Before(end) {
				l.from = bytes.Clone(key)
				return nil, false
			}
			if s, ok := l.session(r, key, raw, place.Asof); ok && compareSearched(s, after) >= 0 {
				l.add(s)
			}
		}
	}
	slices.SortFunc(l.found, compareSearched)
	if most := l.log.searches.round; len(l.found) > most {
		l.found, l.cut = l.found[:most], true
	}
	round, last = l.found, !l.cut
	l.at, l.from, l.found, l.cut = 0, nil, nil, false
	return round, last || len(round) == 0
}

func bytesOr(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// add keeps a session, unless more than enough come before it.
func (l *searchList) add(s searched) {
	if most := l.log.searches.round; len(l.found) == 2*most {
		slices.SortFunc(l.found, compareSearched)
		l.found, l.cut = l.found[:most], true
	}
	l.found = append(l.found, s)
}

// session returns the session of a record. ok is false if it has started after the search
// began, or is damaged.
func (l *searchList) session(r store.Reader, key, raw []byte, asof uint64) (s searched, ok bool) {
	copy(s.id[:], key[len(key)-len(s.id):])
	task := key[:len(key)-len(s.id)-1]
	if l.task != string(task) {
		l.task = string(task)
	}
	s.task = l.task
	ended, known := record.PeekEnd(raw)
	if l.changed == nil || l.changed[s.task] || !known {
		read, err := record.DecodeSession(s.task, key, raw)
		if err == nil {
			ended, ok, err = endedAt(r, read, asof)
		}
		if err != nil {
			l.log.passOver(err)
		}
		if !ok {
			return s, false
		}
	}
	if s.ended = stillOpen; !ended.IsZero() {
		s.ended = ended.UnixMilli()
	}
	return s, true
}

// endedAt returns when a session had ended as of a change, or zero if it was open. ok is
// false if it had not started.
func endedAt(r store.Reader, s *record.Session, asof uint64) (ended time.Time, ok bool, err error) {
	if s.Born > asof {
		return time.Time{}, false, nil
	}
	if s.Status == StatusOpen {
		return time.Time{}, true, nil
	}
	change := s.Trimmed
	if s.First <= s.Head {
		place, err := s.PlaceAt(r, s.Head)
		if err != nil {
			return time.Time{}, false, err
		}
		change = place.Change
	}
	if change > asof {
		return time.Time{}, true, nil
	}
	return s.Ended.Time, true, nil
}
