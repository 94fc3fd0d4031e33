package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"jrweb/eventlog"
)

// maxLease is ten years, which fits into a duration.
const maxLease = 10 * 365 * 24 * time.Hour

func (rt *router) listSessions(w http.ResponseWriter, r *http.Request, p params) error {
	q, err := readQuery(r, "limit", "after")
	if err != nil {
		return err
	}
	limit, err := q.number("limit", defaultList, mostList)
	if err != nil {
		return err
	}
	var before eventlog.SessionID // the list goes from new to old
	if after := q["after"]; after != "" {
		if before, err = eventlog.ParseSessionID(after); err != nil {
			return badQuery("after", "must be the next of an earlier answer")
		}
	}
	sessions, err := rt.log.Sessions(r.Context(), p.task, before, limit+1)
	if err != nil {
		return err
	}
	for i := range sessions {
		rt.showSession(&sessions[i])
	}
	answer := struct {
		Sessions []eventlog.SessionInfo `json:"sessions"`
		Next     string                 `json:"next"` // empty: that was all
	}{Sessions: sessions}
	if len(sessions) > limit {
		answer.Sessions = sessions[:limit]
		answer.Next = sessions[limit-1].ID.String()
	}
	if sessions == nil {
		answer.Sessions = []eventlog.SessionInfo{}
	}
	return writeRead(w, answer)
}

func (rt *router) startSession(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	body, mediaType, err := rt.readBody(w, r)
	if err != nil {
		return err
	}
	o, err := readObject(body, mediaType, startFields...)
	if err != nil {
		return err
	}
	start, err := readStart(o)
	if err != nil {
		return err
	}
	start.Owner = rt.owner(&p.grant)
	if start.Key, err = readKey(r, "", body); err != nil {
		return err
	}
	info, replayed, err := rt.log.StartInfo(r.Context(), p.task, start)
	if recorded, is := errors.AsType[*eventlog.RecordedError](err); is && !p.grant.sees(recorded.Task) {
		return newProblem(http.StatusConflict, "recorded", "The run is recorded", "it is in a task that you may not see")
	}
	if err != nil {
		return err
	}
	markReplay(w, replayed)
	return writeJSON(w, http.StatusCreated, info)
}

// startFields are those of the body of a start.
var startFields = []string{
	"agent", "version", "model", "cwd", "branch", "machine", "external_id", "parent_external_id",
	"started", "unique", "lease_seconds", "concurrent", "steer",
}

func readStart(o object) (*eventlog.StartOptions, error) {
	start := &eventlog.StartOptions{}
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"agent", &start.Agent}, {"version", &start.Version}, {"model", &start.Model}, {"cwd", &start.Cwd}, {"branch", &start.Branch},
		{"machine", &start.Machine}, {"external_id", &start.ExternalID}, {"parent_external_id", &start.ParentExternalID},
	} {
		value, err := o.text(f.name)
		if err != nil {
			return nil, err
		}
		if value != nil {
			*f.to = *value
		}
	}
	if raw := o.value("lease_seconds"); raw != nil {
		var seconds *float64
		if err := json.Unmarshal(raw, &seconds); err != nil || seconds == nil || *seconds < 0 || *seconds > maxLease.Seconds() {
			return nil, invalid("lease_seconds", fmt.Sprintf("must be a number from 0 to %.0f", maxLease.Seconds()))
		}
		start.Lease = time.Duration(*seconds * float64(time.Second))
	}
	at, err := o.text("started")
	if err != nil {
		return nil, err
	}
	if at != nil {
		if start.Started, err = parseTime("started", *at); err != nil {
			return nil, err
		}
	}
	if start.Concurrent, err = o.flag("concurrent"); err != nil {
		return nil, err
	}
	if start.Steer, err = o.flag("steer"); err != nil {
		return nil, err
	}
	start.Unique, err = o.flag("unique")
	return start, err
}

func (rt *router) getSession(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	info, err := rt.log.Session(p.task, p.session).Info(r.Context())
	if err != nil {
		return err
	}
	rt.showSession(&info)
	if err := rt.showElsewhere(r.Context(), &p.grant, &info); err != nil {
		return err
	}
	return writeRead(w, info)
}

// showElsewhere sets the costs of a session that count in other sessions. Of the tasks of
// those, it names only the ones that the client may see.
func (rt *router) showElsewhere(ctx context.Context, grant *Grant, s *eventlog.SessionInfo) error {
	counted, err := rt.log.CountedElsewhere(ctx, s.Task, s.ID)
	if err != nil || counted.Tokens == 0 && counted.USD == 0 {
		return err
	}
	counted.Tasks = slices.DeleteFunc(counted.Tasks, func(task string) bool { return !grant.sees(task) })
	s.Elsewhere = &counted
	return nil
}

func (rt *router) deleteSession(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := rt.log.DeleteSession(r.Context(), p.task, p.session); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
