//go:build agents

package agents_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

const (
	// mostSeen is how long it may take until what agents did, or do, is seen.
	mostSeen = time.Minute
	// watchIdle is how long an agent rests until its session is over. Here it thinks for
	// less.
	watchIdle = 12 * time.Second
)

// home is a home directory in which real agents work, with a jrweb watch -serve.
type home struct {
	*testing.T
	recorder
	dir string
}

// watch starts the watch.
func (h *home) watch() {
	h.Helper()
	cmd := exec.Command(*jrweb, "watch", "-serve", "-addr", "127.0.0.1:0", "-idle", watchIdle.String())
	cmd.Env = []string{"HOME=" + filepath.Join(h.dir, "home"), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StderrPipe()
	h.must(err)
	h.must(cmd.Start())
	h.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			h.Error(err)
		}
	})
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	go func() { _, _ = io.Copy(h.Output(), said) }() // ends with the watch
	_, url, ok := strings.Cut(strings.TrimSpace(line), " on ")
	if err != nil || !ok {
		h.Fatalf("the watch says %q, %v", line, err)
	}
	h.recorder = recorder{*jrweb, url}
}

func (h *home) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// slow is long enough for somebody to see the agent at work.
var slow = agents.Scenario{Name: "slow-command", Runs: []agents.Run{{
	Prompt: "Look at the files. [main]",
	Threads: map[string][]agents.Turn{"main": {
		{Text: "I will look at the files.", Tokens: model.Tokens{Input: 101, CacheRead: 310, CacheWrite: 20, Output: 43},
			Calls: []agents.Call{{Do: agents.Shell, Command: "echo one file; sleep 8; exit 3", Fails: true, Output: "one file"}}},
		{Text: "There is **one** file.", Tokens: model.Tokens{Input: 102, CacheRead: 320, CacheWrite: 20, Output: 46}},
	}},
}}}

// work is a run of an agent in the home.
type work struct {
	agent    *agents.Agent
	scenario agents.Scenario
	place    agents.Place
	ended    *agents.Ended
	answers  []model.Answer
}

// plays lets an agent play a scenario, to its end. What wraps it is as in [agents.Agent.Play].
func (h *home) plays(name, scenario string, wrap ...string) *work {
	h.Helper()
	all := append(agents.Scenarios(), slow)
	i := slices.IndexFunc(all, func(s agents.Scenario) bool { return s.Name == scenario })
	w := &work{agent: named(h.T, name), scenario: all[i]}
	m := model.Serve(name + "-" + scenario)
	h.Cleanup(m.Close)
	w.place = agents.Place{
		Bin: *bin, Home: filepath.Join(h.dir, "home"), Work: filepath.Join(h.dir, name+"-"+scenario+"-"+time.Now().Format("150405.000")), Model: m.URL,
	}
	h.must(w.agent.Prepare(w.place, w.scenario))
	var err error
	w.ended, err = w.agent.Play(h.Context(), w.place, w.scenario.Runs[0], m, wrap...)
	h.must(err)
	if w.ended.Session == "" || w.ended.TimedOut {
		h.Fatalf("it was no run:\n%s\n%s", tail(w.ended.Stdout), tail(w.ended.Stderr))
	}
	w.place.Session, w.answers = w.ended.Session, m.Answers()
	return w
}

// task is the task of the work's thread.
func (w *work) task() string {
	name := transcript.ClaudeCode
	if strings.HasPrefix(w.agent.Name, "codex") {
		name = "Codex"
	}
	return transcript.TaskOf(name, w.ended.Session)
}

// until waits for something to be seen of a task, at most as long as it may take.
func (h *home) until(task, what string, seen func(agents.Task) bool) agents.Task {
	h.Helper()
	last := time.After(mostSeen)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		t := h.task(h.T, task)
		if seen(t) {
			return t
		}
		select {
		case <-tick.C:
		case <-last:
			h.Fatalf("%s: %s was not seen in %s: %+v", task, what, mostSeen, t)
		}
	}
}

func over(t agents.Task) bool {
	return len(t.Sessions) > 0 && t.Sessions[len(t.Sessions)-1].Status != string(eventlog.StatusOpen)
}

// whole checks that all of a work is in a task, once.
func (h *home) whole(w *work, task string, from agents.Source) {
	h.Helper()
	seen := h.until(task, "the end", over)
	for _, d := range agents.Compare(w.agent.Want(w.place, w.scenario, from, [][]model.Answer{w.answers}), seen) {
		h.Errorf("%s %s: %s", w.agent.Name, w.scenario.Name, d)
	}
}

