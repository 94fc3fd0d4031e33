package router

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/page"
)

const (
	// searchLooks and searchBytes bound the events, and their data, that one answer
	// searches. Its next says where to continue.
	searchLooks = 20_000
	searchBytes = 32 << 20
	// mostHits is how many hits one answer lists.
	mostHits = 1000
)

// runSearch searches a run for words and for kinds of events.
type runSearch struct {
	words []string
	kinds []string
	hits  []string
	next  eventlog.Cursor
}

// searchAnswer is the answer to a search in a run.
type searchAnswer struct {
	// Hits are the cursors of the found events, oldest first.
	Hits []string `json:"hits"`
	// Next is where to continue. Done says that the whole run was searched.
	Next string `json:"next"`
	Done bool   `json:"done"`
}

// searchRun answers which events of a run have all words and one of the kinds.
func (rt *router) searchRun(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "q", "kinds", "session", "sessions", "after")
	if err != nil {
		return err
	}
	s := &runSearch{words: strings.Fields(strings.ToLower(q["q"]))}
	if list := q["kinds"]; list != "" {
		s.kinds = strings.Split(list, ",")
		if i := slices.IndexFunc(s.kinds, func(kind string) bool { return !slices.Contains(page.Kinds, kind) }); i >= 0 {
			return badQuery("kinds", "must be some of "+strings.Join(page.Kinds, ", "))
		}
	}
	// It begins where a list of the events would begin.
	h := &history{rt: rt, task: p.task, after: q["after"]}
	if h.session, err = q.session(); err != nil {
		return err
	}
	if h.all, err = q.all(); err != nil {
		return err
	}
	start, err := h.start(r.Context())
	if err != nil {
		return err
	}
	answer := searchAnswer{Hits: []string{}, Done: true}
	if !start.ID.IsZero() && len(s.words)+len(s.kinds) > 0 {
		s.next = h.next
		if answer.Done, err = s.run(r.Context(), h); err != nil {
			return err
		}
		answer.Hits, answer.Next = append(answer.Hits, s.hits...), s.next.String()
	}
	return writeJSON(w, http.StatusOK, answer)
}

// run searches the events from the cursor on. done says that it reached the end.
func (s *runSearch) run(ctx context.Context, h *history) (done bool, err error) {
	looked, size := 0, 0
	full := func() bool { return looked >= searchLooks || size >= searchBytes || len(s.hits) >= mostHits }
	for {
		read, err := h.rt.log.Read(ctx, h.task, s.next.Session, s.next.Sequence)
		if err != nil {
			return false, err
		}
		for i := range read.Events {
			e := &read.Events[i]
			if full() {
				return false, nil
			}
			looked++
			size += len(e.Data)
			s.next.Sequence = e.Sequence
			if s.finds(e) {
				s.hits = append(s.hits, s.next.String())
			}
		}
		if len(read.Events) > 0 {
			continue
		}
		if !h.all {
			return true, nil
		}
		next, found, err := h.rt.log.SessionAfter(ctx, h.task, s.next.Session)
		if err != nil || !found {
			return true, err
		}
		s.next = eventlog.Cursor{Session: next.ID, Sequence: next.First - 1}
	}
}

func (s *runSearch) finds(e *eventlog.Event) bool {
	if len(s.kinds) > 0 && !slices.ContainsFunc(page.KindsOf(e), func(kind string) bool { return slices.Contains(s.kinds, kind) }) {
		return false
	}
	if len(s.words) == 0 {
		return true
	}
	text := strings.ToLower(page.TextOf(e))
	return !slices.ContainsFunc(s.words, func(word string) bool { return !strings.Contains(text, word) })
}
