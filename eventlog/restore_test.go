package eventlog_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
)

// backedUp writes a backup of a log to a new file.
func backedUp(t *testing.T, log *eventlog.Log) (path string) {
	t.Helper()
	backup, err := log.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	path = filepath.Join(t.TempDir(), "backup")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(file, backup)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "size", n, backup.Size)
	return path
}

// restored restores a backup to a new file, and checks the file.
func restored(t *testing.T, backup string) (path string, what dbfile.Restored) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "restored.db")
	what, err := dbfile.Restore(t.Context(), backup, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantSound(t, path)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "files", len(entries), 1)
	return path, what
}

func TestABackupIsTheDatabaseAsItStood(t *testing.T) {
	path := worked(t)
	f := &fixture{T: t, Log: openLog(t, path)}
	before := f.task("long")
	backup := backedUp(t, f.Log)
	f.appendTo("long", says("after the backup"))
	f.ok(f.Close())
	wantSound(t, backup)
	wantSound(t, path)
	copied := &fixture{T: t, Log: openLog(t, backup)}
	defer copied.Close()
	wantEqual(t, "events", copied.task("long").Totals.Events, before.Totals.Events)
	// The copy had no name, so no file is left.
	entries, err := os.ReadDir(filepath.Dir(path))
	f.ok(err)
	wantEqual(t, "files", len(entries), 1)
}

// An open session comes back under a new id, and what it has cost with it.
func TestARestoredDatabaseGoesOnCountingWhereTheBackupStood(t *testing.T) {
	path := worked(t)
	log := openLog(t, path)
	backup := backedUp(t, log)
	before, err := log.Task(t.Context(), "thread")
	if err := errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	again, _ := restored(t, backup)
	f := &fixture{T: t, Log: openLog(t, again)}
	want := before.Totals
	want.Events++ // the end of the open session
	wantEqual(t, "totals", f.task("thread").Totals, want)
	found, err := f.SessionsByExternalID(t.Context(), "codex", "th-1")
	f.ok(err)
	wantEqual(t, "sessions by their external id", len(found), 2)
	s := f.startAs("thread", "codex", "th-1")
	f.append(s, event("cost", `{"id":"m-1","part_of":"th-1","input_tokens":9}`))
	wantEqual(t, "what a third one adds", f.info(s).Totals.InputTokens, 2)
	for _, old := range found {
		f.ok(f.DeleteSession(t.Context(), "thread", old.ID))
	}
	f.ok(f.Close())
	wantSound(t, again)
}

func TestBackupsUnderWayWhileManyAppendAreWhole(t *testing.T) {
	f := &fixture{T: t, Log: openLog(t, filepath.Join(t.TempDir(), "jr.db"))}
	s := f.start("t-1")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if _, err := s.Append(t.Context(), says(strings.Repeat("x", 5000))); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 5 {
		acknowledged := f.info(s).Head
		figures := wantSound(t, backedUp(t, f.Log))
		if uint64(figures.Events) < acknowledged {
			t.Errorf("%d events in the backup, %d were acknowledged before it", figures.Events, acknowledged)
		}
	}
	close(stop)
	f.ok(<-stopped)
	f.ok(f.Close())
}

func TestABackupHoldsNoReadTransaction(t *testing.T) {
	f := &fixture{T: t, Log: openLog(t, worked(t))}
	defer f.Close()
	backup, err := f.Backup(t.Context())
	f.ok(err)
	defer backup.Close()
	// The purger reads for a moment, a backup would until it is closed.
	for began := time.Now(); f.Stats().Store.Views > 0; <-time.After(time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%d read transactions are open", f.Stats().Store.Views)
		}
	}
}

func TestAStoreThatCannotCopyItselfHasNoBackup(t *testing.T) {
	_, err := inMemory(t, nil).Backup(t.Context())
	wantErr(t, "backup", err, errors.ErrUnsupported)
}

func TestAClosedLogHasNoBackup(t *testing.T) {
	log := openLog(t, worked(t))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := log.Backup(t.Context())
	wantErr(t, "backup", err, eventlog.ErrClosed)
}

func TestWhatWasEndedIsRestoredAsItWas(t *testing.T) {
	f := &fixture{T: t, Log: openLog(t, filepath.Join(t.TempDir(), "jr.db"))}
	s := f.start("t-1")
	f.append(s, says("a"), event("cost", `{"usd":1,"model":"m","scope":"cumulative"}`), complete())
	info, events := f.info(s), f.events(s, 0)
	path, what := restored(t, backedUp(t, f.Log))
	f.ok(f.Close())
	wantEqual(t, "interrupted", what.Interrupted, 0)

	again := &fixture{T: t, Log: openLog(t, path)}
	defer again.Close()
	wantEqual(t, "session", again.info(s), info)
	for i, e := range again.events(s, 0) {
		if e.Type != events[i].Type || string(e.Data) != string(events[i].Data) || !e.Time.Equal(events[i].Time) {
			t.Errorf("event %d is %+v, was %+v", i+1, e, events[i])
		}
	}
}

