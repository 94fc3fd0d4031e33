package eventlog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

func TestASessionEventPutsWhatItSaysOnTheSessionAndTheTask(t *testing.T) {
	f := inMemory(t, &eventlog.Options{KeepOpen: true})
	s, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", Machine: "box"})
	f.ok(err)
	f.append(s, says("x"), event("session", `{"agent":"b","version":"1.2","model":"m","cwd":"/w","branch":"main","external_id":"x-1","parent_external_id":"p-1","title":"Mend it","note":1}`))
	want := func(when string, change func(*eventlog.SessionInfo)) {
		t.Helper()
		got := f.info(s)
		known := eventlog.SessionInfo{
			ID: got.ID, Task: "t-1", Status: eventlog.StatusOpen, Agent: "b", Version: "1.2", Model: "m", Cwd: "/w", Branch: "main",
			Machine: "box", ExternalID: "x-1", ParentExternalID: "p-1", Started: got.Started, Head: got.Head, First: 1, Totals: got.Totals,
		}
		change(&known)
		wantEqual(t, when, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", known))
	}
	want("after the event", func(*eventlog.SessionInfo) {})
	f.reopen()
	want("opened again", func(*eventlog.SessionInfo) {})
	// Empty and absent fields change nothing. Two events in one append both count.
	f.append(s, event("session", `{"model":"n","agent":""}`), event("session", `{"branch":"next"}`))
	want("after a change", func(s *eventlog.SessionInfo) { s.Model, s.Branch = "n", "next" })
	wantEqual(t, "title", f.task("t-1").Title, "Mend it")
	wantEqual(t, "events", len(f.events(s, 0)), 4)
}

func TestTheTitleOfATaskIsAPersonsThenTheAgentsThenTheFirstWords(t *testing.T) {
	f := inMemory(t, &eventlog.Options{KeepOpen: true})
	s := f.start("t-1")
	title := func(want string) {
		t.Helper()
		f.reopen()
		wantEqual(t, "title", f.task("t-1").Title, want)
		tasks, err := f.Tasks(t.Context(), 0, 10)
		f.ok(err)
		wantEqual(t, "title in the list", tasks[0].Title, want)
	}
	put := func(text, want string) {
		t.Helper()
		task, _, err := f.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: &text})
		f.ok(err)
		wantEqual(t, "title in the answer", task.Title, want)
	}
	says := func(data string) { f.append(s, event("session", data)) }
	title("")
	says(`{"title":"please mend the parser","title_by":"prompt"}`)
	title("please mend the parser")
	says(`{"title":"Parser"}`)
	title("Parser")
	says(`{"title":"another prompt","title_by":"prompt"}`)
	title("Parser")
	says(`{"title":"Parser, again","title_by":"agent"}`)
	title("Parser, again")
	put("Mine", "Mine")
	says(`{"title":"Theirs"}`)
	title("Mine")
	put("", "Theirs")
	title("Theirs")
	s = f.start("t-1")
	says(`{"title":"The newest"}`)
	title("The newest")
}

func TestASessionEventThatIsWrongIsRefused(t *testing.T) {
	f := inMemory(t, nil)
	long := strings.Repeat("x", 1025)
	for _, name := range []string{"agent", "version", "model", "cwd", "branch", "external_id", "parent_external_id", "title", "title_by"} {
		for _, value := range []string{`1`, `null`, `{}`, `"` + long + `"`} {
			_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{event("session", fmt.Sprintf(`{%q:%s}`, name, value))}})
			field, ok := errors.AsType[*eventlog.FieldError](err)
			if !ok || field.Field != "data."+name {
				t.Errorf("%s %.10s: got error %v", name, value, err)
			}
		}
	}
	_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{event("session", `{"title_by":"me"}`)}})
	if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "data.title_by" {
		t.Errorf("title_by: got error %v", err)
	}
}

