package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// steeredRun is a run of a command under jrweb run, a server, and people who watch.
type steeredRun struct {
	*testing.T
	db, url, spool string
	server         *exec.Cmd
	client         *client.Client
	cmd            *exec.Cmd
	out            *bufio.Reader
	errs           strings.Builder
	in             interface {
		Write([]byte) (int, error)
		Close() error
	}
}

// watchRun runs a shell script under jrweb run.
func watchRun(t *testing.T, script string, flags ...string) *steeredRun {
	t.Helper()
	w := &steeredRun{T: t, db: filepath.Join(t.TempDir(), "jr.db"), spool: filepath.Join(t.TempDir(), "spool")}
	w.server, w.url = serving(t, w.db)
	w.connect()
	w.run(append(flags, "--", "sh", "-c", script)...)
	return w
}

func (w *steeredRun) connect() {
	w.Helper()
	var err error
	w.client, err = client.New(w.url, nil)
	w.must(err)
}

func (w *steeredRun) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *steeredRun) run(args ...string) {
	w.Helper()
	w.cmd = exec.Command("jrweb", append([]string{"run", "-task", "t-1", "-format", "text", "-url", w.url, "-spool", w.spool, "-grace", "300ms"}, args...)...)
	w.cmd.Env = append(os.Environ(), "JRWEB_TOKEN=secret")
	w.cmd.Stderr = &w.errs
	in, err := w.cmd.StdinPipe()
	w.must(err)
	out, err := w.cmd.StdoutPipe()
	w.must(err)
	w.must(w.cmd.Start())
	w.in, w.out = in, bufio.NewReader(out)
	w.Cleanup(func() { kill(w.cmd) })
}

// says waits for a line of the command.
func (w *steeredRun) says(want string) {
	w.Helper()
	line, err := w.out.ReadString('\n')
	if strings.TrimSuffix(line, "\n") != want {
		w.Fatalf("the command says %q, %v, want %q\n%s", line, err, want, &w.errs)
	}
}

// event waits until the task has an event of a type.
func (w *steeredRun) event(kind string) client.Event {
	w.Helper()
	return w.eventOf("t-1", kind)
}

func (w *steeredRun) eventOf(task, kind string) client.Event {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	for {
		for e, err := range w.client.Follow(ctx, task, &client.FollowOptions{Types: []string{kind}}) {
			if err == nil && e.Type == kind {
				return e
			}
			if err != nil {
				break
			}
		}
		if ctx.Err() != nil {
			w.Fatalf("there is no %s", kind)
		}
	}
}

// post sends what a page of the server's would send, in a browser on this machine.
func (w *steeredRun) post(path, body string, headers ...string) int {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), "POST", w.url+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	if headers == nil {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", w.url)
	}
	res, err := http.DefaultClient.Do(r)
	w.must(err)
	w.must(res.Body.Close())
	return res.StatusCode
}

// cancel ends a session as canceled: as a person, or not.
func (w *steeredRun) cancel(session eventlog.SessionID, headers ...string) {
	w.Helper()
	if status := w.post("/tasks/t-1/sessions/"+session.String()+"/complete", `{"status":"canceled"}`, headers...); status != 200 {
		w.Fatalf("complete: %d", status)
	}
}

// ends waits for the end of the run.
func (w *steeredRun) ends(code int) (stderr string) {
	w.Helper()
	wantExit(w.T, w.cmd.Wait(), code)
	return w.errs.String()
}

func (w *steeredRun) sessions() (all []string) {
	w.Helper()
	for s, err := range w.client.Sessions(w.Context(), "t-1") {
		w.must(err)
		all = append(all, string(s.Status)+" "+s.Reason)
	}
	return all
}

// program is a program of anybody: no page.
const program = "program"

