package router_test

import (
	"net/http"
	"slices"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

// damage flips a bit in the record of a session.
func (s *server) damage(task, session string) {
	s.Helper()
	id, err := eventlog.ParseSessionID(session)
	s.ok(err)
	key := append([]byte(task+"\x00"), id[:]...)
	s.ok(s.store.Update(s.Context(), func(tx store.Tx) error {
		record := slices.Clone(tx.Get("sessions", key))
		record[len(record)-1] ^= 1
		tx.Put("sessions", key, record)
		return nil
	}))
}

func TestADamagedSessionIsTheOnlyOneThatCannotBeSeen(t *testing.T) {
	s, sessions := threeSessions(t, options{})
	list := func() string {
		var page struct {
			Sessions []struct{ ID string }
		}
		s.get("/tasks/t-1/sessions").is(http.StatusOK).decode(&page)
		ids := ""
		for _, one := range page.Sessions {
			for i, id := range sessions {
				if id == one.ID {
					ids += string(rune('0' + i))
				}
			}
		}
		return ids
	}
	if got := list(); got != "210" {
		t.Fatalf("sessions before the damage: %s", got)
	}
	s.damage("t-1", sessions[1])
	if got := list(); got != "20" {
		t.Errorf("sessions: %s", got)
	}
	for _, page := range []string{"/tasks/t-1", "/tasks/t-1?session=" + sessions[0], "/tasks/t-1?sessions=all", "/tasks/t-1?sessions=all&after=" + sessions[0] + ":0", "/"} {
		s.get(page, "Accept: text/html").is(http.StatusOK)
	}
	s.get("/tasks/t-1/events?session=" + sessions[0]).is(http.StatusOK)
	s.get("/tasks/t-1/events").is(http.StatusOK)

	// It is no longer possible to get all of them in order, and the answer says so.
	for _, path := range []string{
		"/tasks/t-1/events?sessions=all", "/tasks/t-1/events?sessions=all&last=100", "/tasks/t-1/sessions/" + sessions[1],
		"/tasks/t-1/events?session=" + sessions[1], "/tasks/t-1/events/stream?session=" + sessions[1],
	} {
		s.get(path).problem(http.StatusInternalServerError, "")
	}
	s.get("/tasks/t-1/events?sessions=all&after=" + sessions[2] + ":0").is(http.StatusOK)

	// An older session is never served instead of the latest.
	s.damage("t-1", sessions[2])
	for _, path := range []string{"/tasks/t-1/events", "/tasks/t-1/events/stream"} {
		s.get(path).problem(http.StatusInternalServerError, "")
	}
	s.get("/tasks/t-1/events?session=" + sessions[0]).is(http.StatusOK)
}
