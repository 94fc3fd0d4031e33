package main

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/transcript"
	"jrweb/router"
	"jrweb/router/client"
	"jrweb/streamer"
)

// input is what must come of one of the transcripts in testdata/inputs of package
// transcript, whichever way in it takes.
type input struct {
	status eventlog.Status
	// live is the status of jrweb run, where it has more to go by: its exit code.
	live    eventlog.Status
	reason  string // a part of it
	title   string
	agent   string
	id      string // the agent's own
	parent  string // of the agent that it works for
	usd     float64
	in, out uint64
	raw     int
	// nameless says that its agent gives it no id: a live recording and a file are not
	// known to be the same.
	nameless bool
	// each must match one event, written as its type, actor and data; none must match any.
	each, none []string
	// started and ended are the agent's times, where the file tells them.
	started, ended string
}

// inputs are the transcripts that came out wrong once, of one file each.
var inputs = map[string]input{
	"claude-stream-cut.jsonl": {
		status: eventlog.Interrupted, reason: "ends in the middle", agent: "Claude Code", id: "99999999-2222-4333-8444-555555555555",
		in: 10, out: 5, each: []string{`^assistant agent .*Looking\.`, `^tool_call agent .*"tool":"Bash"`},
	},
	"codex-exec-cut.jsonl": {
		status: eventlog.Interrupted, reason: "ends in the middle", agent: "Codex", id: "019c0000-0000-7000-8000-000000000001",
		each: []string{`^tool_call agent .*make test`},
	},
	"codex-rollout-unfinished.jsonl": {
		status: eventlog.Interrupted, reason: "ends in the middle", agent: "Codex", title: "Run the tests",
		each: []string{`^tool_call agent .*make`}, started: "10:00:00", ended: "10:00:03",
	},
	"gemini-stream-cut.jsonl": {
		status: eventlog.Interrupted, reason: "ends in the middle", title: "Run make", id: "g1",
		each: []string{`^tool_call agent .*run_shell_command`}, started: "10:00:00", ended: "10:00:02",
	},
	"claude-disk-open-call-end.jsonl": {
		status: eventlog.Interrupted, reason: "ends in the middle", title: "Run the long test", agent: "Claude Code",
		in: 10, out: 5, each: []string{`^tool_call agent .*make test`}, started: "10:00:00", ended: "10:00:05",
	},
	"codex-rollout-turn-error.jsonl": {
		status: eventlog.Failed, reason: "usage limit", title: "Upgrade the linter",
		each: []string{`^error .*hit your usage limit`}, started: "10:00:00", ended: "10:00:04",
	},
	"claude-disk-api-error-end.jsonl": {
		status: eventlog.Failed, reason: "529 overloaded", title: "Bump the version to 1.4", in: 10, out: 5,
		each: []string{`^error .*529 overloaded`}, started: "10:00:00", ended: "10:01:00",
	},
	"codex-rollout-interrupted-then-done.jsonl": {
		status: eventlog.Succeeded, title: "Write a poem",
		each: []string{`^user human .*Rather a haiku`, `^assistant agent .*Autumn wind`}, ended: "10:00:12",
	},
	"copilot-shutdown-error.jsonl": {
		status: eventlog.Failed, reason: "Unhandled exception in agent loop", title: "Say hi", id: "cop1",
		each: []string{`Unhandled exception in agent loop`}, started: "10:00:00", ended: "10:00:10",
	},
	"claude-disk-queued-message.jsonl": {
		status: eventlog.Succeeded, title: "Rename the module", in: 20, out: 10,
		each: []string{`^user human .*also rename the tests`, `^assistant agent .*Done, with the tests\.`},
	},
	"droid-session.jsonl": {
		status: eventlog.Succeeded, title: "Check a path", id: "d1",
		each: []string{
			`^user human .*Does /nope exist`, `^tool_call agent .*Execute`,
			`^tool_result agent .*"success":false.*No such file or directory`, `^assistant agent .*It does not\.`,
		},
		none: []string{`\[tool_result\]`}, ended: "10:00:03",
	},
	"qwen-stream-error.jsonl": {
		status: eventlog.Failed, reason: "No API key was found", agent: "Qwen Code", id: "5f0e", in: 42,
		each: []string{`^error .*No API key was found`},
	},
	"pi-user-image.jsonl": {
		status: eventlog.Succeeded, title: "What is this?", id: "p1", in: 1, out: 1,
		each: []string{`^user human .*\[image\].*"type":"image".*"media_type":"image/png".*"sha256":"[0-9a-f]{64}".*iVBORw0KGgo`},
	},
	"opencode-server-delta-first.jsonl": {
		status: eventlog.Succeeded, title: "Think and answer", id: "ses_1",
		each: []string{`^thought agent .*Let me think about it\.`, `^assistant agent .*It is 4\.`},
		none: []string{`^assistant .*Let me think`},
	},
	"claude-stream-supersedes.jsonl": {
		status: eventlog.Succeeded, usd: 0.03,
		each: []string{`^assistant agent .*Here is the list of ports\.`, `"(?:retracted|withdrawn|superseded)|another model answers`},
	},
	"claude-disk-titles.jsonl": {status: eventlog.Succeeded, title: "Leap years", in: 10, out: 5},
	"pi-branch.jsonl": {
		status: eventlog.Succeeded, title: "Compare A and B", id: "p1", in: 1, out: 1,
		each: []string{`Tried B, it was slower\.`, `Open: 2 items`},
	},
	"codex-rollout-context.jsonl": {
		status: eventlog.Succeeded, title: "Deploy it",
		each: []string{`^user system .*<skill>`, `^user human .*Deploy it`},
		none: []string{`^user human .*(?:<skill>|<subagent_notification>)`},
	},
	"opencode-invalid-tool.jsonl": {
		status: eventlog.Succeeded, in: 10, out: 5,
		each: []string{`^tool_call agent .*"tool":"write"`, `^tool_result agent .*"tool":"write","success":false`},
		none: []string{`"tool":"invalid"`},
	},
	"copilot-subagent-agentid.jsonl": {
		status: eventlog.Succeeded, title: "Explore",
		each: []string{`^assistant agent .*Two files here\..*"parent_call_id":"tc1"`, `^assistant agent .*There are two files\.`},
		none: []string{`There are two files\..*parent_call_id`},
	},
	"cursor-shell-failure.jsonl": {
		status: eventlog.Succeeded, id: "cu1",
		each: []string{`^tool_result agent .*"success":false,"output":"ls: cannot access '/nope'".*"exit_code":2`},
	},
	"amp-denials.jsonl": {
		status: eventlog.Succeeded, agent: "Amp", id: "T-1", in: 5, out: 3,
		each: []string{`^guardrail .*Bash\(git push\)`},
	},
	"gemini-glued-warning.jsonl": {
		status: eventlog.Succeeded, title: "Say hi", id: "g9", in: 10, out: 2, raw: 1,
		each: []string{`MCP issues detected`, `^assistant agent .*Hi\.`, `"model":"gemini-3-pro"`},
	},
	"claude-stream-times.jsonl": {
		status: eventlog.Succeeded, usd: 0.01, in: 20, out: 10,
		started: "2026-06-25T00:11:36.315Z", ended: "2026-06-25T00:11:36.315Z",
	},
	"codex-rollout-paginated.jsonl": {
		status: eventlog.Succeeded, id: "019f0000-0000-7000-8000-0000000000b1", title: "Run the tests",
		each: []string{`^tool_call agent .*make test`, `^tool_result agent .*"success":false.*"exit_code":2`, `parse\.go`},
		none: []string{`"tool":"exec"`, `Script completed`},
	},
	"codex-rollout-guardian.jsonl": {
		status: eventlog.Succeeded, id: "019f0000-0000-7000-8000-0000000000b2", parent: "019f0000-0000-7000-8000-0000000000b1",
		none: []string{`^user human`},
	},
	"codex-exec-first.jsonl":   {status: eventlog.Succeeded, in: 18080, out: 20, id: "019c0000-0000-7000-8000-0000000000cc"},
	"codex-exec-resumed.jsonl": {status: eventlog.Succeeded, in: 36197, out: 45},
	"codex-rollout-parent.jsonl": {
		status: eventlog.Succeeded, in: 1000, out: 50, id: "019c0000-0000-7000-8000-0000000000aa",
	},
	"codex-rollout-fork.jsonl":      {status: eventlog.Succeeded, id: "019c0000-0000-7000-8000-0000000000bb"},
	"codex-rollout-fork-base.jsonl": {status: eventlog.Succeeded, id: "019f0000-0000-7000-8000-0000000000b3"},
	"codex-rollout-2026-items.jsonl": {
		status: eventlog.Succeeded, title: "Find the issue tool",
		each: []string{`pushes to main`, `Nil dereference`, `a logo`, `list_issues`},
	},
	"codex-rollout-desktop-agent-message.jsonl": {
		status: eventlog.Succeeded, title: "Say hi", each: []string{`^assistant agent .*Hi there\.`},
	},
	"claude-stream-2026-types.jsonl": {
		status: eventlog.Succeeded, usd: 0.02, in: 20, out: 10,
		each: []string{`Stop hook denied continuation`, `MCP server git failed`},
	},
	"claude-disk-bookkeeping-2026.jsonl": {
		status: eventlog.Succeeded, title: "Hello", id: "11111111-2222-4333-8444-555555555555", in: 10, out: 5,
	},
	"opencode-server-next.jsonl": {
		status: eventlog.Interrupted, usd: 0.01, in: 10, out: 4, title: "Add 2 and 2",
		each: []string{`^user human .*Add 2 and 2`, `^assistant agent .*It is 4\.`, `Which\?`},
	},
	"gemini-chat.json": {
		status: eventlog.Succeeded, title: "List files", id: "7c1e", in: 100, out: 15,
		each:    []string{`^user human .*List files`, `^assistant agent .*There is one\.`, `^tool_call agent .*list_directory`, `^thought agent .*Listing`},
		started: "10:00:00", ended: "10:00:03",
	},
	"claude-disk-attachment-chain.jsonl": {
		status: eventlog.Succeeded, title: "Hello", agent: "Claude Code", in: 20, out: 10,
		each: []string{`^tool_result agent .*"success":true`, `^assistant agent .*One file\.`}, started: "10:00:00", ended: "10:00:11",
	},
}

