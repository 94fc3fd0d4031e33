package main

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// agentsTranscript is what an agent keeps of a run in a directory.
type agentsTranscript struct {
	// path is where, below the home directory. Where each line is a file %05d is its number.
	path string
	// text is a file of this package's tests or of package transcript's.
	text string
	// document says that the lines are the elements of a JSON array.
	document bool
	// dir is what stands for the directory in text, if it is not that; named is what the
	// test puts in its place, with $DIR.
	dir, named string
	// beside are files that the agent keeps beside it: the directory is told there.
	beside map[string]string
}

// inDatabases are agents whose threads are in databases: watch_databases_test.go.
var inDatabases = []string{"crush", "opencode"}

// transcriptsOfAgents has each agent that jrweb watch looks for.
var transcriptsOfAgents = map[string][]agentsTranscript{
	"amp":    {{path: ".local/share/amp/threads/T-1.json", text: "amp-thread.jsonl", dir: "/repo"}},
	"claude": {{path: ".claude/projects/-p/" + aSession + ".jsonl", text: "claude-session.jsonl", dir: "/repo"}},
	"cline": {
		{path: ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/17/ui_messages.json", text: "cline.jsonl", document: true, beside: map[string]string{
			".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/17/api_conversation_history.json": `[{"role":"user","content":[{"type":"text","text":"<environment_details>\n# Current Working Directory ($DIR) Files\na.go\n</environment_details>"}]}]`,
		}},
		{path: ".config/Cursor/User/globalStorage/kilocode.kilo-code/tasks/18/api_conversation_history.json", text: "inputs/cline-api_conversation_history.json", dir: "# Files", named: "# Current Workspace Directory ($DIR) Files"},
	},
	"codex":   {{path: ".codex/sessions/2026/11/27/rollout-1.jsonl", text: "codex-rollout.jsonl", dir: "/repo"}},
	"copilot": {{path: ".copilot/session-state/1/events.jsonl", text: "copilot.jsonl", dir: "/repo"}},
	"droid":   {{path: ".factory/sessions/-p/1.jsonl", text: "droid.jsonl", dir: "/repo"}},
	"gemini": {
		{path: ".gemini/tmp/p/chats/session-1.jsonl", text: "real/gemini-0.61.0/words.disk.jsonl", beside: map[string]string{".gemini/tmp/p/.project_root": "$DIR"}},
		{path: ".gemini/tmp/q/chats/session-2.json", text: "inputs/gemini-chat.json", beside: map[string]string{".gemini/tmp/q/.project_root": "$DIR"}},
	},
	"goose": {{path: ".local/share/goose/sessions/20260901_1.jsonl", text: "goose.jsonl", dir: "/repo"}},
	"kimi": {
		{path: ".kimi/sessions/$MD5/1/wire.jsonl", text: "inputs/kimi-wire.jsonl", beside: map[string]string{".kimi/kimi.json": `{"work_dirs":[{"path":"/other"},{"path":"$DIR"}]}`}},
		{path: ".kimi/sessions/$MD5/2/context.jsonl", text: "inputs/kimi-context.jsonl"},
		{path: ".kimi/sessions/$MD5/3/context.jsonl", text: "inputs/kimi-context.jsonl"}, // says the same, at no time
	},
	"kimi-code": {
		{path: ".kimi-code/sessions/wd_app_0abc/1/agents/main/wire.jsonl", text: "inputs/kimi-code-wire.jsonl", beside: map[string]string{".kimi-code/sessions/wd_app_0abc/1/state.json": `{"workDir":"$DIR"}`}},
	},
	"openhands": {{path: ".openhands/conversations/0abc/events/event-%05d-x.json", text: "openhands.jsonl", dir: `"id":"conv-1"`, named: `"id":"conv-1","workspace":{"working_dir":"$DIR"}`}},
	"pi":        {{path: ".pi/agent/sessions/--p--/1.jsonl", text: "real/pi-0.73.1/words.disk.jsonl"}},
	"qwen":      {{path: ".qwen/projects/-p/chats/1.jsonl", text: "qwen-session.jsonl", dir: "/repo"}},
}

