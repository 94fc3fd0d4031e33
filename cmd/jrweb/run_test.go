package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"jrweb/eventlog"
)

// recorded is what a closed database holds of a task: the contents of its events,
// and at the end the status of the session.
func recorded(t *testing.T, db, task string) (texts []string) {
	t.Helper()
	log, err := eventlog.Open(db, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sessions, err := log.Sessions(t.Context(), task, eventlog.SessionID{}, 10)
	if err != nil || len(sessions) != 1 {
		t.Fatalf("sessions %v, %v", sessions, err)
	}
	for e, err := range log.Session(task, sessions[0].ID).Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		var data struct{ Content, Status, Reason string }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, data.Content+data.Status)
	}
	return texts
}

// runs is a jrweb run command that records in a database of its own.
func runs(t *testing.T, db string, command ...string) *exec.Cmd {
	t.Helper()
	args := append([]string{"run", "-task", "t-1", "-db", db, "-format", "text", "--"}, command...)
	cmd := exec.Command("jrweb", args...)
	cmd.Env = append(os.Environ(), "JRWEB_SPOOL="+filepath.Join(t.TempDir(), "spool"))
	cmd.Stderr = t.Output()
	return cmd
}

// wantExit checks how a command ended.
func wantExit(t *testing.T, err error, code int) {
	t.Helper()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
}

func TestACommandThatRunsOnATerminalHasOne(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jr.db")
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 33, Cols: 99}); err != nil {
		t.Fatal(err)
	}
	cmd := runs(t, db, "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty size && read x && echo got $x")
	cmd.Stdin, cmd.Stdout = theirs, theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(ours)
	for _, want := range []string{"33 99", "word", "got word"} { // the second is the echo
		if want == "word" {
			if _, err := io.WriteString(ours, "word\r"); err != nil { // what a key sends
				t.Fatal(err)
			}
		}
		if line, err := r.ReadString('\n'); strings.TrimSpace(line) != want {
			t.Fatalf("%q, %v, want %s", line, err, want)
		}
	}
	wantExit(t, cmd.Wait(), 0)
	if got := strings.Join(recorded(t, db, "t-1"), "\n"); got != "33 99\nword\ngot word\nsucceeded" {
		t.Errorf("recorded %q", got)
	}
}

// Ctrl-C is a key of the command's terminal, and no signal to us.
func TestCtrlCOnATerminalCancels(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jr.db")
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	cmd := runs(t, db, "sh", "-c", `trap "exit 130" INT; echo ready; while :; do :; done`)
	cmd.Stdin, cmd.Stdout = theirs, theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(ours).ReadString('\n'); strings.TrimSpace(line) != "ready" {
		t.Fatal(line, err)
	}
	if _, err := io.WriteString(ours, "\x03"); err != nil {
		t.Fatal(err)
	}
	wantExit(t, cmd.Wait(), 130)
	if got := recorded(t, db, "t-1"); got[len(got)-1] != "canceled" {
		t.Errorf("recorded %q", got)
	}
}

// A command that prints to a terminal that is gone hears of it, and does not wait for
// ever to be read.
func TestACommandWhoseTerminalIsGoneEnds(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jr.db")
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	cmd := runs(t, db, "sh", "-c", `trap "" HUP; echo ready; while echo more; do :; done; exit 9`)
	cmd.Stdin, cmd.Stdout = theirs, theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	if err := theirs.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(ours).ReadString('\n'); strings.TrimSpace(line) != "ready" {
		t.Fatal(line, err)
	}
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, cmd.Wait(), 9)
	if got := recorded(t, db, "t-1"); got[len(got)-1] != "failed" {
		t.Errorf("it ended as %q", got[len(got)-1])
	}
}

func TestASignalIsForTheCommand(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jr.db")
	cmd := runs(t, db, "sh", "-c", `trap "echo caught; exit 7" INT; echo ready; while read line; do echo $line; done; while :; do :; done`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatal(line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil { // a shell that reads hears of signals afterwards
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if string(rest) != "caught\n" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	wantExit(t, cmd.Wait(), 7)
	if got := strings.Join(recorded(t, db, "t-1"), "\n"); got != "ready\ncaught\ncanceled" {
		t.Errorf("recorded %q", got)
	}
}

// Nothing is lost or doubled, and the command is not stopped, when the server dies
// while it runs, and comes back.
func TestAServerThatDiesDuringARunMissesNothing(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jr.db")
	server, url := serving(t, db)
	cmd := exec.Command("jrweb", "run", "-task", "t-1", "-format", "text", "-url", url, "--", "cat")
	cmd.Env = append(os.Environ(), "JRWEB_SPOOL="+filepath.Join(t.TempDir(), "spool"))
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	r := bufio.NewReader(out)
	var want []string
	say := func(n int) {
		t.Helper()
		for range n {
			line := fmt.Sprintf("line %d", len(want)+1)
			want = append(want, line)
			if _, err := io.WriteString(in, line+"\n"); err != nil {
				t.Fatal(err)
			}
			if got, err := r.ReadString('\n'); got != line+"\n" {
				t.Fatal(got, err)
			}
		}
	}
	for range 3 {
		say(500)
		kill(server)
		say(500) // nobody listens, and the command does not notice
		server = servingAt(t, db, strings.TrimPrefix(url, "http://"))
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, cmd.Wait(), 0)
	kill(server)
	got := recorded(t, db, "t-1")
	if status := got[len(got)-1]; status != "succeeded" {
		t.Errorf("the session is %q", status)
	}
	if lines := strings.Join(got[:len(got)-1], "\n"); lines != strings.Join(want, "\n") {
		t.Errorf("%d bytes of lines are recorded, want %d", len(lines), len(strings.Join(want, "\n")))
	}
}

// servingAt starts a server at an address.
func servingAt(t *testing.T, db, addr string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("jrweb", "serve", "-db", db, "-addr", addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the server says %q, %v", line, err)
	}
	return cmd
}

// The command is killed with us: what was recorded until then is not lost.
func TestAKillOfTheRecorderLeavesWhatItRecorded(t *testing.T) {
	db, spool := filepath.Join(t.TempDir(), "jr.db"), filepath.Join(t.TempDir(), "spool")
	cmd := exec.Command("jrweb", "run", "-task", "t-1", "-format", "text", "-url", "http://127.0.0.1:1", "--", "sh", "-c", "echo one; echo two; echo three >&2; cat")
	cmd.Env = append(os.Environ(), "JRWEB_SPOOL="+spool)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(cmd)
	for {
		files, err := filepath.Glob(filepath.Join(spool, "*.run"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 1 {
			if content, err := os.ReadFile(files[0]); err == nil && strings.Count(string(content), "\n") == 3 {
				break
			}
		}
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	server, url := serving(t, db)
	flush := exec.Command("jrweb", "flush", "-spool", spool, "-url", url)
	flush.Stderr = t.Output()
	if err := flush.Run(); err != nil {
		t.Fatal(err)
	}
	kill(server)
	if got := fmt.Sprintf("%q", recorded(t, db, "t-1")); got != `["one\ntwo" "three" "interrupted"]` {
		t.Errorf("recorded %s", got)
	}
}
