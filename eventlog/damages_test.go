package eventlog_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

func TestADamagedTaskIsLeftOutOfListsAndNamedOnce(t *testing.T) {
	for _, c := range []struct {
		bucket store.Bucket
		want   string // the listed tasks, with their agents
	}{
		{"tasks", "t-2:a t-0:a"}, {"activity", "t-2:a t-0:a"}, {"events", "t-2:a t-0:a"}, {"spent", "t-2:a t-0:a"},
		{"sessions", "t-2:a t-1: t-0:a"}, // only the fields of its latest session are missing
	} {
		t.Run(string(c.bucket), func(t *testing.T) {
			store := eventlogtest.NewStore()
			var told journal
			var counted atomic.Int64
			f := on(t, store, &eventlog.Options{
				KeepOpen: true, Logger: slog.New(slog.NewTextHandler(&told, nil)),
				Trace: &eventlog.Trace{Damaged: func(*eventlog.DamageError) { counted.Add(1) }},
			})
			var sessions []*eventlog.Session
			for i := range 3 {
				s, err := f.Start(t.Context(), fmt.Sprint("t-", i), &eventlog.StartOptions{Agent: "a", ExternalID: "x"})
				f.ok(err)
				f.append(s, event("cost", `{"usd":1}`))
				sessions = append(sessions, s)
			}
			last := f.LastChange()
			listed := func(tasks []eventlog.Task, err error) string {
				t.Helper()
				f.ok(err)
				var ids []string
				for _, task := range tasks {
					ids = append(ids, task.ID+":"+task.Agent)
				}
				return strings.Join(ids, " ")
			}
			wantEqual(t, "tasks before the damage", listed(f.Tasks(t.Context(), 0, 10)), "t-2:a t-1:a t-0:a")
			wantEqual(t, "damage before there is any", counted.Load(), 0)

			in := "t-1"
			switch id := sessions[1].ID(); c.bucket {
			case "events":
				in = string(id[:]) + "\x00\x00\x00\x00\x00\x00\x00\x02" // its state
			case "spent":
				in = string(id[:])
			case "activity":
				in = "\x00\x00\x00\x00\x00\x00\x00" + string(rune(listedUnder(t, f, "t-1")))
			}
			damage(t, store, c.bucket, in)
			for range 3 {
				wantEqual(t, "tasks", listed(f.Tasks(t.Context(), 0, 10)), c.want)
				changes, err := f.Changes(t.Context(), eventlog.TaskCursor{}, 10)
				f.ok(err)
				wantEqual(t, "changes", len(changes.Tasks), len(strings.Fields(c.want)))
				wantEqual(t, "where to go on", changes.Next.Change, last)
				if c.bucket != "activity" { // this list does not need it
					wantEqual(t, "tasks by external id", listed(f.TasksByExternalID(t.Context(), "x", 0, 10)), c.want)
				}
			}
			wantEqual(t, "lines", told.count("something is damaged, and was passed over"), 1)
			wantEqual(t, "damage that was counted", counted.Load(), 1)
		})
	}
}

// listedUnder is the change under which a task is listed.
func listedUnder(t *testing.T, f *fixture, task string) uint64 {
	t.Helper()
	tasks, err := f.Tasks(t.Context(), 0, 10)
	f.ok(err)
	for i := range tasks {
		if tasks[i].ID == task {
			return tasks[i].Change
		}
	}
	t.Fatalf("task %s is not listed", task)
	return 0
}

func TestDamageThatACallerHearsOfIsCounted(t *testing.T) {
	store := eventlogtest.NewStore()
	var counted atomic.Int64
	f := on(t, store, &eventlog.Options{KeepOpen: true, Trace: &eventlog.Trace{Damaged: func(*eventlog.DamageError) { counted.Add(1) }}})
	s := f.start("t-1")
	f.append(s, says("a"), says("b"))
	id := s.ID()
	damage(t, store, "events", string(id[:]))
	damage(t, store, "tasks", "t-1")
	for range 2 {
		_, err := f.Read(t.Context(), "t-1", s.ID(), 0)
		wantErr(t, "read", err, eventlog.ErrDamaged)
		_, err = f.Start(t.Context(), "t-1", nil)
		wantErr(t, "start", err, eventlog.ErrDamaged)
	}
	wantEqual(t, "damage that was counted", counted.Load(), 2)
}

