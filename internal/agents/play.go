package agents

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"jrweb/internal/agents/model"
)

// Prepare makes the place for a scenario: the folders, the files and what configures
// the agent.
func (a *Agent) Prepare(p Place, s Scenario) error {
	for _, dir := range []string{p.Home, p.Work, p.temp()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(files(p.Work, s.Files), p.repository(), a.Setup(p))
}

// repository makes a git repository of the working directory, because most people's is
// one. Its only commit is always the same.
func (p Place) repository() error {
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=trunk"},
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message=Begin"},
	} {
		git := exec.Command("git", args...)
		git.Dir = p.Work
		git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Dev", "GIT_AUTHOR_EMAIL=dev@example.com",
			"GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.com",
			"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

// temp is the agent's folder for temporary files. Codex makes its helpers only where
// its home is not below it.
func (p Place) temp() string { return filepath.Join(filepath.Dir(p.Home), "tmp") }

// Script is what the model says in a run, in the words of this agent. An answer that
// asks for nothing that this agent can do, and says nothing, is left out.
func (a *Agent) Script(p Place, r Run) map[string][]model.Turn {
	script := map[string][]model.Turn{}
	for thread, turns := range r.Threads {
		for _, t := range turns {
			turn := model.Turn{Thought: t.Thought, Text: t.Text, Tokens: t.Tokens, Fail: t.Fail, Stall: t.Stall}
			if t.Fills {
				turn.Tokens = model.Tokens{Input: a.Window, Output: t.Tokens.Output}
			}
			for _, m := range a.Calls(p, t.Calls) {
				if m.Call != nil {
					c := *m.Call
					c.ID = fmt.Sprintf("call_%s_%d_%d", thread, len(script[thread])+1, len(turn.Calls)+1)
					turn.Calls = append(turn.Calls, c)
				}
			}
			if turn.Calls == nil && turn.Text == "" && turn.Fail == nil {
				continue
			}
			script[thread] = append(script[thread], turn)
		}
	}
	return script
}

// Can reports whether the agent has what all calls of a scenario need, or says what is
// missing.
func (a *Agent) Can(s Scenario) (missing string) {
	for _, r := range s.Runs {
		for _, turns := range r.Threads {
			for _, t := range turns {
				for _, c := range t.Calls {
					if c.Do != Find && c.Do != Await && c.Do != Answer && a.Calls(Place{}, []Call{c}) == nil {
						return deeds[c.Do]
					}
				}
			}
		}
		if why := a.Cannot[r.Mode]; why != "" {
			return why
		}
	}
	return ""
}

// deeds are what agents lack.
var deeds = map[Deed]string{
	Edit: "it has no tool that edits", Patch: "it has no tool for patches", Plan: "it has no todo list",
	Remote: "it knows no MCP", Delegate: "it has no subagents", Look: "it reads no images",
}

// Ended is how a run ended.
type Ended struct {
	Stdout, Stderr []byte
	Code           int
	Signal         syscall.Signal
	TimedOut       bool
	Session        string // the agent's id
	Took           time.Duration
}

// How long a run may take, and a long one, where much else runs. They end what hangs,
// and measure nothing.
const (
	mostTime = 20 * time.Minute
	longTime = 90 * time.Minute
)

// Play runs the agent once. What wraps it gets the agent's command line as its last
// arguments, and passes its output and signals on.
func (a *Agent) Play(ctx context.Context, p Place, r Run, m *model.Server, wrap ...string) (*Ended, error) {
	m.Play(a.Script(p, r))
	most := mostTime
	if r.Long {
		most = longTime
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	pid := filepath.Join(filepath.Dir(p.Home), "pid")
	started := filepath.Join(p.Work, "started")
	for _, old := range []string{pid, started} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	line := append(append([]string{}, wrap...), "sh", "-c", `echo $$ >"$0"; exec "$@"`, pid)
	line = append(line, a.Command(p, r)...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir, cmd.Env = p.Work, a.environment(p)
	// All that the agent starts is killed with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	over := make(chan struct{})
	if r.Cut != NoCut {
		c := cutter{how: r.Cut, ours: cmd.Process.Pid, pid: pid, started: started}
		go c.cut(ctx, over, m)
	}
	err := cmd.Wait()
	close(over)
	// What it left behind, a command that sleeps, say.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && !errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return nil, err
	}
	e := &Ended{Stdout: out.Bytes(), Stderr: errs.Bytes(), Code: cmd.ProcessState.ExitCode(), TimedOut: ctx.Err() != nil, Took: time.Since(begun)}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	e.Session = sessionOf(e.Stdout)
	if a.Export != nil {
		ids := sessionName.FindAllString(string(e.Stdout), -1)
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			if err := a.export(context.WithoutCancel(ctx), p, id); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// sessionName is the id of a session that can be exported.
var sessionName = regexp.MustCompile(`\bses_\w+`)

// export writes a session that the agent exports into its home.
func (a *Agent) export(ctx context.Context, p Place, id string) error {
	p.Session = id
	line := a.Export(p)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir, cmd.Env = p.Work, a.environment(p)
	// A file, and no pipe: opencode ends without waiting until a pipe has taken it all.
	file, err := os.Create(filepath.Join(p.Home, "export-"+id+".json"))
	if err != nil {
		return err
	}
	cmd.Stdout = file
	if err := errors.Join(cmd.Run(), file.Close()); err != nil {
		return fmt.Errorf("export of %s: %w", id, err)
	}
	return nil
}

// environment is all that an agent has in its environment.
func (a *Agent) environment(p Place) []string {
	return append([]string{
		"HOME=" + p.Home, "PWD=" + p.Work, "TMPDIR=" + p.temp(), "LANG=C.UTF-8", "TERM=dumb", "SHELL=/bin/bash",
		"PATH=" + filepath.Join(p.Bin, ".bin") + ":/usr/local/bin:/usr/bin:/bin",
		"HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=*",
	}, a.Env(p)...)
}

// cutter ends a run in the middle.
type cutter struct {
	how     Cut
	ours    int    // the process that we started
	pid     string // the file that names the agent's
	started string // the file that the agent's command makes
}

// cut sends a signal once the agent is in the middle. A person interrupts what they
// started; a kill is for the agent alone.
func (c cutter) cut(ctx context.Context, over <-chan struct{}, m *model.Server) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for middle := false; !middle; {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-m.Stalled():
			middle = true
		case <-tick.C:
			_, err := os.Stat(c.started)
			middle = err == nil
		}
	}
	// The agent is to see what was said before it ends.
	select {
	case <-over:
		return
	case <-time.After(time.Second):
	}
	if c.how == Interrupt {
		_ = syscall.Kill(c.ours, syscall.SIGINT) // it may be over
		return
	}
	text, err := os.ReadFile(c.pid)
	if err != nil {
		return // the run ends by its time-out
	}
	if id, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		_ = syscall.Kill(id, syscall.SIGKILL) // likewise
	}
}

// sessionOf finds the agent's id of its session in what it printed.
func sessionOf(stdout []byte) string {
	for line := range bytes.Lines(stdout) {
		var o struct {
			Type      string
			ID        string `json:"id"`
			SessionID string `json:"session_id"`
			ThreadID  string `json:"thread_id"`
			OpenCode  string `json:"sessionID"`
		}
		if json.Unmarshal(line, &o) != nil {
			continue
		}
		if o.Type != "session" {
			o.ID = ""
		}
		for _, id := range []string{o.SessionID, o.ThreadID, o.OpenCode, o.ID} {
			if id != "" {
				return id
			}
		}
	}
	return ""
}

// Left are the files that the agent left on disk. Those of the main threads come
// first, in the order of the sessions.
func (a *Agent) Left(p Place, sessions ...string) (paths []string, err error) {
	for i, pattern := range a.Disk {
		found, err := filepath.Glob(filepath.Join(p.Home, pattern))
		if err != nil {
			return nil, err
		}
		if i == 0 {
			slices.SortFunc(found, func(a, b string) int { return cmp.Compare(sessionIn(a, sessions), sessionIn(b, sessions)) })
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				paths = append(paths, path)
			}
		}
	}
	return paths, nil
}

// sessionIn tells which of some sessions a file is of, by its name.
func sessionIn(path string, sessions []string) int {
	for i, id := range sessions {
		if strings.Contains(path, id) {
			return i
		}
	}
	return len(sessions)
}
