package router

import (
	"net/http"
	"strconv"

	"jrweb/eventlog"
)

// The number of entries of a list, if the client requests no other, and the largest.
const (
	defaultList = 100
	mostList    = 1000
)

func (rt *router) listTasks(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, append([]string{"limit", "after", "external_id"}, taskFilters...)...)
	if err != nil {
		return err
	}
	filter, err := readTaskFilter(q)
	if err != nil {
		return err
	}
	limit, err := q.number("limit", defaultList, mostList)
	if err != nil {
		return err
	}
	before, err := q.after()
	if err != nil {
		return err
	}
	read := rt.log.Tasks
	if external, given := q["external_id"]; given {
		tasks, err := rt.log.TasksByExternalID(r.Context(), external, before, mostList)
		if err != nil {
			return err
		}
		read = inParts(tasks)
	}
	tasks, next, err := taskList(r.Context(), read, before, limit, filter.of(&p.grant), func(n int) error { return hold(w, n) })
	if err != nil {
		return err
	}
	for i := range tasks {
		rt.showTask(&tasks[i])
	}
	answer := struct {
		Tasks []eventlog.Task `json:"tasks"`
		Next  string          `json:"next"` // empty: that was all
	}{Tasks: tasks}
	if next != 0 {
		answer.Next = strconv.FormatUint(next, 10)
	}
	if tasks == nil {
		answer.Tasks = []eventlog.Task{}
	}
	return writeRead(w, answer)
}

// after is the change after which a list continues, or 0 for its start. The list goes from
// new to old.
func (q queryValues) after() (before uint64, err error) {
	if after := q["after"]; after != "" {
		if before, err = strconv.ParseUint(after, 10, 64); err != nil || before == 0 {
			return 0, badQuery("after", "must be the next of an earlier answer")
		}
	}
	return before, nil
}

func (rt *router) getTask(w http.ResponseWriter, r *http.Request, p params) error {
	w.Header().Add("Vary", "Accept")
	if wants(r, "text/html") {
		return rt.taskPage(w, r, p)
	}
	if _, err := readQuery(r); err != nil {
		return err
	}
	task, err := rt.log.Task(r.Context(), p.task)
	if err != nil {
		return err
	}
	rt.showTask(&task)
	return writeRead(w, task)
}

// showTask adds estimated prices to a task, because the log knows none.
func (rt *router) showTask(t *eventlog.Task) { rt.o.Prices.EstimateTask(t) }

// showSession is showTask for a session.
func (rt *router) showSession(s *eventlog.SessionInfo) { rt.o.Prices.EstimateSession(s) }

func (rt *router) putTask(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	body, mediaType, err := rt.readBody(w, r)
	if err != nil {
		return err
	}
	o, err := readObject(body, mediaType, "title", "type", "parent", "description", "project", "pinned")
	if err != nil {
		return err
	}
	var change eventlog.TaskChange
	for _, f := range []struct {
		name string
		to   **string
	}{
		{"title", &change.Title}, {"type", &change.Type},
		{"parent", &change.Parent}, {"description", &change.Description}, {"project", &change.Project},
	} {
		if *f.to, err = o.text(f.name); err != nil {
			return err
		}
	}
	if o.value("pinned") != nil {
		pinned, err := o.flag("pinned")
		if err != nil {
			return err
		}
		change.Pinned = &pinned
	}
	task, created, err := rt.log.PutTask(r.Context(), p.task, change)
	if err != nil {
		return err
	}
	rt.showTask(&task)
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return writeJSON(w, status, task)
}

func (rt *router) deleteTask(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := rt.log.DeleteTask(r.Context(), p.task); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
