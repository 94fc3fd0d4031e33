package eventlog_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

// damagedLog is a log in a file, with a task t-1 of two sessions that have ended and a third
// one, hit, in which something is damaged, and a task t-2.
type damagedLog struct {
	*fixture
	path string
	db   store.Store
	hit  eventlog.SessionID
}

func newDamagedLog(t *testing.T, b store.Bucket, open bool) *damagedLog {
	d := &damagedLog{path: filepath.Join(t.TempDir(), "jr.db")}
	d.fixture = newFixture(t, func() store.Store {
		d.db = openStore(t, d.path)
		return d.db
	}, &eventlog.Options{KeepOpen: true})
	d.record("t-1", "first", true)
	d.record("t-1", "second", true)
	d.hit = d.record("t-1", "hit", !open)
	d.record("t-2", "other", false)
	d.close()
	wantSound(t, d.path) // the control
	d.reopen()
	key := string(d.hit[:])
	switch b {
	case "tasks":
		key = "t-1"
	case "events":
		key += "\x00\x00\x00\x00\x00\x00\x00\x02" // the state of the open session
	}
	damage(t, d.db, b, key)
	return d
}

// record makes a session with one dollar of its own.
func (d *damagedLog) record(task, key string, end bool) eventlog.SessionID {
	d.Helper()
	s, err := d.Start(d.Context(), task, &eventlog.StartOptions{Agent: "a", ExternalID: "x", Concurrent: true, Key: withKey(key)})
	d.ok(err)
	events := []eventlog.Event{event("cost", `{"usd":1,"input_tokens":5,"id":"`+key+`"}`)}
	if end {
		events = append(events, complete())
	}
	answer, err := d.Append(d.Context(), &eventlog.Batch{Task: task, Session: s.ID(), Key: withKey(key), Events: events})
	d.ok(err)
	if answer.Replayed {
		d.Errorf("task %s inherited the key %s", task, key)
	}
	return s.ID()
}

// Everything about what was damaged is gone afterwards, and the rest agrees with itself.
func TestWhatIsDamagedCanBeDeleted(t *testing.T) {
	for _, c := range []struct {
		bucket store.Bucket
		open   bool // whether the session is
	}{{"sessions", false}, {"sessions", true}, {"events", true}, {"spent", true}, {"tasks", false}, {"tasks", true}} {
		name := fmt.Sprintf("%s, open %t", c.bucket, c.open)
		t.Run("A session, "+name, func(t *testing.T) {
			d := newDamagedLog(t, c.bucket, c.open)
			d.ok(d.DeleteSession(t.Context(), "t-1", d.hit))
			wantErr(t, "another deletion", d.DeleteSession(t.Context(), "t-1", d.hit), eventlog.ErrSessionNotFound)
			_, err := d.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: d.hit, Events: many(1)})
			if c.bucket == "tasks" { // the others are as they were
				wantErr(t, "an append to what is gone", err, eventlog.ErrDamaged)
				d.ok(d.DeleteTask(t.Context(), "t-1"))
			} else {
				wantErr(t, "an append to what is gone", err, eventlog.ErrSessionNotFound)
				task := d.task("t-1")
				wantEqual(t, "what is left", fmt.Sprint(task.Sessions, " ", task.Status, " ", task.Totals.Events, " ", task.Totals.USD), "2 succeeded 4 2")
			}
			d.record("t-1", "third", false)
			d.close()
			wantSound(t, d.path)
		})
		t.Run("A task, "+name, func(t *testing.T) {
			d := newDamagedLog(t, c.bucket, c.open)
			d.ok(d.DeleteTask(t.Context(), "t-1"))
			_, err := d.Task(t.Context(), "t-1")
			wantErr(t, "the task", err, eventlog.ErrTaskNotFound)
			d.record("t-1", "hit", false) // the name can be used again
			wantEqual(t, "sessions", d.task("t-1").Sessions, 1)
			d.close()
			wantSound(t, d.path)
		})
	}
}

func TestADamagedTaskOfManySessionsIsDeleted(t *testing.T) {
	d := newDamagedLog(t, "sessions", false)
	for range 600 {
		d.run("t-1", 1)
	}
	damage(t, d.db, "tasks", "t-1")
	d.ok(d.DeleteTask(t.Context(), "t-1"))
	d.close()
	figures := wantSound(t, d.path)
	wantEqual(t, "sessions", figures.Sessions, int64(1))
	wantEqual(t, "tasks", figures.Tasks, int64(1))
}
