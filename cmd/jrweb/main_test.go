package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jrweb": main})
}

// TestScripts runs the program as users do. Beside the usual commands, scripts
// have these:
//
//	start NAME serve|demo ARG…  starts a server on a free port, waits until it
//	                            listens, and sets JRWEB_URL
//	                            (under the command $UNDER, if it is set)
//	end NAME TERM|INT CODE      sends a signal and checks the exit code
//	await NAME CODE             the same without a signal
//
// Servers have the race detector if the tests have it. Other commands do little at the same
// time, and would take longer to begin with it than for all that they do.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(bin, "jrweb"), "jrweb/cmd/jrweb")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // what other tests build as well is compiled once
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sample, err := filepath.Abs("../../../shared/samples/jr/t-197.4.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start,
			"end":   end,
			"await": await,
		},
		Condition: func(name string) (bool, error) {
			if name != "sample" {
				return false, errors.New("unknown condition " + name)
			}
			_, err := os.Stat(sample)
			return err == nil, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLE", sample)
			env.Setenv("GORACE", fastExit)
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Values[servers{}] = map[string]*process{}
			return nil
		},
	})
}

// fastExit keeps the race detector from waiting a second at the end of each process.
const fastExit = "atexit_sleep_ms=0"

// servers is the key of a script's running servers.
type servers struct{}

type process struct {
	*exec.Cmd
	stderr *strings.Builder
	rest   chan []byte // what it wrote to stdout after the first line
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME serve|demo ARG…")
	}
	line := append(strings.Fields(ts.Getenv("UNDER")), "jrweb")
	line = append(line, args[1:]...)
	if !slices.Contains(args, "-addr") {
		line = append(line, "-addr", "127.0.0.1:0")
	}
	// A server that does not end must not hold up the tests for ever.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	p := &process{Cmd: exec.CommandContext(ctx, line[0], line[1:]...), stderr: &strings.Builder{}, rest: make(chan []byte, 1)}
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) } // what it runs under, and itself
	p.Dir, p.Stderr = ts.MkAbs("."), p.stderr
	p.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"), "GORACE="+fastExit)
	out, err := p.StdoutPipe()
	ts.Check(err)
	ts.Check(p.Start())
	ts.Defer(func() {
		cancel()
		if p.ProcessState == nil {
			_ = p.Wait()
		}
	})
	r := bufio.NewReader(out)
	first, err := r.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSuffix(first, "\n"), "jrweb: listening on ")
	if err != nil || !ok {
		_ = p.Wait()
		ts.Fatalf("%s does not listen: %q, %v\n%s", args[0], first, err, p.stderr)
	}
	go func() {
		rest, _ := io.ReadAll(r)
		p.rest <- rest
	}()
	ts.Setenv("JRWEB_URL", url)
	ts.Value(servers{}).(map[string]*process)[args[0]] = p
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: end NAME TERM|INT CODE")
	}
	p := ts.Value(servers{}).(map[string]*process)[args[0]]
	ts.Check(p.Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}[args[1]]))
	await(ts, false, []string{args[0], args[2]})
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME CODE")
	}
	p := ts.Value(servers{}).(map[string]*process)[args[0]]
	rest := <-p.rest
	err := p.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		ts.Fatalf("%v", err)
	}
	ts.Logf("[%s stdout]\n%s[%s stderr]\n%s", args[0], rest, args[0], p.stderr)
	if code := strconv.Itoa(p.ProcessState.ExitCode()); code != args[1] {
		ts.Fatalf("exit code %s, want %s", code, args[1])
	}
}