func TestTheTimesOfASessionAreItsAgents(t *testing.T) {
	old := time.Date(2025, 3, 1, 10, 0, 0, 123_000_000, time.UTC)
	f := onDisk(t, &eventlog.Options{KeepOpen: true, RetainAge: time.Hour})
	s, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Started: old.Add(456 * time.Microsecond)})
	f.ok(err)
	end := event("complete", `{}`)
	end.Time = old.Add(time.Minute)
	f.append(s, end)
	f.reopen()
	wantEqual(t, "start", f.info(s).Started.Time, old)
	wantEqual(t, "end", f.info(s).Ended.Time, old.Add(time.Minute)) // and retention did not treat it as a year old
	_, err = f.Start(t.Context(), "t-1", &eventlog.StartOptions{Started: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "started" {
		t.Errorf("got error %v", err)
	}
}

// startAs starts a session of an agent's thread.
func (f *fixture) startAs(task, agent, external string) *eventlog.Session {
	f.Helper()
	s, err := f.Start(f.Context(), task, &eventlog.StartOptions{Agent: agent, ExternalID: external, Concurrent: true})
	f.ok(err)
	return s
}

func (f *fixture) wantExternal(what, agent, external string, want ...*eventlog.Session) {
	f.Helper()
	got, err := f.SessionsByExternalID(f.Context(), agent, external)
	f.ok(err)
	var ids, wanted []eventlog.SessionID
	for _, s := range got {
		ids = append(ids, s.ID)
		wantEqual(f.T, what+": external id", s.ExternalID, external)
	}
	for _, s := range want {
		wanted = append(wanted, s.ID())
	}
	wantSlice(f.T, what, ids, wanted)
}

func TestSessionsAreFoundByAgentAndExternalID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	f := newFixture(t, func() store.Store { return openStore(t, path) }, &eventlog.Options{KeepOpen: true})
	a1, a2, b1 := f.startAs("t-1", "a", "x"), f.startAs("t-2", "a", "x"), f.startAs("t-1", "b", "x")
	near := f.startAs("t-1", "a", "x\x00\x01a")
	none := f.startAs("t-3", "a", "")
	check := func(when string) {
		t.Helper()
		f.wantExternal(when+": of one agent", "a", "x", a2, a1)
		f.wantExternal(when+": of any agent", "", "x", b1, a2, a1)
		f.wantExternal(when+": one that begins alike", "", "x\x00\x01a", near)
		f.wantExternal(when+": of nobody", "c", "x")
		f.wantExternal(when+": empty", "", "")
	}
	check("at first")
	f.append(a2, complete())
	f.reopen()
	check("opened again")

	f.append(none, event("session", `{"external_id":"y"}`))
	f.wantExternal("said later", "a", "y", none)
	f.append(none, event("session", `{"agent":"c"}`))
	f.wantExternal("under the agent before", "a", "y")
	f.wantExternal("under the agent now", "c", "y", none)
	f.append(none, event("session", `{"external_id":"z"}`), complete())
	f.wantExternal("under the id before", "", "y")
	f.wantExternal("under the id now", "c", "z", none)

	f.ok(f.DeleteSession(t.Context(), "t-1", a1.ID()))
	f.ok(f.DeleteTask(t.Context(), "t-2"))
	f.wantExternal("after deletions", "", "x", b1)
	f.close()
	wantSound(t, path)
}

func TestTasksAreFoundByExternalID(t *testing.T) {
	f := inMemory(t, &eventlog.Options{KeepOpen: true})
	f.startAs("t-1", "a", "x")
	f.startAs("t-2", "b", "x")
	f.startAs("t-2", "b", "x")
	f.startAs("t-3", "a", "y")
	f.startAs("t-4", "a", "x")
	var before uint64
	var ids []string
	for range 4 {
		tasks, err := f.TasksByExternalID(t.Context(), "x", before, 1)
		f.ok(err)
		for _, task := range tasks {
			ids = append(ids, task.ID)
			before = task.Change
			wantEqual(t, "sessions", task.Sessions, f.task(task.ID).Sessions)
		}
	}
	wantSlice(t, "tasks", ids, []string{"t-4", "t-2", "t-1"})
	tasks, err := f.TasksByExternalID(t.Context(), "x", 0, -1)
	wantEqual(t, "with a negative limit", fmt.Sprint(len(tasks), err), "0 <nil>")
}

func TestWhatIsRecordedIsNotRecordedAgain(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2025, 3, 1, 10, minute, 0, 0, time.UTC) }
	f := inMemory(t, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return at(50) }})
	start := func(task, agent, external string, started time.Time) error {
		_, err := f.Start(t.Context(), task, &eventlog.StartOptions{Agent: agent, ExternalID: external, Started: started, Unique: true, Concurrent: true})
		return err
	}
	done, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", ExternalID: "x", Started: at(10)})
	f.ok(err)
	end := complete()
	end.Time = at(20)
	f.append(done, end)
	open, err := f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", ExternalID: "y", Started: at(30)})
	f.ok(err)

	for _, c := range []struct {
		what, agent, external string
		started               time.Time
		of                    *eventlog.Session // nil: a new one
	}{
		{"at the start", "a", "x", at(10), done},
		{"in the middle", "a", "x", at(15), done},
		{"at the end", "a", "x", at(20), done},
		{"of the open one, long after its start", "a", "y", at(45), open},
		{"of the open one, now", "a", "y", time.Time{}, open},
		{"another agent", "b", "x", at(15), nil},
		{"another id", "a", "z", at(15), nil},
		{"before the start", "a", "x", at(10).Add(-time.Millisecond), nil},
		{"before the start of the open one", "a", "y", at(29), nil},
		{"now, when the first has ended", "a", "x", time.Time{}, nil},
	} {
		err := start("new", c.agent, c.external, c.started)
		if c.of == nil {
			if err != nil {
				t.Errorf("%s: got error %v", c.what, err)
			}
			f.ok(f.DeleteTask(t.Context(), "new"))
			continue
		}
		recorded, ok := errors.AsType[*eventlog.RecordedError](err)
		if !ok {
			t.Errorf("%s: got error %v", c.what, err)
			continue
		}
		wantEqual(t, c.what, *recorded, eventlog.RecordedError{Task: "t-1", Session: c.of.ID(), Ended: f.info(c.of).Ended})
		_, err = f.Task(t.Context(), "new")
		wantErr(t, c.what+": the task", err, eventlog.ErrTaskNotFound)
	}
	_, err = f.Start(t.Context(), "t-1", &eventlog.StartOptions{Agent: "a", Unique: true})
	if field, ok := errors.AsType[*eventlog.FieldError](err); !ok || field.Field != "external_id" {
		t.Errorf("unique without an external id: got error %v", err)
	}
}
