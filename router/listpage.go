package router

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"jrweb/eventlog"
	"jrweb/router/page"
)

const (
	// pageTasks is how many tasks the list page shows at once.
	pageTasks = 200
	// pageTries is how many sessions of each task the list page shows.
	pageTries = 10
)

// listPage answers the page of all tasks, or of those that match a filter. Its script gets
// the rows of further pages from here as well.
func (rt *router) listPage(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, append([]string{"after"}, taskFilters...)...)
	if err != nil {
		return err
	}
	filter, err := readTaskFilter(q)
	if err != nil {
		return err
	}
	after, err := q.after()
	if err != nil {
		return err
	}
	view := page.ListPage{Sessions: map[string][]eventlog.SessionInfo{}, Pulses: map[string][]time.Time{}, Filter: map[string]string{}, Older: after != 0, Warning: rt.warning(&p.grant)}
	if rt.pages["/login"] {
		view.Person = p.grant.Name
	}
	query := url.Values{}
	for _, name := range taskFilters {
		if q[name] != "" {
			view.Filter[name] = q[name]
			query.Set(name, q[name])
		}
	}
	var next uint64
	if view.Tasks, next, err = taskList(r.Context(), rt.log.Tasks, after, pageTasks, filter.of(&p.grant), func(n int) error { return hold(w, n) }); err != nil {
		return err
	}
	view.Total = len(view.Tasks)
	if next != 0 {
		query.Set("after", strconv.FormatUint(next, 10))
		view.Next = "?" + query.Encode()
		if after == 0 {
			more, err := countTasks(r.Context(), rt.log.Tasks, next, filter.of(&p.grant))
			if err != nil {
				return err
			}
			view.Total += more.found
			view.AtLeast = !more.all
		}
	}
	if err := rt.addTries(r.Context(), &view); err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.List(&html, view); err != nil {
		return err
	}
	return writePage(w, &html)
}

// addTries adds how the sessions of the tasks have ended, and the pulse of the latest.
func (rt *router) addTries(ctx context.Context, view *page.ListPage) (err error) {
	for i := range view.Tasks {
		t := &view.Tasks[i]
		rt.o.Prices.EstimateTask(t)
		if t.Sessions == 0 {
			continue
		}
		view.Sessions[t.ID], err = rt.log.Sessions(ctx, t.ID, eventlog.SessionID{}, pageTries)
		// The task was deleted just now, or one of its sessions is damaged. The other tasks
		// are shown.
		if err == nil && len(view.Sessions[t.ID]) > 0 {
			view.Pulses[t.ID], err = rt.log.Session(t.ID, view.Sessions[t.ID][0].ID).Pulse(ctx, page.SparkPulse)
		}
		if err != nil && !errors.Is(err, eventlog.ErrTaskNotFound) && !errors.Is(err, eventlog.ErrSessionNotFound) && !errors.Is(err, eventlog.ErrDamaged) {
			return err
		}
	}
	return nil
}
