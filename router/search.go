package router

import (
	"context"
	"errors"
	"net/http"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/find"
)

const (
	defaultHits = 50
	// mostSearchHits is how many hits one answer of a search over all runs has.
	mostSearchHits = 1000
	// searchTime is how long one answer searches. Its next says where to continue.
	searchTime = 10 * time.Second
	// mostSearches is how many searches are answered at once. The others hear that they must
	// come again: the log lets only few of them run at the same moment anyway.
	mostSearches = 16
	// searchPatience is how long a client may take nothing of what was found.
	searchPatience = 30 * time.Second
	// searchQuiet is how long a client hears nothing while nothing is found.
	searchQuiet = time.Second
)

var errSearches = func() *problem {
	p := newProblem(http.StatusServiceUnavailable, "busy", "Too many searches", "as many searches run as may run at once: repeat the request in a moment")
	p.header = http.Header{"Retry-After": {"1"}}
	return p
}()

// search is a search over all runs, for one answer.
type search struct {
	rt    *router
	w     http.ResponseWriter
	grant *Grant
	text  string
	query *find.Query
	limit int
	run   *eventlog.Search

	hits int
	next eventlog.SearchPlace
	back eventlog.Time
	done bool
}

// searchSink gets what is found. It returns false, or an error, to end the search.
type searchSink interface {
	hit(h *eventlog.Hit) error
	// pause is called when there is nothing more to say for a moment.
	pause() error
}

// searchAll answers a search over all runs: as a page, as JSON, or as NDJSON.
func (rt *router) searchAll(w http.ResponseWriter, r *http.Request, p params) error {
	w.Header().Add("Vary", "Accept")
	s, err := rt.newSearch(w, r, p)
	isPage := wants(r, "text/html")
	if wrong, is := errors.AsType[*find.QueryError](err); is && isPage {
		return s.answerWrong(wrong)
	}
	if err != nil {
		return searchProblem(err)
	}
	if s.query.Empty() {
		if isPage {
			return s.answerEmpty()
		}
		return badQuery("q", "must have words or filters")
	}
	select {
	case rt.searches <- struct{}{}:
		defer func() { <-rt.searches }()
	default:
		return errSearches
	}
	switch {
	case isPage:
		return s.answerPage(r.Context())
	case wants(r, typeNDJSON):
		return s.answerNDJSON(r.Context())
	}
	return s.answerJSON(r.Context())
}

func (rt *router) newSearch(w http.ResponseWriter, r *http.Request, p params) (*search, error) {
	s := &search{rt: rt, w: w, grant: &p.grant}
	q, err := readQuery(r, "q", "after", "limit")
	if err != nil {
		return s, err
	}
	s.text = q["q"]
	if s.limit, err = q.number("limit", defaultHits, mostSearchHits); err != nil {
		return s, err
	}
	after, err := eventlog.ParseSearchPlace(q["after"])
	if err != nil {
		return s, badQuery("after", "must be the next of an earlier answer")
	}
	if s.query, err = find.Parse(s.text, time.Now()); err != nil {
		return s, err
	}
	s.next = after
	s.run = rt.log.NewSearch(s.query, eventlog.SearchOptions{After: after, Sees: p.grant.Sees})
	return s, nil
}

// searchProblem makes the problem of a query that is wrong. Its field is the filter.
func searchProblem(err error) error {
	wrong, is := errors.AsType[*find.QueryError](err)
	if !is {
		return err
	}
	field := wrong.Filter
	if field == "" {
		field = "q"
	}
	p := newProblem(http.StatusBadRequest, "query", "The query is not valid", wrong.Reason)
	p.Field = field
	return p
}

// find searches until there are as many hits as were asked for, everything was searched, or
// it takes long.
func (s *search) find(ctx context.Context, sink searchSink) error {
	end := time.Now().Add(searchTime)
	for {
		if until := s.grant.Until; until != nil && until.Err() != nil {
			return until.Err()
		}
		part, err := s.run.Next(ctx)
		if err != nil {
			return err
		}
		s.back = part.Back
		for i := range part.Hits {
			h := &part.Hits[i]
			if s.hits++; s.hits > s.limit {
				s.hits--
				return nil
			}
			s.next = h.Place
			if err := sink.hit(h); err != nil {
				return err
			}
		}
		s.next, s.done = part.Next, part.Done
		if s.done || s.hits == s.limit || time.Now().After(end) {
			return nil
		}
		if err := sink.pause(); err != nil {
			return err
		}
	}
}

// nextText is where to continue, or empty if everything was searched.
func (s *search) nextText() string {
	if s.done {
		return ""
	}
	return s.next.String()
}