// keeps writes what an agent keeps of a run in a directory, and returns the files.
func (r *watchRoom) keeps(a agentsTranscript, dir string) (files []string) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join("../../eventlog/transcript/testdata", a.text))
	if err != nil {
		r.Fatal(err)
	}
	if a.dir == "" { // it is told as it is
		c, err := transcript.New(transcript.Auto, nil)
		if err != nil {
			r.Fatal(err)
		}
		s := transcript.NewSplitter(0)
		line := func(l transcript.Line) { c.Line(l) }
		s.Split(text, line)
		s.Rest(line)
		a.dir = c.Origin().Dir
	}
	ofDir := func(text string) string {
		return strings.NewReplacer("$DIR", dir, "$MD5", fmt.Sprintf("%x", md5.Sum([]byte(dir)))).Replace(text)
	}
	if a.dir != "" {
		text = bytes.ReplaceAll(text, []byte(a.dir), []byte(ofDir(cmp.Or(a.named, "$DIR"))))
	}
	for path, text := range a.beside {
		r.rewrites(filepath.Join(r.home, path), []byte(ofDir(text)))
	}
	a.path = ofDir(a.path)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if strings.Contains(a.path, "%05d") {
		for i, line := range lines {
			files = append(files, filepath.Join(r.home, fmt.Sprintf(a.path, i)))
			r.rewrites(files[i], line)
		}
		return files
	}
	if a.document {
		lines = slices.DeleteFunc(lines, func(line []byte) bool { return !json.Valid(line) })
		text = append(append([]byte("["), bytes.Join(lines, []byte(","))...), ']')
	}
	files = []string{filepath.Join(r.home, a.path)}
	r.rewrites(files[0], text)
	return files
}

