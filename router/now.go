package router

import (
	"net/http"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// nowAnswer is what a page requests while it follows a run: everything that its head shows,
// at one moment.
type nowAnswer struct {
	Title   string                `json:"title"`
	Updated eventlog.Time         `json:"updated"` // when something was last appended
	Totals  eventlog.Totals       `json:"totals"`  // of the task
	Session *eventlog.SessionInfo `json:"session"` // nil: there is none yet
	Now     page.Now              `json:"now"`
	Spark   *page.Spark           `json:"spark,omitempty"` // of the session, if it is asked for
	Warning string                `json:"warning,omitempty"`
}

// isFree reports whether totals hold no cost. Then it matters where the session's costs
// count; as long as it has some of its own, that is not looked up each second.
func isFree(t *eventlog.Totals) bool {
	return t.USD == 0 && t.InputTokens+t.OutputTokens+t.CacheReadTokens+t.CacheWriteTokens == 0
}

// getNow answers what the agent does now, in the latest session or in the named one.
func (rt *router) getNow(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "session", "spark")
	if err != nil {
		return err
	}
	id, err := q.session()
	if err != nil {
		return err
	}
	spark, err := q.flag("spark", false)
	if err != nil {
		return err
	}
	task, err := rt.log.Task(r.Context(), p.task)
	if err != nil {
		return err
	}
	rt.showTask(&task)
	if id.IsZero() {
		id = task.Latest
	}
	answer := nowAnswer{Title: task.Title, Updated: task.Updated, Totals: task.Totals, Now: page.NewOutline(nil).Now(), Warning: rt.warning(&p.grant)}
	if !id.IsZero() {
		info, err := rt.log.Session(p.task, id).Info(r.Context())
		if err != nil {
			return err
		}
		looks := outlineLooks
		err = rt.outlines.with(r.Context(), &info, &looks, func(o *page.Outline) { answer.Now = o.NowIn(&info) })
		if err != nil {
			return err
		}
		rt.showSession(&info)
		if info.Sealed() || isFree(&info.Totals) {
			if err := rt.showElsewhere(r.Context(), &p.grant, &info); err != nil {
				return err
			}
		}
		answer.Session = &info
		if spark {
			pulse, err := rt.log.Session(p.task, id).Pulse(r.Context(), page.SparkPulse)
			if err != nil {
				return err
			}
			answer.Spark = page.NewSpark(pulse, info.Head)
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}
