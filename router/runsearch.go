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
	// changes are those of the hits, if all sessions are searched.
	changes []uint64
	next    eventlog.Place
}

// searchAnswer is the answer to a search in a run.
type searchAnswer struct {
	// Hits are the cursors of the found events, oldest first.
	Hits []string `json:"hits"`
	// Changes are the changes that committed them, if all sessions were searched: in the
	// order of these come the events of several sessions.
	Changes []uint64 `json:"changes,omitempty"`
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
	some, err := h.start(r.Context())
	if err != nil {
		return err
	}
	answer := searchAnswer{Hits: []string{}, Done: true}
	if some && len(s.words)+len(s.kinds) > 0 {
		s.next = h.next
		if answer.Done, err = s.run(r.Context(), h); err != nil {
			return err
		}
		answer.Hits, answer.Next, answer.Changes = append(answer.Hits, s.hits...), s.next.String(), s.changes
	}
	return writeJSON(w, http.StatusOK, answer)
}

// run searches the events from the cursor on. done says that it reached the end.
func (s *runSearch) run(ctx context.Context, h *history) (done bool, err error) {
	looked, size := 0, 0
	for more := true; more; {
		var page []entry
		if page, more, err = s.page(ctx, h); err != nil {
			return false, err
		}
		for i := range page {
			e := &page[i]
			if looked >= searchLooks || size >= searchBytes || len(s.hits) >= mostHits {
				return false, nil
			}
			looked++
			size += len(e.Data)
			s.next = e.place()
			if s.finds(&e.Event) {
				s.hits = append(s.hits, s.next.String())
				if h.all {
					s.changes = append(s.changes, e.Change)
				}
			}
		}
	}
	return true, nil
}

// page reads the next events. It passes over what is no longer kept.
func (s *runSearch) page(ctx context.Context, h *history) (page []entry, more bool, err error) {
	if !h.all {
		read, err := h.rt.log.Read(ctx, h.task, s.next.Session, s.next.Sequence)
		return entriesOf(s.next.Session, read.Events), len(read.Events) > 0, err
	}
	page, gap, more, err := allAfter(ctx, h.rt.log, h.task, s.next)
	if gap != nil && len(page) == 0 {
		s.next = gap.Place
	}
	return page, more, err
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