const inputsFolder = "../../eventlog/transcript/testdata/inputs"

// allInputs are all files there are, by their names below the folder. Of those that
// nothing is said of above, the converter says what they are: all ways in must agree.
func allInputs(t *testing.T) map[string]input {
	t.Helper()
	all := map[string]input{}
	err := filepath.WalkDir(inputsFolder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "claude-disk-subagents" {
			return fs.SkipDir // many files are one run
		}
		name, err := filepath.Rel(inputsFolder, path)
		if err != nil || entry.IsDir() || filepath.Ext(path) == ".golden" {
			return err
		}
		want, named := inputs[name]
		if !named {
			want = convertedInput(t, readInput(t, name))
		}
		all[name] = want
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range inputs {
		if _, exists := all[name]; !exists {
			t.Errorf("there is no %s", name)
		}
	}
	return all
}

// convertedInput is what the converter alone makes of a transcript.
func convertedInput(t *testing.T, text []byte) input {
	t.Helper()
	c, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := transcript.NewSplitter(0)
	take := func(l transcript.Line) { c.Line(l) }
	lines.Split(text, take)
	lines.Rest(take)
	c.End()
	how, origin := c.Outcome(), c.Origin()
	want := input{
		status: how.Status, reason: how.Reason, agent: origin.Agent, id: origin.Session, parent: origin.Parent,
		title: origin.Title, raw: c.Stats().Raw, usd: math.NaN(), nameless: origin.Session == "",
	}
	if how.Status == eventlog.Interrupted && !how.Unfinished {
		want.live = eventlog.Succeeded
	}
	return want
}

// world is a log with a server, a folder for spools, and an environment that names both.
type world struct {
	*testing.T
	client *client.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		_ = log.Close()
	})
	t.Setenv("JRWEB_URL", server.URL)
	t.Setenv("JRWEB_SPOOL", filepath.Join(t.TempDir(), "spool"))
	c, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, c}
}

