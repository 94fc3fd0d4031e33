package dbfile_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/event"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// oldFormats are the formats that can be upgraded.
var oldFormats = []int{2, 3, 4}

// keptPath is where an upgrade keeps a file of a format.
func keptPath(path string, format int) string { return fmt.Sprint(path, ".format-", format) }

// oldFile makes a database of a format from the records in testdata, which the last version
// with that format wrote, and lets change write to it.
func oldFile(t *testing.T, format int, change func(*bolt.Tx) error) (path string) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	records, err := os.Open(fmt.Sprintf("testdata/format%d.txt", format))
	ok(err)
	defer records.Close()
	path = filepath.Join(t.TempDir(), "jr.db")
	db, err := bolt.Open(path, 0o640, nil)
	ok(err)
	ok(db.Update(func(tx *bolt.Tx) error {
		buckets := record.Buckets3
		if format == 2 {
			buckets = record.Buckets2
		}
		for _, b := range buckets {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		lines := bufio.NewScanner(records)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "#") {
				continue
			}
			fields := strings.SplitN(lines.Text(), " ", 2)
			quoted, err := strconv.QuotedPrefix(fields[1])
			ok(err)
			key, err := strconv.Unquote(quoted)
			ok(err)
			value, err := strconv.Unquote(fields[1][len(quoted)+1:])
			ok(err)
			if err := tx.Bucket([]byte(fields[0])).Put([]byte(key), []byte(value)); err != nil {
				return err
			}
		}
		if change != nil {
			ok(change(tx))
		}
		return lines.Err()
	}))
	ok(db.Close())
	return path
}