// files are the files below the home directory, with their times and what is in them.
func (r *watchRoom) files() map[string]string {
	r.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(r.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == r.spool {
			return cmp.Or(err, fs.SkipDir)
		}
		if entry.IsDir() {
			all[path] = ""
			return nil
		}
		info, err := entry.Info()
		if err == nil {
			all[path] = fmt.Sprintf("%s %s %x", info.Mode(), info.ModTime(), md5.Sum(readFileOf(r.T, path)))
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// dataOf are the types and the data of a task's events, except its ends.
func (r *watchRoom) dataOf(task string) (all []string) {
	r.Helper()
	for _, events := range readTask(r.T, r.client, task).events {
		for _, e := range events {
			if e.Type != eventlog.TypeComplete {
				all = append(all, e.Type+" "+string(e.Data))
			}
		}
	}
	return all
}

// Whatever an agent keeps is recorded as an import of it would be, as a thread of its own in
// its project, and its files are left as they are.
func TestTheTranscriptsOfEveryAgentAreWatched(t *testing.T) {
	for _, agent := range places.Agents() {
		if len(transcriptsOfAgents[agent]) == 0 && !slices.Contains(inDatabases, agent) {
			t.Errorf("%s: there is no transcript", agent)
		}
	}
	for agent, all := range transcriptsOfAgents {
		t.Run(agent, func(t *testing.T) {
			inRoom(t, func(r *watchRoom) {
				r.agents, r.open = places.Agents(), true
				time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
				var files [][]string
				for _, a := range all {
					files = append(files, r.keeps(a, "/srv/app"))
				}
				before := r.files()
				r.watch(aRest)
				if after := r.files(); !maps.Equal(before, after) {
					t.Errorf("the agent's files were\n%v\nand are\n%v", before, after)
				}
				got := map[string]int{}
				for task, err := range r.client.Tasks(r.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if task.Project != "app" || task.Status == eventlog.StatusOpen || task.Sessions != 1 {
						t.Errorf("the task is %+v", task)
					}
					got[strings.Join(r.dataOf(task.ID), "\n")]++
				}
				want := map[string]int{}
				for i, names := range files {
					imported := fmt.Sprint("imported-", i)
					r.imports(imported, names...)
					settle()
					want[strings.Join(r.dataOf(imported), "\n")]++
				}
				if !maps.Equal(got, want) {
					t.Errorf("watched: %v\nimported: %v", got, want)
				}
			})
		})
	}
}

// A mark in a project keeps what every agent does there on the machine.
func TestEveryAgentLeavesAProjectThatIsMarked(t *testing.T) {
	for agent, all := range transcriptsOfAgents {
		t.Run(agent, func(t *testing.T) {
			inRoom(t, func(r *watchRoom) {
				r.agents = places.Agents()
				time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
				dir := filepath.Join(r.home, "srv", "app")
				r.writes(filepath.Join(dir, ignoreMark))
				for _, a := range all {
					r.keeps(a, dir)
				}
				r.watch(aRest)
				for _, task := range r.listed() {
					t.Errorf("%s is recorded: %.300s", task, strings.Join(r.dataOf(task), "\n"))
				}
			})
		})
	}
}

// What OpenHands keeps of a conversation beside its events is of the same run: who it is,
// where it works, and what it costs.
func TestTheStateOfAConversationIsWatched(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	state := func(dir string, usd float64) []byte {
		return fmt.Appendf(nil, `{"id":"01234567-89ab-cdef-0123-456789abcdef","agent":{"kind":"Agent"},"workspace":{"working_dir":%q},"execution_status":"finished",`+
			`"stats":{"usage_to_metrics":{"agent":{"model_name":"m-1","accumulated_cost":%v,"accumulated_token_usage":{"model":"m-1","prompt_tokens":100,"completion_tokens":7}}}}}`, dir, usd)
	}
	says := func(n int, text string) []byte {
		return fmt.Appendf(nil, `{"id":"e%d","timestamp":%q,"source":"agent","kind":"MessageEvent","llm_message":{"role":"assistant","content":[{"type":"text","text":%q}]}}`,
			n, time.Now().UTC().Format("2006-01-02T15:04:05.000000"), text)
	}
	for _, private := range []bool{false, true} {
		inRoom(t, func(r *watchRoom) {
			r.agents = []string{"openhands"}
			dir, conversation := filepath.Join(r.home, "app"), filepath.Join(r.home, ".openhands", "conversations", id)
			if private {
				r.writes(filepath.Join(dir, ignoreMark))
			}
			r.rewrites(filepath.Join(conversation, "base_state.json"), state(dir, 0.25))
			r.rewrites(filepath.Join(conversation, "events", "event-00000-a.json"), says(0, "one"))
			r.watch(func() {
				aMoment()
				r.rewrites(filepath.Join(conversation, "events", "event-00001-b.json"), says(1, "two"))
				r.rewrites(filepath.Join(conversation, "base_state.json"), state(dir, 0.5))
				aRest()
			})
			const task = "openhands-01234567-89ab-cdef-0123-456789abcdef"
			if private {
				if got := r.listed(); len(got) > 0 {
					t.Errorf("%q are recorded", got)
				}
				return
			}
			s := r.want(task, "one | two")
			got, err := r.client.Task(r.Context(), task)
			if err != nil || got.Project != "app" || got.Totals.USD != 0.5 || got.Totals.OutputTokens != 7 || s[0].Status != "succeeded" || s[0].Cwd != dir {
				t.Errorf("the task is %+v, its session %+v, %v", got, s, err)
			}
		})
	}
}

// A subagent of Kimi Code has a file of its own: it is a task below the task of its caller.
func TestASubagentOfKimiCodeIsAChildTask(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		r.agents = []string{"kimi-code"}
		time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
		of := func(agent, text string) agentsTranscript {
			return agentsTranscript{path: ".kimi-code/sessions/wd_app_0abc/1/agents/" + agent + "/wire.jsonl", text: text,
				beside: map[string]string{".kimi-code/sessions/wd_app_0abc/1/state.json": `{"workDir":"$DIR"}`}}
		}
		r.keeps(of("main", "inputs/kimi-code-wire.jsonl"), "/srv/app")
		r.keeps(of("agent-7", "inputs/kimi-code-wire.jsonl"), "/srv/app")
		r.watch(aRest)
		parent := transcript.TaskOf("Kimi Code", "1")
		for task, of := range map[string]string{parent: "", transcript.TaskOf("Kimi Code", "1-agent-7"): parent} {
			got, err := r.client.Task(r.Context(), task)
			if err != nil || got.Parent != of || got.Project != "app" || got.Sessions != 1 {
				t.Errorf("the task is %+v, %v", got, err)
			}
		}
		if all := r.listed(); len(all) != 2 {
			t.Errorf("the tasks are %q", all)
		}
	})
}