// jrweb runs the program.
func (w *world) jrweb(args ...string) (stdout, stderr string, code int) {
	w.Helper()
	var out, errs strings.Builder
	code = run(w.Context(), args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// does runs the program, which must succeed, and returns what it says.
func (w *world) does(args ...string) string {
	w.Helper()
	out, errs, code := w.jrweb(args...)
	if code != 0 {
		w.Fatalf("jrweb %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// logged is what a log has of a task.
type logged struct {
	eventlog.Task
	sessions []eventlog.SessionInfo // the oldest first
	events   [][]client.Event       // of each session
}

func readTask(t *testing.T, c *client.Client, task string) *logged {
	t.Helper()
	l := &logged{}
	var err error
	if l.Task, err = c.Task(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	for s, err := range c.Sessions(t.Context(), task) {
		if err != nil {
			t.Fatal(err)
		}
		l.sessions = append([]eventlog.SessionInfo{s}, l.sessions...)
	}
	for _, s := range l.sessions {
		var events []client.Event
		for e, err := range c.Events(t.Context(), task, s.ID) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		l.events = append(l.events, events)
	}
	return l
}

// check compares the only session of a task with what it has to be.
func (want *input) check(t *testing.T, l *logged, live bool) {
	t.Helper()
	if len(l.sessions) != 1 {
		t.Fatalf("there are %d sessions", len(l.sessions))
	}
	s := l.sessions[0]
	status := want.status
	if live && want.live != "" {
		status = want.live
	}
	if s.Status != status || !strings.Contains(s.Reason, want.reason) && !(live && want.live != "") {
		t.Errorf("it ended as %s, %q, want %s, %q", s.Status, s.Reason, status, want.reason)
	}
	for _, f := range []struct{ name, got, want string }{
		{"title", l.Title, want.title}, {"agent", s.Agent, want.agent},
		{"external id", s.ExternalID, want.id}, {"parent", s.ParentExternalID, want.parent},
	} {
		if f.want != "" && f.got != f.want {
			t.Errorf("%s %q, want %q", f.name, f.got, f.want)
		}
	}
	if s.Machine == "" {
		t.Error("no machine")
	}
	if math.Abs(float64(s.Totals.USD)-want.usd) > 1e-9 || // never, if it is not known
		want.in > 0 && s.Totals.InputTokens != want.in || want.out > 0 && s.Totals.OutputTokens != want.out {
		t.Errorf("totals %+v, want $%v, %d in, %d out", s.Totals, want.usd, want.in, want.out)
	}
	raw := 0
	var lines []string
	for _, e := range l.events[0] {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.Type, e.Actor, e.Data))
		if e.Type == transcript.TypeRaw {
			raw++
		}
	}
	all := strings.Join(lines, "\n")
	if raw != want.raw {
		t.Errorf("%d events are raw, want %d", raw, want.raw)
	}
	for _, pattern := range want.each {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(all) {
			t.Errorf("no event matches %s", pattern)
		}
	}
	for _, pattern := range want.none {
		if found := regexp.MustCompile("(?m)" + pattern).FindString(all); found != "" {
			t.Errorf("%s matches %s", found, pattern)
		}
	}
	if !live {
		at := func(when string) string {
			if when != "" && !strings.Contains(when, "T") {
				return "2026-09-01T" + when + ".000Z"
			}
			return when
		}
		if got := s.Started.UTC().Format(eventlog.TimeFormat); want.started != "" && got != at(want.started) {
			t.Errorf("it started at %s, want %s", got, at(want.started))
		}
		if got := s.Ended.UTC().Format(eventlog.TimeFormat); want.ended != "" && got != at(want.ended) {
			t.Errorf("it ended at %s, want %s", got, at(want.ended))
		}
		for _, e := range l.events[0] {
			if want.started != "" && e.Time.Before(s.Started.Time) || want.ended != "" && e.Time.After(s.Ended.Time) {
				t.Errorf("an event of %s is outside of the session: %s", e.Time, e.Data)
			}
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

func TestEveryInputIsImportedAsItWas(t *testing.T) {
	for name, want := range allInputs(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			const task = "t-1"
			path := filepath.Join(inputsFolder, name)
			if exported, err := isExport(path); err != nil || exported {
				return // its sessions are taken as they are: see import.txtar
			}
			w.does("import", "-task", task, path)
			l := readTask(t, w.client, task)
			want.check(t, l, false)
			if out := w.does("import", "-task", task, path); !strings.Contains(out, "already: nothing is added") {
				t.Errorf("again: %s", out)
			}
			if again := readTask(t, w.client, task); len(again.sessions) != 1 || again.Totals != l.Totals {
				t.Errorf("again: %d sessions, %+v", len(again.sessions), again.Totals)
			}
		})
	}
}

func TestEveryInputIsRecordedLiveAsItWas(t *testing.T) {
	for name, want := range allInputs(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			const task = "t-1"
			path := filepath.Join(inputsFolder, name)
			w.does("run", "-task", task, "--", "cat", path)
			l := readTask(t, w.client, task)
			want.check(t, l, true)
			// The file of a run that was recorded live adds nothing.
			if want.nameless {
				return
			}
			w.does("import", "-task", task, path)
			if again := readTask(t, w.client, task); len(again.sessions) != 1 || again.Totals != l.Totals {
				t.Errorf("after an import: %d sessions, %+v, before: %+v", len(again.sessions), again.Totals, l.Totals)
			}
		})
	}
}

// What several files tell of the same tokens counts once.
func TestTokensOfSeveralFilesCountOnce(t *testing.T) {
	for name, c := range map[string]struct {
		commands [][]string // IN stands for the folder of the inputs
		usd      float64
		in, out  uint64
		sessions int
	}{
		"a thread that is resumed": {
			[][]string{{"run", "-task", "t-1", "--", "cat", "IN/codex-exec-first.jsonl"}, {"run", "-task", "t-1", "--", "cat", "IN/codex-exec-resumed.jsonl"}},
			0, 36197, 45, 2,
		},
		"a thread and its fork": {
			[][]string{{"import", "-task", "t-1", "IN/codex-rollout-parent.jsonl", "IN/codex-rollout-fork.jsonl"}}, 0, 1200, 80, 2,
		},
		"a fork before its thread": {
			[][]string{{"import", "-task", "t-1", "IN/codex-rollout-fork.jsonl"}, {"import", "-task", "t-2", "IN/codex-rollout-parent.jsonl"}}, 0, 1200, 80, 2,
		},
		"a thread and one that goes on from it": {
			[][]string{{"import", "-task", "t-1", "IN/codex-rollout-paginated.jsonl", "IN/codex-rollout-fork-base.jsonl"}}, 0, 800, 70, 2,
		},
		"a run that is recorded live and imported": {
			[][]string{{"run", "-task", "t-1", "--", "cat", "IN/claude-stream-times.jsonl"}, {"import", "-task", "t-1", "IN/claude-stream-times.jsonl"}},
			0.01, 20, 10, 1,
		},
		"a run in two tasks": {
			[][]string{{"run", "-task", "t-1", "--", "cat", "IN/claude-stream-times.jsonl"}, {"import", "-task", "t-2", "IN/claude-stream-times.jsonl"}},
			0.01, 20, 10, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, args := range c.commands {
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "IN/", inputsFolder+"/")
				}
				w.does(args...)
			}
			var sum eventlog.Totals
			sessions := 0
			for task, err := range w.client.Tasks(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				sessions += task.Sessions
				sum.USD += task.Totals.USD
				sum.InputTokens += task.Totals.InputTokens
				sum.OutputTokens += task.Totals.OutputTokens
			}
			if math.Abs(float64(sum.USD)-c.usd) > 1e-9 || sum.InputTokens != c.in || sum.OutputTokens != c.out || sessions != c.sessions {
				t.Errorf("%d sessions, %+v; want %d, $%v, %d in, %d out", sessions, sum, c.sessions, c.usd, c.in, c.out)
			}
		})
	}
}

