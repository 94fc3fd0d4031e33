package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
)

// killRounds is how often a test kills something: more for make torture.
func killRounds() int {
	if os.Getenv("JRWEB_TORTURE") != "" {
		return 100
	}
	return 6
}

// killed runs the program and kills it after some time, unless it has ended by
// itself. It reports whether it was killed.
func killed(t *testing.T, after time.Duration, args ...string) bool {
	t.Helper()
	cmd := exec.Command("jrweb", args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	err := cmd.Wait()
	timer.Stop()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return ok && exit.Sys().(syscall.WaitStatus).Signaled()
}

// serving starts a server and waits until it listens. The server is killed at
// the end of the test, if not before.
func serving(t *testing.T, db string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command("jrweb", "serve", "-db", db, "-addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
	if err != nil || !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the server
	return cmd, url
}

// kill ends a process that may have ended before.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// wasteful makes a database with much free space in it.
func wasteful(t *testing.T, path string) dbfile.Figures {
	t.Helper()
	log, err := eventlog.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{"content": strings.Repeat("x", 100_000)})
	if err != nil {
		t.Fatal(err)
	}
	session, err := log.Start(t.Context(), "t-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 80 {
		if _, err := session.Append(t.Context(), eventlog.Event{Type: eventlog.TypeThought, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(log.Trim(t.Context(), "t-1", session.ID(), 40), log.Close()); err != nil {
		t.Fatal(err)
	}
	return wantWell(t, path)
}

func wantWell(t *testing.T, path string) dbfile.Figures {
	t.Helper()
	figures, err := dbfile.Check(t.Context(), path, &dbfile.CheckOptions{
		Found: func(f dbfile.Finding) { t.Error(f) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return figures
}

// reopen opens a database and closes it, and adds nothing to it.
func reopen(t *testing.T, path string) {
	t.Helper()
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("files %v, want %v", names, want)
	}
}

// moments are n random moments within a time, after which something is killed.
func moments(within time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = rand.N(within)
	}
	return out
}

func TestKilledWhileItMakesTheDatabase(t *testing.T) {
	start := time.Now()
	first, _ := serving(t, filepath.Join(t.TempDir(), "jr.db"))
	took := time.Since(start)
	kill(first)
	there := 0
	for _, after := range moments(took, 2*killRounds()) {
		path := filepath.Join(t.TempDir(), "jr.db")
		if !killed(t, after, "serve", "-db", path, "-addr", "127.0.0.1:0") {
			t.Fatal("the server ended by itself")
		}
		if _, err := os.Stat(path); err == nil {
			there++
			wantWell(t, path)
		}
		reopen(t, path)
		wantWell(t, path)
	}
	t.Logf("after %d of %d kills there was a database", there, 2*killRounds())
}

// copyOf returns a copy of a database, in a folder of its own.
func copyOf(t *testing.T, base string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jr.db")
	content, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKilledWhileItCompacts(t *testing.T) {
	base := filepath.Join(t.TempDir(), "jr.db")
	want := wasteful(t, base)
	start := time.Now()
	if killed(t, time.Hour, "compact", "-db", copyOf(t, base)) {
		t.Fatal("killed after an hour")
	}
	took, count, compacted := time.Since(start), 0, 0
	for _, after := range moments(took, killRounds()) {
		path := copyOf(t, base)
		if killed(t, after, "compact", "-db", path) {
			count++
		}
		got := wantWell(t, path)
		if got.Events != want.Events || got.Tasks != want.Tasks || got.Records != want.Records {
			t.Errorf("%+v, want %+v", got, want)
		}
		if got.Size < want.Size {
			compacted++
		}
		reopen(t, path)
		wantFiles(t, filepath.Dir(path), "jr.db")
	}
	t.Logf("%d of %d were killed, %d were compacted", count, killRounds(), compacted)
}

func TestKilledWhileItBacksUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	want := wasteful(t, path)
	dir := t.TempDir()
	_, url := serving(t, path)
	start := time.Now()
	if killed(t, time.Hour, "backup", "-url", url, filepath.Join(dir, "whole")) {
		t.Fatal("killed after an hour")
	}
	took := time.Since(start)
	for i, after := range moments(took, killRounds()) {
		file := filepath.Join(dir, fmt.Sprint(i))
		killed(t, after, "backup", "-url", url, file)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if got := wantWell(t, file); got.Events != want.Events {
			t.Errorf("%d events in the backup, want %d", got.Events, want.Events)
		}
	}
}

func TestTheServerIsKilledWhileItIsBackedUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jr.db")
	want := wasteful(t, path)
	for range killRounds() {
		server, url := serving(t, path)
		file := filepath.Join(t.TempDir(), "backup")
		client := exec.Command("jrweb", "backup", "-url", url, file)
		if err := client.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(50*time.Millisecond), func() { _ = server.Process.Kill() })
		failed := client.Wait()
		timer.Stop()
		kill(server)
		if failed == nil {
			wantWell(t, file)
		} else {
			wantFiles(t, filepath.Dir(file))
		}
		reopen(t, path)
		wantFiles(t, filepath.Dir(path), "jr.db")
		if got := wantWell(t, path); got.Events != want.Events {
			t.Errorf("%d events, want %d", got.Events, want.Events)
		}
	}
}

func TestKilledWhileItRestores(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup")
	want := wasteful(t, backup)
	start := time.Now()
	if killed(t, time.Hour, "restore", "-db", filepath.Join(t.TempDir(), "jr.db"), backup) {
		t.Fatal("killed after an hour")
	}
	took, there := time.Since(start), 0
	for _, after := range moments(took, killRounds()) {
		path := filepath.Join(t.TempDir(), "jr.db")
		killed(t, after, "restore", "-db", path, backup)
		if _, err := os.Stat(path); err == nil {
			there++
		} else if _, err := dbfile.Restore(t.Context(), backup, path, nil); err != nil {
			t.Errorf("restore after a kill: %v", err)
			continue
		}
		if got := wantWell(t, path); got.Events != want.Events+1 || got.Sessions != want.Sessions {
			t.Errorf("%+v, want %+v and the end of the session", got, want)
		}
		reopen(t, path)
		wantFiles(t, filepath.Dir(path), "jr.db")
	}
	t.Logf("after %d of %d kills there was a database", there, killRounds())
}

// What retention has deleted when it is killed is gone as a whole. What it keeps
// is untouched.
func TestKilledWhileItDeletesWhatIsNotToBeKept(t *testing.T) {
	const tasks, sessions, keep = 12, 25, 2
	base := filepath.Join(t.TempDir(), "jr.db")
	log, err := eventlog.Open(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := []eventlog.Event{
		{Type: eventlog.TypeThought, Data: []byte(`{"content":"one"}`)},
		{Type: eventlog.TypeThought, Data: []byte(`{"content":"two"}`)},
		{Type: eventlog.TypeComplete, Data: []byte(`{}`)},
	}
	for i := range tasks * sessions {
		if _, err := log.Append(t.Context(), &eventlog.Batch{Task: fmt.Sprintf("t-%d", i%tasks), Events: batch}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	serve := func(db string) []string {
		return []string{"serve", "-db", db, "-addr", "127.0.0.1:0", "-retain-sessions", fmt.Sprint(keep)}
	}
	start := time.Now()
	first, _ := serving(t, copyOf(t, base))
	took := time.Since(start)
	kill(first)
	halfDone := 0
	for _, after := range moments(2*took, 2*killRounds()) {
		path := copyOf(t, base)
		killed(t, after, serve(path)...)
		wantWell(t, path)
		log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for i := range tasks {
			task := fmt.Sprintf("t-%d", i)
			infos, err := log.Sessions(t.Context(), task, eventlog.SessionID{}, 100)
			if err != nil || len(infos) < keep {
				t.Errorf("%d sessions of %s are left, %v", len(infos), task, err)
			}
			left += len(infos)
			for _, info := range infos {
				page, err := log.Read(t.Context(), task, info.ID, 0)
				if err != nil || len(page.Events) != len(batch) {
					t.Errorf("of session %s %d events are left, %v", info.ID, len(page.Events), err)
				}
			}
		}
		if left > tasks*keep && left < tasks*sessions {
			halfDone++
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d kills came in the middle", halfDone, 2*killRounds())
}
