package router

import (
	"net/http"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// outcomeAnswer is what a session came to, for programs.
type outcomeAnswer struct {
	Task    string                `json:"task"`
	Title   string                `json:"title"`
	Session *eventlog.SessionInfo `json:"session"` // nil: there is none yet
	page.Outcome
}

// getOutcome answers what the latest session came to, or the named one.
func (rt *router) getOutcome(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "session")
	if err != nil {
		return err
	}
	view := page.TaskPage{}
	if err := rt.summarizeOne(r.Context(), &view, p.task, q); err != nil {
		return err
	}
	if view.Summary != nil && view.Summary.Answered() != 0 { // also of a run that goes on
		if err := rt.quote(r.Context(), &view, &view.Sessions[0], []uint64{view.Summary.Answered()}); err != nil {
			return err
		}
	}
	answer := outcomeAnswer{Task: view.Task.ID, Title: view.Task.Title, Outcome: page.OutcomeOf(view)}
	if len(view.Sessions) > 0 {
		answer.Session = &view.Sessions[0]
		rt.showSession(answer.Session)
	}
	return writeRead(w, answer)
}