// once checks that a task has each event of a work's transcript once, in whatever order:
// hooks tell calls before the words that stand before them.
func (h *home) once(w *work, reference recorder) {
	h.Helper()
	seen := h.until(w.task(), "the end", over)
	files, err := w.agent.Left(w.place, w.ended.Session)
	h.must(err)
	files = slices.DeleteFunc(files, func(path string) bool { return !strings.Contains(path, w.ended.Session) })
	reference.must(h.T, append([]string{"import", "-task", w.task(), "-spool", filepath.Join(h.dir, "spool-reference")}, files...)...)
	want, got := tellings(reference.task(h.T, w.task())), tellings(seen)
	if !maps.Equal(want, got) {
		h.Errorf("%s: the transcript tells\n%v\nand the task\n%v", w.scenario.Name, want, got)
	}
	if len(seen.Sessions) != 1 || seen.Sessions[0].Status != string(eventlog.Succeeded) {
		h.Errorf("%s: it has the sessions %+v", w.scenario.Name, seen.Sessions)
	}
}

// tellings counts the events of a task.
func tellings(t agents.Task) map[string]int {
	all := map[string]int{}
	for _, s := range t.Sessions {
		for _, e := range s.Events {
			var d struct {
				Content, ID string
				CallID      string `json:"call_id"`
			}
			switch e.Type {
			case eventlog.TypeUser, eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeCost:
				if json.Unmarshal(e.Data, &d) == nil {
					all[e.Type+" "+strings.TrimSpace(d.Content)+d.ID+d.CallID]++
				}
			}
		}
	}
	return all
}

// nothing checks that the thread of a work has no task of its own.
func (h *home) nothing(w *work) {
	h.Helper()
	if t := h.task(h.T, w.task()); len(t.Sessions) > 0 {
		h.Errorf("%s is recorded again: %+v", w.scenario.Name, t.Sessions)
	}
}

// hasEvent reports whether some event of a task is of a type.
func hasEvent(t agents.Task, kind string) bool {
	return slices.ContainsFunc(t.Sessions, func(s agents.Session) bool {
		return slices.ContainsFunc(s.Events, func(e eventlog.Event) bool { return e.Type == kind })
	})
}

// live looks, while an agent works, at what is seen of it: a call must be, before the run
// ends.
func (h *home) live(name, scenario string, wrap ...string) *work {
	h.Helper()
	ctx, stop := context.WithCancel(h.Context())
	defer stop()
	before := h.tasks()
	seen := make(chan time.Time, 1)
	go func() {
		for ctx.Err() == nil {
			for _, id := range h.tasks() {
				if !slices.Contains(before, id) && hasEvent(h.task(h.T, id), eventlog.TypeToolCall) {
					seen <- time.Now()
					return
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	w := h.plays(name, scenario, wrap...)
	ended := time.Now()
	select {
	case at := <-seen:
		h.Logf("%s: a call was seen %s before the run ended", name, ended.Sub(at).Round(time.Millisecond))
	default:
		h.Errorf("%s: nothing was seen before the run ended, after %s", name, w.ended.Took)
	}
	return w
}

func (h *home) tasks() (ids []string) {
	var list struct{ Tasks []struct{ ID string } }
	h.get(h.T, "/tasks?limit=200", &list)
	for _, t := range list.Tasks {
		ids = append(ids, t.ID)
	}
	return ids
}

// hooks has Claude Code tell the server what it does.
func (h *home) hooks() {
	h.Helper()
	settings, err := exec.Command(*jrweb, "watch", "-hooks", "-url", h.url).Output()
	h.must(err)
	h.must(os.WriteFile(filepath.Join(h.dir, "home", ".claude", "settings.json"), settings, 0o600))
}

// A machine on which Claude Code and Codex have worked, and work: one command shows all of it.
func TestOneCommandShowsAllThatAgentsDidAndDo(t *testing.T) {
	h := &home{T: t, dir: t.TempDir()}
	past := []*work{
		h.plays("claude", "failing-command"), h.plays("claude", "subagent"), h.plays("codex", "failing-command"), h.plays("codex-tools", "edit"),
	}
	begun := time.Now()
	h.watch()
	for _, w := range past {
		h.until(w.task(), "all that it said", func(t agents.Task) bool { return hasEvent(t, eventlog.TypeAssistant) })
	}
	t.Logf("the past was there %s after the start", time.Since(begun).Round(time.Millisecond))
	for _, name := range []string{"claude", "codex-tools"} { // with its own models, Codex writes a call down when it is over
		past = append(past, h.live(name, "slow-command"))
	}
	for _, w := range past {
		h.whole(w, w.task(), agents.Disk)
	}

	// The same with hooks: each event is there once, in one session.
	h.hooks()
	reference := startRecorder(t, *jrweb)
	h.once(h.live("claude", "slow-command"), reference)

	// What jrweb run records is recorded once, with hooks and without.
	for _, task := range []string{"with-hooks", "without"} {
		run := h.plays("claude", "slow-command", *jrweb, "run", "-url", h.url, "-task", task, "-spool", filepath.Join(h.dir, "spool"), "--")
		h.whole(run, task, agents.Stdout)
		probe := h.plays("codex", "failing-command") // once it is there, the watch has looked
		h.until(probe.task(), "all that it said", over)
		h.nothing(run)
		h.must(os.RemoveAll(filepath.Join(h.dir, "home", ".claude", "settings.json")))
	}
	if len(h.tasks()) < 11 {
		t.Errorf("there are only the tasks %q", h.tasks())
	}
}
