package eventlog

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"time"

	"jrweb/eventlog/find"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// Search goes through all sessions of the log, the newest first: see [SearchPlace]. It finds
// every event that matches and that had committed when it began, and is still kept when the
// search comes to it, once. Of sessions that are open it may find later events, too.
//
// It is a plain scan: nothing is written for it, and it needs no index. It reads the store
// for some milliseconds at a time, and only in Next, so that neither appends nor the file's
// free pages wait for the reader of the hits. Only one goroutine may use it at a time.
type Search struct {
	log     *Log
	q       *find.Query
	matcher *find.Matcher
	sees    func(task string) bool
	place   SearchPlace
	list    *searchList
	round   []searched // the sessions that come next
	last    bool       // the round has all that are left
	done    bool
	titles  map[string]string
}

// SearchOptions are the settings of a search. The zero value is good.
type SearchOptions struct {
	// After is where to begin. The zero place is before everything.
	After SearchPlace
	// Sees reports whether a task may be searched. Nil: all of them.
	Sees func(task string) bool
}

// Hit is an event that was found.
type Hit struct {
	Event
	// Session is the event's session when it was found, and Title its task's title.
	Session SessionInfo
	Title   string
	// Line is the text around the first word that was found: see [find.Matcher.Line].
	Line []string
	// Place is where to continue behind this hit.
	Place SearchPlace
}

// SearchPart is what a search has found in a short time.
type SearchPart struct {
	Hits []Hit
	// Next is where to continue behind all that was looked at.
	Next SearchPlace
	// Back is the end of the session that is searched now: those that have ended later were
	// searched. It is zero as long as only open sessions were.
	Back Time
	// Done says that everything was searched.
	Done bool
}

const (
	// searchView is how long a search reads the store at once, and searchBytes how many bytes
	// of records may come of that.
	searchView  = 4 * time.Millisecond
	searchBytes = 1 << 20
	searchFound = 500
	// searchLook is how many bytes, or events, are looked at between two looks at the clock.
	searchLook   = 128 << 10
	searchEvents = 200
	// searchTitles is how many titles of tasks are remembered.
	searchTitles = 100
)

// NewSearch returns a search that has not begun.
func (l *Log) NewSearch(q *find.Query, o SearchOptions) *Search {
	return &Search{log: l, q: q, matcher: find.NewMatcher(q), sees: o.Sees, place: o.After, titles: map[string]string{}}
}

// searchSlots is how many searches may run at the same moment: so few that others get the
// processor, too.
func searchSlots() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Next searches on for some milliseconds, or waits until it may: only so many searches run at
// once. A part may be without hits.
func (s *Search) Next(ctx context.Context) (SearchPart, error) {
	select {
	case s.log.searching <- struct{}{}:
		defer func() { <-s.log.searching }()
	case <-ctx.Done():
		return SearchPart{}, ctx.Err()
	case <-s.log.done:
		return SearchPart{}, s.log.Err()
	}
	var found []candidate
	end := time.Now().Add(searchView)
	err := s.log.view(ctx, func(r store.Reader) (err error) {
		found, err = s.look(r, end)
		return err
	})
	if err != nil {
		return SearchPart{}, err
	}
	part := SearchPart{Next: s.place, Done: s.done}
	if s.place.Ended != stillOpen {
		part.Back = Time{Time: time.UnixMilli(s.place.Ended).UTC()}
	}
	part.Hits, err = s.check(ctx, found)
	return part, err
}

// candidate is a record that may be a hit. It is copied: it is looked at closely when the
// store is no longer read.
type candidate struct {
	session *SessionInfo
	key     []byte
	raw     []byte
	place   SearchPlace
}

// look looks for candidates until end.
func (s *Search) look(r store.Reader, end time.Time) (found []candidate, err error) {
	if s.list == nil {
		if s.place.Asof == 0 {
			s.place = firstOf(lastChange(r))
		}
		s.list = newSearchList(s.log, s.q)
	}
	if !s.list.update(r, s.place.Asof, end) {
		return nil, nil
	}
	for !s.done && time.Now().Before(end) {
		if len(s.round) > 0 {
			if found, err = s.scan(r, end, found); err != nil || len(found) > 0 && full(found) {
				return found, err
			}
			continue
		}
		if s.last {
			s.done = true
			break
		}
		s.round, s.last = s.list.next(r, s.place, end)
	}
	return found, nil
}

