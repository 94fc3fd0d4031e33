package eventlog_test

import (
	"strings"
	"testing"

	"jrweb/eventlog"
)

func TestASessionKeepsWhoStartedIt(t *testing.T) {
	f := onDisk(t, &eventlog.Options{KeepOpen: true})
	first, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", Model: "m", Owner: "ann"})
	f.ok(err)
	f.append(first, event("session", `{"owner":"eve","model":"n"}`)) // the run itself says so
	answer, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Owner: "bob", Events: many(1)})
	f.ok(err)
	wantEqual(t, "session of an append to an open one", answer.Session, first.ID())
	f.append(first, complete())
	want := func(when, sessions, task string) {
		t.Helper()
		list, err := f.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 10)
		f.ok(err)
		var owners []string
		for i := range list {
			owners = append(owners, list[i].Owner)
		}
		wantEqual(t, when+", owners", strings.Join(owners, " "), sessions)
		now := f.task("t-1")
		wantEqual(t, when+", task", now.Agent+" "+now.Model+" "+now.Owner, task)
		put, _, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{})
		f.ok(err)
		wantEqual(t, when+", task as it was answered", put.Agent+" "+put.Model+" "+put.Owner, task)
	}
	want("after one", "ann", "a n ann")
	f.reopen()
	want("opened again", "ann", "a n ann")
	answer, err = f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Owner: "bob", Events: many(1)})
	f.ok(err)
	want("after an append that started one", "bob ann", "  bob")
	f.ok(f.DeleteSession(t.Context(), "t-1", answer.Session))
	want("after its deletion", "ann", "a n ann")

	long := strings.Repeat("x", 1025)
	_, err = f.Start(t.Context(), "t-1", &eventlog.StartOptions{Owner: long})
	wantField(t, "start", err, "owner")
	_, err = f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Owner: long, Events: many(1)})
	wantField(t, "append", err, "owner")
}