func TestADamagedSessionIsLeftOutOfListsAndNamedOnce(t *testing.T) {
	store := eventlogtest.NewStore()
	var told journal
	var counted atomic.Int64
	f := on(t, store, &eventlog.Options{
		KeepOpen: true, Logger: slog.New(slog.NewTextHandler(&told, nil)),
		Trace: &eventlog.Trace{Damaged: func(*eventlog.DamageError) { counted.Add(1) }},
	})
	var ids []eventlog.SessionID
	for range 4 {
		ids = append(ids, f.run("t-1", 1).ID())
	}
	listed := func() (found []eventlog.SessionID) {
		t.Helper()
		sessions, err := f.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 10)
		f.ok(err)
		for i := range sessions {
			found = append(found, sessions[i].ID)
		}
		return found
	}
	wantSlice(t, "sessions before the damage", listed(), []eventlog.SessionID{ids[3], ids[2], ids[1], ids[0]})

	damage(t, store, "sessions", string(ids[1][:]))
	for range 3 {
		wantSlice(t, "sessions", listed(), []eventlog.SessionID{ids[3], ids[2], ids[0]})
	}
	wantEqual(t, "lines", told.count("something is damaged, and was passed over"), 1)
	wantEqual(t, "lines that name it", told.count(ids[1].String()), 1)
	wantEqual(t, "damage that was counted", counted.Load(), 1)

	// A reader that goes in order sees the damage, and can go on after it.
	at, _, err := f.SessionAfter(t.Context(), "t-1", ids[0])
	wantErr(t, "the session after the first", err, eventlog.ErrDamaged)
	wantEqual(t, "which it is", at.ID, ids[1])
	at, _, err = f.SessionAfter(t.Context(), "t-1", at.ID)
	f.ok(err)
	wantEqual(t, "the session behind it", at.ID, ids[2])
	at, _, err = f.SessionBefore(t.Context(), "t-1", ids[2])
	wantErr(t, "the session before the third", err, eventlog.ErrDamaged)
	wantEqual(t, "which it is", at.ID, ids[1])
	at, _, err = f.SessionBefore(t.Context(), "t-1", eventlog.SessionID{})
	f.ok(err)
	wantEqual(t, "the latest session", at.ID, ids[3])
}

func TestADamagedSessionKeepsNoOtherFromBeingDeleted(t *testing.T) {
	store := eventlogtest.NewStore()
	f := on(t, store, nil)
	var ids []eventlog.SessionID
	for range 4 {
		ids = append(ids, f.run("t-1", 1).ID())
	}
	damage(t, store, "sessions", string(ids[2][:]))
	f.ok(f.DeleteSession(t.Context(), "t-1", ids[0]))
	wantEqual(t, "the latest session", f.task("t-1").Latest, ids[3])
	f.ok(f.DeleteSession(t.Context(), "t-1", ids[3]))
	wantEqual(t, "the latest session, of which the newest is damaged", f.task("t-1").Latest, ids[1])
	wantEqual(t, "sessions", f.task("t-1").Sessions, 2)

	damage(t, store, "sessions", string(ids[1][:]))
	f.ok(f.DeleteSession(t.Context(), "t-1", f.run("t-1", 1).ID()))
	wantEqual(t, "the latest session of which something is known", f.task("t-1").Latest, eventlog.SessionID{})
	f.ok(f.DeleteSession(t.Context(), "t-1", ids[1]))
	f.ok(f.DeleteSession(t.Context(), "t-1", ids[2]))
	wantEqual(t, "sessions when the damaged ones are deleted", f.task("t-1").Sessions, 0)
}