// lastChange is the last change that the store knows of.
func lastChange(r store.Reader) uint64 {
	for key := range r.Descend(store.Activity, nil, nil) {
		return record.ParseNumber(key)
	}
	return 0
}

// full reports whether the candidates must be looked at first.
func full(found []candidate) bool {
	size := 0
	for i := range found {
		size += len(found[i].raw)
	}
	return size >= searchBytes || len(found) >= searchFound
}

// scan searches the first session of the round.
func (s *Search) scan(r store.Reader, end time.Time, found []candidate) ([]candidate, error) {
	at := s.round[0]
	if at.ended != s.place.Ended || at.id != s.place.Session {
		s.place = at.place(s.place.Asof)
	}
	session, ok, err := s.session(r, at)
	if err != nil || !ok {
		s.leave()
		return found, err
	}
	looked, size, events := 0, 0, 0
	to := min(s.place.Sequence, session.Head+1)
	for key, raw := range r.Descend(store.Events, record.EventKey(at.id, session.First), record.EventKey(at.id, to)) {
		store.ReadAhead(r, raw)
		s.place.Sequence = record.EventSequence(key)
		when, kind, data := record.PeekEvent(raw)
		if s.q.Kind(when, kind) && s.matcher.May(data) {
			found = append(found, candidate{session, bytes.Clone(key), bytes.Clone(raw), s.place})
			if size += len(raw); size >= searchBytes || len(found) >= searchFound {
				return found, nil
			}
		}
		if looked, events = looked+len(raw), events+1; looked >= searchLook || events == searchEvents {
			if looked, events = 0, 0; !time.Now().Before(end) {
				return found, nil
			}
		}
	}
	s.leave()
	return found, nil
}

// leave goes on with the next session of the round.
func (s *Search) leave() {
	s.place.Sequence = 0
	s.round = s.round[1:]
}

// session reads a session. ok is false if it is not to be searched.
func (s *Search) session(r store.Reader, at searched) (info *SessionInfo, ok bool, err error) {
	if at.ended != stillOpen && s.q.Over(time.UnixMilli(at.ended)) {
		s.round, s.last = s.round[:1], true // all that come after it have ended even earlier
		return nil, false, nil
	}
	if s.sees != nil && !s.sees(at.task) {
		return nil, false, nil
	}
	read, err := record.ReadSession(r, at.task, at.id)
	if err != nil {
		return nil, false, s.passOver(err)
	}
	session := read.Info()
	if !s.q.Session(&session) {
		return nil, false, nil
	}
	if s.q.AsksProject() {
		task, err := record.StoredTask(r, at.task)
		if err != nil {
			return nil, false, s.passOver(err)
		}
		if !s.q.Project(task.Project) {
			return nil, false, nil
		}
	}
	return &session, true, nil
}

// passOver logs damage. A deleted record is not an error.
func (s *Search) passOver(err error) error {
	switch {
	case errors.Is(err, ErrSessionNotFound), errors.Is(err, ErrTaskNotFound):
		return nil
	case errors.Is(err, ErrDamaged):
		s.log.passOver(err)
		return nil
	}
	return err
}

// check returns which of the candidates are hits.
func (s *Search) check(ctx context.Context, found []candidate) (hits []Hit, err error) {
	var sums record.KeySums
	for i := range found {
		c := &found[i]
		hit := Hit{Session: *c.session, Place: c.place}
		if err := sums.ViewEvent(&hit.Event, c.key, c.raw); err != nil {
			s.log.passOver(err)
			continue
		}
		if !s.matcher.Match(&hit.Event) {
			continue
		}
		if hit.Title, err = s.title(ctx, hit.Session.Task); err != nil {
			if err = s.passOver(err); err != nil {
				return nil, err
			}
			continue
		}
		hit.Line = s.matcher.Line(&hit.Event)
		hits = append(hits, hit)
	}
	return hits, nil
}

// title returns the title of a task.
func (s *Search) title(ctx context.Context, id string) (string, error) {
	if title, known := s.titles[id]; known {
		return title, nil
	}
	task, err := s.log.Task(ctx, id)
	if err != nil {
		return "", err
	}
	if len(s.titles) >= searchTitles {
		clear(s.titles)
	}
	s.titles[id] = task.Title
	return task.Title, nil
}