// inMemory is a log, and clients that reach it without a network, for bubbles.
type inMemory struct {
	*testing.T
	transport http.RoundTripper
	client    *client.Client
	to        *destination
	spool     string
}

func newInMemory(t *testing.T, dir string) *inMemory {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New("http://localhost", &client.Options{Transport: direct{handler}})
	if err != nil {
		t.Fatal(err)
	}
	return &inMemory{t, direct{handler}, c, &destination{name: "http://localhost", server: spool.To(c), client: c}, filepath.Join(dir, "spool")}
}

func (m *inMemory) follower(task, path string) *follower {
	return &follower{
		path: path, dir: m.spool, task: task, to: m.to, server: m.client, format: transcript.Auto,
		warn: func(text string) { m.Log(text) },
	}
}

// follow follows a file while play lets it grow.
func (m *inMemory) follow(task, path string, play func()) {
	m.Helper()
	ctx, stop := context.WithCancel(m.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- m.follower(task, path).follow(ctx) }()
	play()
	time.Sleep(5 * time.Second)
	stop()
	if err := <-ended; err != nil {
		m.Fatal(err)
	}
}

// finish is import for a file that may have been followed.
func (m *inMemory) finish(task, path string) {
	m.Helper()
	if _, err := os.Stat(spool.KeptPath(m.spool, followName(task, path))); err != nil {
		m.imports(task, path)
		return
	}
	if err := m.follower(task, path).finish(m.Context()); err != nil {
		m.Fatal(err)
	}
}

// grow adds to a file, one line at a time.
func grow(t *testing.T, path string, text []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for line := range strings.Lines(string(text)) {
		if _, err := f.WriteString(line); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
	}
}

func TestEveryInputIsFollowedLineByLine(t *testing.T) {
	for name, want := range allInputs(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text, err := os.ReadFile(filepath.Join(inputsFolder, name))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				m := newInMemory(t, dir)
				path := filepath.Join(dir, filepath.Base(name))
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				m.follow("t-1", path, func() { grow(t, path, text) })
				m.finish("t-1", path)
				want.check(t, readTask(t, m.client, "t-1"), false)
			})
		})
	}
}
