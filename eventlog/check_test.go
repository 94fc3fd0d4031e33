package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
)

// worked makes a database with a trace of everything that can happen, and closes it.
// Sessions named open are open.
func worked(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jr.db")
	log := openLog(t, path)
	f := &fixture{T: t, Log: log}
	for i := range 3 {
		task := fmt.Sprintf("done-%d", i)
		s := f.start(task)
		f.append(s, many(50)...)
		f.append(s,
			event("cost", `{"usd":0.1,"input_tokens":10}`),
			event("cost", `{"usd":0.3,"output_tokens":5,"scope":"cumulative","model":"a"}`),
			event("cost", `{"usd":0.2,"output_tokens":9,"scope":"cumulative","model":"a"}`),
			event("complete", `{"status":"failed","reason":"no luck"}`))
		f.start(task) // again, and left open
	}
	f.startBeside("done-1")
	// The same thread twice, once in a session that is left open.
	for i := range 2 {
		s := f.startAs("thread", "codex", "th-1")
		f.append(s, event("session", `{"version":"1","title":"A thread","title_by":"prompt"}`),
			event("cost", `{"id":"m-1","part_of":"th-1","input_tokens":7,"model":"m"}`), event("cost", `{"id":"th-1","usd":0.5,"model":"m"}`))
		if i == 0 {
			f.append(s, complete())
		}
	}
	big := f.start("big")
	f.append(big, says(strings.Repeat("x", 100_000)), says("after"))
	long := f.start("long")
	for range 20 {
		f.append(long, many(100)...)
	}
	f.ok(log.Trim(t.Context(), "long", long.ID(), 700))
	_, err := log.Append(t.Context(), &eventlog.Batch{Task: "keyed", Key: withKey("k-1"), Events: many(2)})
	f.ok(err)
	keyed := f.start("keyed")
	_, err = log.Append(t.Context(), &eventlog.Batch{Task: "keyed", Session: keyed.ID(), Key: withKey("k-2"), Events: many(2)})
	f.ok(err)
	f.ok(log.DeleteSession(t.Context(), "keyed", keyed.ID()))
	f.append(f.start("gone"), many(5)...)
	f.ok(log.DeleteTask(t.Context(), "gone"))
	title := "never started"
	_, _, err = log.PutTask(t.Context(), "idle", eventlog.TaskChange{Title: &title})
	f.ok(err)
	f.ok(log.Close())
	return path
}

func openLog(t *testing.T, path string) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// check checks a file and returns what was found.
func check(t *testing.T, path string) (dbfile.Figures, []string, error) {
	t.Helper()
	var found []string
	figures, err := dbfile.Check(t.Context(), path, &dbfile.CheckOptions{
		Found: func(f dbfile.Finding) { found = append(found, f.String()) },
	})
	if (err == nil) != (len(found) == 0) && (errors.Is(err, eventlog.ErrDamaged) || err == nil) {
		t.Errorf("%d findings, and the error is %v", len(found), err)
	}
	return figures, found, err
}

func wantSound(t *testing.T, path string) dbfile.Figures {
	t.Helper()
	figures, found, err := check(t, path)
	if err != nil {
		t.Fatalf("check: %v\n%s", err, strings.Join(found, "\n"))
	}
	return figures
}

func TestCheckFindsNothingInADatabaseThatIsWell(t *testing.T) {
	path := worked(t)
	before := snapshot(t, path)
	figures := wantSound(t, path)
	wantEqual(t, "tasks", figures.Tasks, 8)
	wantEqual(t, "size", figures.Size, int64(len(before.content)))
	if figures.Sessions < 9 || figures.Events < 1400 || figures.Records < figures.Events || figures.Free <= 0 {
		t.Errorf("figures %+v", figures)
	}
	before.wantUntouched(t, path)
}

// file is a file as it was at one moment.
type file struct {
	content []byte
	changed time.Time
	entries int // in its directory
}

func snapshot(t *testing.T, path string) file {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	return file{content, info.ModTime(), len(entries)}
}

func (f file) wantUntouched(t *testing.T, path string) {
	t.Helper()
	now := snapshot(t, path)
	if !bytes.Equal(now.content, f.content) || !now.changed.Equal(f.changed) || now.entries != f.entries {
		t.Errorf("%s was touched", path)
	}
}

func TestCheckTellsHowFarItIs(t *testing.T) {
	last, end, calls := int64(0), int64(0), 0
	_, err := dbfile.Check(t.Context(), worked(t), &dbfile.CheckOptions{Progress: func(done, total int64) {
		if done < last || done > total {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last, end = done, total
		calls++
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "done at last", last, end)
	if calls < 10 {
		t.Errorf("told %d times", calls)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := dbfile.Check(ctx, worked(t), nil)
	wantErr(t, "check", err, context.Canceled)
}

func TestWorkOnAFileThatIsInUseIsRefused(t *testing.T) {
	path := worked(t)
	log := openLog(t, path)
	_, err := dbfile.Check(t.Context(), path, nil)
	wantErr(t, "check", err, eventlog.ErrHeld)
	_, _, err = dbfile.Compact(t.Context(), path, nil)
	wantErr(t, "compact", err, eventlog.ErrHeld)
	_, err = dbfile.Restore(t.Context(), path, path+".2", nil)
	wantErr(t, "restore", err, eventlog.ErrHeld)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	wantSound(t, path)
}

func TestWhatIsNoDatabaseIsDamagedAndLeftUntouched(t *testing.T) {
	source := worked(t)
	// Without free space, each page counts.
	if _, _, err := dbfile.Compact(t.Context(), source, nil); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":                 {},
		"a text":                []byte("This is no database.\n"),
		"a long text":           bytes.Repeat([]byte("This is no database.\n"), 10_000),
		"zeros":                 make([]byte, 1<<20),
		"cut in the first page": good[:1000],
		"cut to one page":       good[:4096],
		"cut to its meta pages": good[:8192],
		"cut in half":           good[:len(good)/2/4096*4096],
		"cut inside a page":     good[:len(good)/3],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, path)
			_, err := dbfile.Check(t.Context(), path, nil)
			wantErr(t, "check", err, eventlog.ErrDamaged)
			_, _, err = dbfile.Compact(t.Context(), path, nil)
			wantErr(t, "compact", err, eventlog.ErrDamaged)
			to := filepath.Join(t.TempDir(), "new.db")
			_, err = dbfile.Restore(t.Context(), path, to, nil)
			wantErr(t, "restore", err, eventlog.ErrDamaged)
			if _, err := os.Stat(to); err == nil {
				t.Error("something was restored")
			}
			before.wantUntouched(t, path)
		})
	}
}
