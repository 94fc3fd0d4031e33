package auth

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"jrweb/router"
)

// How long a link to one task may be valid.
const (
	shareDefault = 24 * time.Hour
	shareMost    = 90 * 24 * time.Hour
)

// mostGroups is how many groups of its maker a ticket has: an address has little room.
const mostGroups = 5

// share makes a link to one task. It answers {"path","ticket","expires"}: the path is
// relative to the mount.
func (a *Auth) share(w http.ResponseWriter, r *http.Request) {
	asked := struct {
		Seconds *float64 `json:"expires_seconds"`
	}{}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostForm))
	if err == nil && len(strings.TrimSpace(string(body))) > 0 {
		err = json.Unmarshal(body, &asked)
	}
	life := shareDefault
	if err == nil && asked.Seconds != nil {
		if !(*asked.Seconds >= 1 && *asked.Seconds <= shareMost.Seconds()) {
			err = errors.New("out of range")
		}
		life = time.Duration(*asked.Seconds * float64(time.Second))
	}
	if isTooLarge(err) {
		problem(w, http.StatusRequestEntityTooLarge, "what is sent has 16 KiB at most")
		return
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "the body is empty, or {\"expires_seconds\": N}, from 1 to 7776000")
		return
	}
	task := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/tasks/"), "/share")
	who, _ := a.identify(r) // the router has called Authorize
	roles := a.roles.get()
	groups := slices.DeleteFunc(slices.Clone(who.groups), func(group string) bool { return roles["@"+group] < router.RoleSteer })
	t := ticketBody{ID: newID(), Task: task, By: who.name, Groups: groups[:min(len(groups), mostGroups)], Expires: time.Now().Add(life).UTC().Truncate(time.Second)}
	sealed := a.sealer.seal(purposeTicket, t)
	a.o.Logger.Info("shared a task", "audit", true, "name", who.name, "task", task, "expires", t.Expires)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"path": "tasks/" + task + "?ticket=" + sealed, "ticket": sealed, "expires": t.Expires})
}
