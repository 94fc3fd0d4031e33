package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/internal/freeport"
)

// patience is how long something may take that happens at once on a quick
// machine: a bound on a test that has failed, not a measure of one that works.
const patience = 60 * time.Second

var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jrweb-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "jrweb")
	build := exec.Command("go", "build", "-race", "-o", binary, "jrweb/cmd/jrweb")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build jrweb:", err)
		return 1
	}
	defer closeChromium()
	return m.Run()
}

// needs returns the path of a program that make test has installed.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is not installed: run make test, which installs it", program)
	}
	return path
}

// server is a jrweb serve that runs.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	wrap  []string // the program that runs it, such as strace
	build string   // of the program; "": binary
	flags []string // besides -addr and -db
	db    string
	addr  string // empty: one that nobody knows yet
	url   string
	log   *bytes.Buffer
}

// serve starts a server on a new database. It is killed at the end of the test.
func serve(t *testing.T, wrap ...string) *server {
	t.Helper()
	s := &server{t: t, wrap: wrap, db: filepath.Join(t.TempDir(), "jr.db")}
	s.start()
	return s
}

// start starts the server, at the address that it had before if it ran before.
func (s *server) start() {
	s.t.Helper()
	if err := s.tryStart(); err != nil {
		s.t.Fatal(err)
	}
}

// tryStart is start where the server may refuse: then it has ended.
func (s *server) tryStart() error {
	s.t.Helper()
	if s.addr == "" {
		s.addr = freeport.Addr(s.t)
	}
	args := append(append([]string(nil), s.wrap...), cmp.Or(s.build, binary), "serve", "-addr", s.addr, "-db", s.db)
	args = append(args, s.flags...)
	s.cmd = exec.Command(args[0], args[1:]...)
	s.log = &bytes.Buffer{}
	s.cmd.Stderr = s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a wrapper and the server end together
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.cmd
	s.t.Cleanup(func() {
		if cmd.ProcessState == nil { // else it has ended, and its number may be another's
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	const ready = "jrweb: listening on "
	if err != nil || !strings.HasPrefix(line, ready) {
		_ = cmd.Wait()
		return fmt.Errorf("the server said %q (%w), and in its log:\n%s", line, err, s.log)
	}
	s.url = strings.TrimSpace(strings.TrimPrefix(line, ready))
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return nil
}

// signal sends a signal to the server and waits for its end.
func (s *server) signal(sig syscall.Signal) error {
	s.t.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, sig); err != nil {
		s.t.Fatal(err)
	}
	return s.cmd.Wait()
}

// stop ends the server as an operator does.
func (s *server) stop() {
	s.t.Helper()
	if err := s.signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("the server ended with %v, and in its log:\n%s", err, s.log)
	}
}

// appended is the answer to an append.
type appended struct {
	Session     string
	First, Last uint64
}

func (s *server) append(task string, events ...string) appended {
	s.t.Helper()
	var answer appended
	s.post("/tasks/"+task+"/events", "["+strings.Join(events, ",")+"]", &answer)
	return answer
}

func (s *server) complete(task, session string) {
	s.t.Helper()
	s.post("/tasks/"+task+"/sessions/"+session+"/complete", "", nil)
}

func (s *server) post(path, body string, answer any) {
	s.t.Helper()
	res, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		s.t.Fatalf("POST %s: %s %v\n%s", path, res.Status, err, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			s.t.Fatal(err)
		}
	}
}

// head returns the last sequence of the task's latest session, and its status.
func (s *server) head(task string) (session string, head uint64, status string) {
	s.t.Helper()
	res, err := http.Get(s.url + "/tasks/" + task + "/sessions?limit=1")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Sessions []struct {
			ID, Status string
			Head       uint64
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Sessions) == 0 {
		s.t.Fatalf("%s: %v, %d sessions", res.Status, err, len(answer.Sessions))
	}
	latest := answer.Sessions[0]
	return latest.ID, latest.Head, latest.Status
}

func says(text string, args ...any) string {
	content, err := json.Marshal(fmt.Sprintf(text, args...))
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"type":"assistant","data":{"content":%s}}`, content)
}

func (s *server) delete(path string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodDelete, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusNoContent {
		s.t.Fatal(err, res)
	}
	res.Body.Close()
}