func TestWhatWasOpenIsRestoredUnderANewIDAndSealed(t *testing.T) {
	f := &fixture{T: t, Log: openLog(t, filepath.Join(t.TempDir(), "jr.db"))}
	old := f.start("t-1")
	beside := f.startBeside("t-1")
	_, err := f.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: old.ID(), Key: withKey("k"), Events: []eventlog.Event{says("a"), says("b")}})
	f.ok(err)
	f.append(beside, says("c"), event("cost", `{"usd":2,"model":"m","scope":"cumulative"}`))
	started := f.info(old).Started
	backup := backedUp(t, f.Log)
	f.append(old, says("only in the original"), complete())
	after := f.start("t-2").ID() // an id that the original issues after the backup
	f.ok(f.Close())

	path, what := restored(t, backup)
	wantEqual(t, "interrupted", what.Interrupted, 2)
	again := &fixture{T: t, Log: openLog(t, path)}
	defer again.Close()
	for _, s := range []*eventlog.Session{old, beside} {
		_, err := again.Session("t-1", s.ID()).Info(t.Context())
		wantErr(t, "an old id", err, eventlog.ErrSessionNotFound)
	}
	_, err = again.Append(t.Context(), &eventlog.Batch{Task: "t-1", Session: old.ID(), Key: withKey("k"), Events: many(2)})
	wantErr(t, "a repeat to an old id", err, eventlog.ErrSessionNotFound)

	sessions, err := again.Sessions(t.Context(), "t-1", eventlog.SessionID{}, 10)
	f.ok(err)
	wantEqual(t, "sessions", len(sessions), 2)
	slices.Reverse(sessions) // the oldest first, as they were
	for i, want := range [][]string{{"a", "b"}, {"c", `cost{"usd":2,"model":"m","scope":"cumulative"}`}} {
		s := sessions[i]
		wantEqual(t, "status", s.Status, eventlog.Interrupted)
		wantEqual(t, "reason", s.Reason, "restored")
		if s.ID.String() <= after.String() {
			t.Errorf("id %s is not greater than %s, which the original gave out meanwhile", s.ID, after)
		}
		got := again.contents(again.Session("t-1", s.ID))
		wantSlice(t, "events", got, append(want, `complete{"status":"interrupted","reason":"restored"}`))
	}
	wantEqual(t, "start", sessions[0].Started, started)
	task := again.task("t-1")
	wantEqual(t, "latest", task.Latest, sessions[1].ID)
	wantEqual(t, "status", task.Status, eventlog.Interrupted)
	wantEqual(t, "money", task.Totals.USD, 2)
}

func TestARestoredDatabaseGivesOutNoIDOfTheOriginal(t *testing.T) {
	// The clock of the original runs ahead, then stands still: its ids are counted up.
	ahead := time.Now().Add(time.Hour)
	clock := &eventlog.Options{KeepOpen: true, Now: func() time.Time { return ahead }}
	log, err := eventlog.Open(filepath.Join(t.TempDir(), "jr.db"), clock)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Log: log}
	f.start("t-1")
	path, _ := restored(t, backedUp(t, f.Log))
	ids := map[eventlog.SessionID]bool{}
	for range 100 {
		ids[f.start("t-1").ID()] = true
	}
	f.ok(f.Close())

	again := &fixture{T: t, Log: openLog(t, path)}
	defer again.Close()
	for range 100 {
		if id := again.start("t-1").ID(); ids[id] {
			t.Fatalf("both gave out %s", id)
		}
	}
}

func TestEverythingThatCanBeInADatabaseIsRestored(t *testing.T) {
	path := worked(t)
	before := wantSound(t, path)
	log := openLog(t, path)
	backup := backedUp(t, log)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	path, what := restored(t, backup)
	after := wantSound(t, path)
	wantEqual(t, "tasks", after.Tasks, before.Tasks)
	wantEqual(t, "sessions", after.Sessions, before.Sessions)
	if what.Interrupted < 5 {
		t.Errorf("%d sessions were open", what.Interrupted)
	}
	f := &fixture{T: t, Log: openLog(t, path)}
	defer f.Close()
	wantEqual(t, "open sessions", f.Stats().OpenSessions, 0)
	f.appendTo("long", says("life goes on"))
}

func TestRestoreOverwritesNothing(t *testing.T) {
	log := openLog(t, worked(t))
	backup := backedUp(t, log)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	to := worked(t)
	before := snapshot(t, to)
	_, err := dbfile.Restore(t.Context(), backup, to, nil)
	wantErr(t, "restore", err, fs.ErrExist)
	before.wantUntouched(t, to)
}