func TestAPersonWhoCancelsStopsTheCommand(t *testing.T) {
	for _, c := range []struct {
		name, script string
		code         int
		left         bool
	}{
		{"it hears SIGINT", `trap "echo bye; exit 7" INT; echo ready; while :; do sleep 0.1; done`, 7, true},
		{"it hears SIGTERM alone", `trap "" INT; trap "echo bye; exit 8" TERM; echo ready; while :; do sleep 0.1; done`, 8, true},
		{"it hears nothing", `trap "" INT TERM; echo ready; while :; do sleep 0.1; done`, 137, false},
		{"it says nothing more", `echo ready; exec sleep 1000`, 130, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watchRun(t, c.script)
			w.says("ready")
			w.cancel(w.event("assistant").Session)
			errs := w.ends(c.code)
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			last := lines[len(lines)-1]
			want := "^jrweb: run: stopped by local$"
			if c.left {
				want = "^jrweb: run: stopped by local: not delivered is what came after it, [12] events?: it stays in " + w.spool
			}
			if !regexp.MustCompile(want).MatchString(last) {
				t.Errorf("the last line is %q", last)
			}
			if got := w.sessions(); fmt.Sprint(got) != "[canceled ]" {
				t.Errorf("sessions %q", got)
			}
			// Nor does a later delivery begin a session, or the next run of the task wait for it.
			flush, err := exec.Command("jrweb", "flush", "-spool", w.spool, "-url", w.url).Output()
			w.must(err)
			if c.left && !strings.Contains(string(flush), "a person has stopped its run") {
				t.Errorf("flush says %q", flush)
			}
			w.errs.Reset()
			w.run("--", "echo", "again")
			w.says("again")
			w.ends(0)
			if got := w.sessions(); fmt.Sprint(got) != "[succeeded  canceled ]" {
				t.Errorf("sessions %q", got)
			}
		})
	}
}

// What a shell around an agent has started ends with it.
func TestAStopReachesWhatTheCommandHasStarted(t *testing.T) {
	w := watchRun(t, `sh -c 'trap "" INT TERM; echo $$; while :; do sleep 0.1; done'; echo never`)
	line, err := w.out.ReadString('\n')
	w.must(err)
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatal(err)
	}
	w.cancel(w.event("assistant").Session)
	_ = w.cmd.Wait()
	if err := syscall.Kill(pid, 0); err == nil {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
			t.Errorf("process %d lives: %s", pid, stat)
		}
	}
}

// Nothing but a person's wish ends an agent: its output goes on in another session.
func TestNothingElseStopsTheCommand(t *testing.T) {
	script := `echo one; while read x; do echo $x; done`
	for _, c := range []struct {
		name string
		do   func(w *steeredRun, session eventlog.SessionID)
		want string
	}{
		{"a program cancels", func(w *steeredRun, id eventlog.SessionID) { w.cancel(id, program) }, "[succeeded  canceled ]"},
		{"a person fails it", func(w *steeredRun, id eventlog.SessionID) {
			w.post("/tasks/t-1/sessions/"+id.String()+"/complete", `{"status":"failed"}`)
		}, "[succeeded  failed ]"},
		{"a new session supersedes it", func(w *steeredRun, _ eventlog.SessionID) { w.post("/tasks/t-1/sessions", `{}`) }, "[succeeded  open  interrupted superseded]"},
		{"it is deleted", func(w *steeredRun, id eventlog.SessionID) { w.must(w.client.DeleteSession(w.Context(), "t-1", id)) }, "[succeeded ]"},
		{"its lease ran out while the server was away", func(w *steeredRun, _ eventlog.SessionID) {
			kill(w.server)
			log, err := eventlog.Open(w.db, nil) // which ends what is open
			w.must(err)
			w.must(log.Close())
			w.server = servingAt(w.T, w.db, strings.TrimPrefix(w.url, "http://"))
		}, "[succeeded  interrupted process ended]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watchRun(t, script)
			w.says("one")
			c.do(w, w.event("assistant").Session)
			_, err := w.in.Write([]byte("two\n"))
			w.must(err)
			w.says("two")
			w.must(w.in.Close())
			if errs := w.ends(0); strings.Contains(errs, "stopped") {
				t.Error(errs)
			}
			if got := fmt.Sprint(w.sessions()); got != c.want {
				t.Errorf("sessions %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheCommandDoesNotGetTheToken(t *testing.T) {
	w := watchRun(t, `echo "token:$JRWEB_TOKEN"`)
	w.says("token:")
	w.ends(0)
	var data map[string]string
	w.must(json.Unmarshal(w.event("assistant").Data, &data))
	if data["content"] != "token:" {
		t.Errorf("recorded %q", data)
	}
}