// wantUpgraded opens a log with the records of oldFile and checks its content.
func wantUpgraded(t *testing.T, path string) {
	t.Helper()
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			log.Close()
		}
	}()
	for task, want := range map[string]string{
		"done":    `"A task" open {9 2.25 47 13 7 0} [{b 0 9 0 0} {c 30 0 0 0}]`,
		"twice":   `"" succeeded {8 0 211 0 0 0} [{ 200 0 0 0} {x 11 0 0 0}]`,
		"trimmed": `"" open {4 1 34 0 0 0} [{y 3 0 0 0}]`,
		"keyed":   `"" open {1 0 0 0 0 0} []`,
	} {
		got, err := log.Task(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		sum := got.Totals
		totals := []any{sum.Events, sum.USD, sum.InputTokens, sum.OutputTokens, sum.CacheReadTokens, sum.CacheWriteTokens}
		if text := fmt.Sprintf("%q %s {%s} %v", got.Title, got.Status, strings.Trim(fmt.Sprint(totals...), "[]"), got.Unpriced); text != want {
			t.Errorf("task %s is %s, want %s", task, text, want)
		}
	}
	wantUsage(t, log)
	var sums []string
	for _, external := range []string{"thread-1", "s-0", "s-1"} {
		sessions, err := log.SessionsByExternalID(t.Context(), "", external)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			sums = append(sums, fmt.Sprint(s.Task, " ", s.Agent, " ", s.Status, " ", s.Totals.InputTokens, " ", s.Ended.UnixMilli()))
		}
	}
	want := []string{
		"done codex open 32 -62135596800000", "done codex failed 15 1700000000000", // when its complete event says
		"twice claude succeeded 111 1763800011000", "twice claude succeeded 100 1763800013000", // what was reported twice counts once
	}
	if !slices.Equal(sums, want) {
		t.Errorf("the sessions are %q, want %q", sums, want)
	}
	// Cumulative costs, ids and idempotency keys continue where they were.
	add := func(task, data string) {
		t.Helper()
		if _, err := log.Append(t.Context(), &eventlog.Batch{Task: task, Events: []event.Event{{Type: event.TypeCost, Data: json.RawMessage(data)}}}); err != nil {
			t.Error(err)
		}
	}
	add("done", `{"input_tokens":31,"model":"c","scope":"cumulative"}`)
	add("trimmed", `{"input_tokens":25,"model":"c","scope":"cumulative"}`)
	add("trimmed", `{"id":"msg-1","input_tokens":4,"model":"y"}`)
	for task, want := range map[string]uint64{"done": 47 + 1, "trimmed": 34 + 5 + 1} {
		if got, err := log.Task(t.Context(), task); err != nil || got.Totals.InputTokens != want {
			t.Errorf("with more costs, %s has %d tokens, want %d", task, got.Totals.InputTokens, want)
		}
	}
	answer, err := log.Append(t.Context(), &eventlog.Batch{Task: "keyed", Events: []event.Event{{Type: "note", Data: json.RawMessage(`{}`)}}, Key: eventlog.Key{ID: "k"}})
	if err != nil || !answer.Replayed {
		t.Errorf("a repeat was answered with %+v, %v", answer, err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	closed = true
	if _, err := dbfile.Check(t.Context(), path, &dbfile.CheckOptions{Found: func(f dbfile.Finding) { t.Error(f) }}); err != nil {
		t.Error(err)
	}
}

// wantUsage checks that what was spent by day is what the sessions have cost, on the days of
// their events.
func wantUsage(t *testing.T, log *eventlog.Log) {
	t.Helper()
	var sessions, days eventlog.Spent
	for _, task := range []string{"done", "twice", "trimmed", "keyed", "beside"} {
		of, err := log.Task(t.Context(), task)
		if errors.Is(err, event.ErrTaskNotFound) {
			continue // not every format's file has it
		}
		if err != nil {
			t.Fatal(err)
		}
		sessions.USD += float64(of.Totals.USD)
		sessions.InputTokens += of.Totals.InputTokens
		sessions.OutputTokens += of.Totals.OutputTokens
		sessions.CacheReadTokens += of.Totals.CacheReadTokens
	}
	var rows []string
	err := log.Usage(t.Context(), time.Unix(0, 0), time.Now(), func(u *eventlog.UsageRow) bool {
		days.USD += u.USD
		days.InputTokens += u.InputTokens
		days.OutputTokens += u.OutputTokens
		days.CacheReadTokens += u.CacheReadTokens
		if u.Project == "shop" && u.Person == "ada" {
			rows = append(rows, fmt.Sprint(u.Day.Format(time.DateOnly), " ", u.Agent, " ", u.Model, " ", u.Machine, " ", u.USD, " ", u.InputTokens, " ", u.OutputTokens, " ", u.Unpriced.InputTokens, " ", u.Unpriced.OutputTokens))
		}
		return true
	})
	if err != nil || days != sessions {
		t.Errorf("the days say %+v, the sessions %+v, %v", days, sessions, err)
	}
	// Of format 4 alone: the money of the second day covers the tokens of both. What had no
	// money at the upgrade stays without.
	want := []string{"2025-11-22 codex z box 0 100 0 0 0", "2025-11-23 codex z box 4 50 0 0 0", "2025-11-24 codex z box 0 0 8 0 8"}
	if len(rows) > 0 && !slices.Equal(rows, want) {
		t.Errorf("the rows are %q, want %q", rows, want)
	}
}

func TestAnOldFileIsUpgradedAndStaysBesideTheNewOne(t *testing.T) {
	for _, format := range oldFormats {
		path := oldFile(t, format, nil)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// Programs that cannot upgrade it say which one can.
		for what, do := range map[string]func() error{
			"check":           func() error { _, err := dbfile.Check(t.Context(), path, nil); return err },
			"compact":         func() error { _, _, err := dbfile.Compact(t.Context(), path, nil); return err },
			"restore":         func() error { _, err := dbfile.Restore(t.Context(), path, path+".restored", nil); return err },
			"open as a store": func() error { _, err := filestore.Open(path, &filestore.Options{Admit: record.Admit}); return err },
		} {
			if err := do(); !errors.Is(err, store.ErrFormat) || !strings.Contains(err.Error(), "jrweb serve upgrades it") {
				t.Errorf("%s: got error %v", what, err)
			}
		}
		wantUpgraded(t, path)
		kept, err := os.ReadFile(keptPath(path, format))
		if err != nil || !bytes.Equal(kept, before) {
			t.Errorf("what is kept is not the old file: %v", err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("the new file has mode %v, %v", info.Mode(), err)
		}
	}
}

// What a file of format 4 has in its journal alone is in the file that is kept as well: nobody
// else can read it there.
func TestAFileOfFormat4IsUpgradedWithItsJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []event.Event{{Type: "note", Data: json.RawMessage(`{}`)}}}); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Dir(snapshot(t, path))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(filepath.Dir(path), "crashed"), os.DirFS(crashed)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(crashed)
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files are left, %v", len(files), err)
	}
	for _, file := range files {
		if err := os.Rename(filepath.Join(filepath.Dir(path), "crashed", file.Name()), filepath.Join(filepath.Dir(path), file.Name())); err != nil {
			t.Fatal(err)
		}
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		version := record.Encode(store.Meta, record.KeyFormat, []byte{0, 0, 0, 0, 0, 0, 0, 4})
		return errors.Join(tx.DeleteBucket([]byte(store.Usage)), tx.Bucket([]byte(store.Meta)).Put(record.KeyFormat, version))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if log, err = eventlog.Open(path, &eventlog.Options{KeepOpen: true}); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if task, err := log.Task(t.Context(), "t-1"); err != nil || task.Totals.Events != 1 {
		t.Errorf("the task is %+v, %v", task, err)
	}
	kept, err := bolt.Open(keptPath(path, 4), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	err = kept.View(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte(store.Tasks)).Get([]byte("t-1")) == nil {
			t.Error("what is kept lacks what was in the journal")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Events of an old file are of no change that is known. What follows them is.
func TestEventsOfAnOldFileHaveNoChange(t *testing.T) {
	path := oldFile(t, 3, nil)
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	answer, err := log.Append(t.Context(), &eventlog.Batch{Task: "beside", Session: latestOpen(t, log, "beside"), Events: []event.Event{{Type: "note", Data: json.RawMessage(`{"n":4}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := log.Read(t.Context(), "beside", answer.Session, 0)
	if err != nil || len(page.Events) < 2 {
		t.Fatalf("read %d events, %v", len(page.Events), err)
	}
	for i := range page.Events {
		e := &page.Events[i]
		if isNew := e.Sequence == answer.First; isNew != (e.Change > 0) {
			t.Errorf("event %d is of change %d", e.Sequence, e.Change)
		}
	}
}

// Old events come first, one session after the other, then what the sessions that were open
// at the upgrade and later ones do.
func TestEventsOfAnOldFileComeFirstInTheOrder(t *testing.T) {
	path := oldFile(t, 3, nil)
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sessions, err := log.Sessions(t.Context(), "beside", event.SessionID{}, 10)
	if err != nil || len(sessions) != 3 {
		t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	slices.Reverse(sessions)
	var want []event.Cursor
	for _, s := range sessions {
		for n := range s.Head {
			want = append(want, event.Cursor{Session: s.ID, Sequence: n + 1})
		}
	}
	say := func(s *eventlog.Session) {
		n, err := s.Append(t.Context(), event.Event{Type: "note", Data: json.RawMessage(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, event.Cursor{Session: s.ID(), Sequence: n})
	}
	first, second := log.Session("beside", sessions[0].ID), log.Session("beside", sessions[1].ID)
	say(second)
	say(first)
	third, err := log.Start(t.Context(), "beside", &eventlog.StartOptions{Concurrent: true})
	if err != nil {
		t.Fatal(err)
	}
	say(third)
	say(first)
	say(second)
	say(third)
	cursors := func(what string, scan func(event.Place, eventlog.Visit) (bool, error), from event.Cursor) (got []event.Cursor) {
		place := event.Place{}
		if from != (event.Cursor{}) {
			if place, _, err = log.Place(t.Context(), "beside", from); err != nil {
				t.Fatal(err)
			}
		}
		_, err := scan(place, eventlog.Visit{Event: func(session event.SessionID, e *event.Event) bool {
			got = append(got, event.Cursor{Session: session, Sequence: e.Sequence})
			return true
		}})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return got
	}
	forward := func(after event.Place, v eventlog.Visit) (bool, error) {
		return log.ScanAll(t.Context(), "beside", after, v)
	}
	backward := func(before event.Place, v eventlog.Visit) (bool, error) {
		return log.ScanAllBefore(t.Context(), "beside", before, v)
	}
	for i := range len(want) + 1 {
		from := event.Cursor{}
		if i > 0 {
			from = want[i-1]
		}
		if got := cursors("after", forward, from); !slices.Equal(got, want[i:]) {
			t.Errorf("after %v: %v, want %v", from, got, want[i:])
		}
		if i == 0 {
			continue
		}
		got := cursors("before", backward, from)
		slices.Reverse(got)
		if !slices.Equal(got, want[:i-1]) {
			t.Errorf("before %v: %v, want %v", from, got, want[:i-1])
		}
	}
}

func latestOpen(t *testing.T, log *eventlog.Log, task string) event.SessionID {
	t.Helper()
	sessions, err := log.Sessions(t.Context(), task, event.SessionID{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		if !s.Sealed() {
			return s.ID
		}
	}
	t.Fatalf("task %s has no open session", task)
	return event.SessionID{}
}

func TestAFileOfFormat2ThatWasNeverOpenedIsUpgraded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range record.Buckets2 {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(path, nil)
	if err == nil {
		err = log.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

// The directory at each step is what a crash would leave.
func TestACrashDuringAnUpgradeLeavesAFileThatIsUpgradedNext(t *testing.T) {
	for _, format := range oldFormats {
		t.Run(fmt.Sprint("format ", format), func(t *testing.T) { crashDuringUpgrade(t, format) })
	}
}

func crashDuringUpgrade(t *testing.T, format int) {
	path := oldFile(t, format, nil)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{} // by step: the path of a copy of the database
	steps := []string{}
	_, err = dbfile.UpgradeBySteps(t.Context(), path, func(step string) error {
		steps = append(steps, step)
		left[step] = snapshot(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	steps = append(steps, "the end")
	left["the end"] = snapshot(t, path)
	if len(steps) != 11 {
		t.Errorf("there are %d steps", len(steps))
	}
	for _, step := range steps {
		now, err := os.ReadFile(left[step])
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(keptPath(left[step], format))
		if !bytes.Equal(now, before) && (err != nil || !bytes.Equal(kept, before)) {
			t.Errorf("before %q the old file is nowhere", step)
		}
		wantUpgraded(t, left[step])
		kept, err = os.ReadFile(keptPath(left[step], format))
		if err != nil || !bytes.Equal(kept, before) {
			t.Errorf("after a crash before %q, what is kept is not the old file: %v", step, err)
		}
	}
}

// snapshot copies the directory of a database, including which names are of one file, and
// returns the path of the database in the copy.
func snapshot(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	copies := map[string]string{}
	for _, entry := range entries {
		from, to := filepath.Join(filepath.Dir(path), entry.Name()), filepath.Join(dir, entry.Name())
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		for earlier, made := range copies {
			if other, err := os.Stat(earlier); err == nil && os.SameFile(info, other) {
				err = os.Link(made, to)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := os.Stat(to); err != nil {
			content, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(to, content, info.Mode())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		copies[from] = to
	}
	return filepath.Join(dir, filepath.Base(path))
}

func TestAnUpgradeThatFailsChangesNothing(t *testing.T) {
	path := oldFile(t, 2, nil)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("a failure")
	for _, at := range []string{"check the old file", "make the new file", "copy what stays", "count what sessions have cost", "name the format", "check the new file", "keep the old file", "replace it"} {
		_, err := dbfile.UpgradeBySteps(t.Context(), path, func(step string) error {
			if step == at {
				return failure
			}
			return nil
		})
		if !errors.Is(err, failure) {
			t.Errorf("failed before %q: got error %v", at, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
			t.Errorf("failed before %q: the file has changed, %v", at, err)
		}
		left, err := filepath.Glob(path + ".unfinished-*")
		if err != nil || len(left) > 0 {
			t.Errorf("failed before %q: %v is left", at, left)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dbfile.Upgrade(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: got error %v", err)
	}
	wantUpgraded(t, path)
}

func TestAnUpgradeReplacesNoFileOfAnother(t *testing.T) {
	path := oldFile(t, 2, nil)
	if err := os.WriteFile(path+".format-2", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if log, err := eventlog.Open(path, nil); err == nil || !strings.Contains(err.Error(), "move it away") {
		if err == nil {
			log.Close()
		}
		t.Errorf("got error %v", err)
	}
	after, err := os.ReadFile(path)
	mine, _ := os.ReadFile(path + ".format-2")
	if err != nil || !bytes.Equal(after, before) || string(mine) != "mine" {
		t.Errorf("a file has changed: %v", err)
	}
}

func TestADamagedFileIsNotUpgraded(t *testing.T) {
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"a record": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(store.Events))
			key, value := b.Cursor().First()
			value = bytes.Clone(value)
			value[len(value)-1] ^= 1
			return b.Put(key, value)
		},
		"an event is missing": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(store.Events))
			key, _ := b.Cursor().First()
			return b.Delete(key)
		},
		"a cost is missing": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(store.Events))
			c := b.Cursor()
			c.First()
			key, _ := c.Next()
			return b.Delete(key)
		},
		"totals of a task": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(store.Tasks))
			key := []byte("twice")
			payload, err := record.Decode(store.Tasks, key, b.Get(key))
			if err != nil {
				return err
			}
			return b.Put(key, record.Encode(store.Tasks, key, bytes.Replace(payload, []byte(`"input_tokens":2`), []byte(`"input_tokens":3`), 1)))
		},
		"a session has no task": func(tx *bolt.Tx) error { return tx.Bucket([]byte(store.Tasks)).Delete([]byte("twice")) },
		"an open session has no state": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(store.Events))
			key, _ := b.Cursor().Last()
			return b.Delete(key)
		},
	} {
		for _, format := range oldFormats {
			wantLeftAlone(t, fmt.Sprintf("%s of format %d", name, format), oldFile(t, format, change), format)
		}
	}
}

// wantLeftAlone opens a log in a damaged file, and checks that the file is not upgraded.
func wantLeftAlone(t *testing.T, name, path string, format int) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(path, nil)
	if err == nil {
		log.Close()
	}
	if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, event.ErrTaskNotFound) {
		t.Errorf("%s: got error %v", name, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%s: the file has changed", name)
	}
	if _, err := os.Stat(keptPath(path, format)); err == nil {
		t.Errorf("%s: something is kept", name)
	}
}

func FuzzDecodeOldState(f *testing.F) {
	key := record.StateKey(event.SessionID{1}, 2)
	f.Add(append(make([]byte, 41), "\x03t-1"...))
	f.Add(append(append(make([]byte, 41), "\x03t-1\x00\x01m"...), make([]byte, record.AmountsSize)...))
	f.Add(append(make([]byte, 41), "\x03t-1\x00\x01m"...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if _, err := dbfile.DecodeState2(key, record.Encode(store.Events, key, payload)); err != nil {
			wantDamaged(t, err)
		}
	})
}

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got error %v", err)
	}
}
