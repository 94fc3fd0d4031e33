package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
)

// geminiChat writes the chat of a run with a subagent, as Gemini CLI does.
func geminiChat(t *testing.T) (chats, main, agent string) {
	t.Helper()
	const from = "../../eventlog/transcript/testdata/real/gemini-0.61.0/subagent.disk/.gemini/tmp/work/chats"
	chats = filepath.Join(t.TempDir(), "chats")
	if err := os.CopyFS(chats, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.golden", "*/*.golden"} {
		for _, path := range matching(chats, pattern) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	found, below := matching(chats, "*.jsonl"), matching(chats, "*/*.jsonl")
	if len(found) != 1 || len(below) != 1 {
		t.Fatalf("the fixture has %q and %q", found, below)
	}
	return chats, found[0], below[0]
}

// checkNested checks that a task is one session, in which what the subagent did is below
// its call.
func checkNested(t *testing.T, l *logged) {
	t.Helper()
	if len(l.sessions) != 1 {
		t.Fatalf("there are %d sessions", len(l.sessions))
	}
	said := map[string]bool{} // what was said, and whether that is below the call
	for _, e := range l.events[0] {
		below := strings.Contains(string(e.Data), `"parent_call_id":"invoke_agent__call_main_1_1"`)
		for _, text := range []string{"Ask a helper", "I ask a helper.", "I am the helper.", "exit 3", "The helper has found it."} {
			if e.Type != eventlog.TypeToolResult && strings.Contains(string(e.Data), text) {
				said[text] = below
			}
		}
	}
	for text, below := range map[string]bool{"Ask a helper": false, "I ask a helper.": false, "I am the helper.": true, "exit 3": true, "The helper has found it.": false} {
		if got, told := said[text]; !told || got != below {
			t.Errorf("%q is told: %t, below the call: %t, want %t", text, told, got, below)
		}
	}
	if l.Status != eventlog.Succeeded || l.Totals.InputTokens != 507 || l.Totals.OutputTokens != 241 {
		t.Errorf("it %s, with %+v", l.Status, l.Totals)
	}
}

func TestASubagentOfGeminiIsNestedHoweverItIsGiven(t *testing.T) {
	chats, main, agent := geminiChat(t)
	// A session that is resumed leaves a file more, which begins as the chat does.
	resumed := filepath.Join(chats, "session-2026-11-26T18-00-94d142db.jsonl")
	write(t, resumed, firstLines(readFileOf(t, main), 2))
	for name, imports := range map[string][][]string{
		"the chat":        {{main}},
		"the folder":      {{chats}},
		"the subagent":    {{agent}},
		"all files":       {{agent, main}},
		"again and again": {{agent}, {chats}, {main}},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m := newInMemory(t, tmp)
				for _, names := range imports {
					m.imports("t-1", names...)
				}
				settle()
				checkNested(t, readTask(t, m.client, "t-1"))
			})
		})
	}
}

// Gemini CLI names the call of a subagent when it has ended: until then nobody knows
// where what the subagent does belongs.
func TestASubagentOfGeminiIsFollowed(t *testing.T) {
	_, main, agent := geminiChat(t)
	mainText, agentText := readFileOf(t, main), readFileOf(t, agent)
	open := firstLines(mainText, 6) // up to the call
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newInMemory(t, dir)
		path := write(t, filepath.Join(dir, "chats", filepath.Base(main)), nil)
		below := filepath.Join(dir, "chats", filepath.Base(filepath.Dir(agent)), filepath.Base(agent))
		m.follow("t-1", path, func() {
			grow(t, path, open)
			write(t, below, nil)
			grow(t, below, firstLines(agentText, 3))
		})
		m.follow("t-1", path, func() { // a new process, which knows nothing
			grow(t, below, agentText[len(firstLines(agentText, 3)):])
			grow(t, path, mainText[len(open):])
		})
		m.finish("t-1", path)
		checkNested(t, readTask(t, m.client, "t-1"))
		if said := m.imports("t-1", path); !strings.Contains(said[0], "already") {
			t.Errorf("an import afterwards says %q", said)
		}
	})
}

// What a run printed counts its subagents. Their files count as parts of it.
func TestASubagentOfGeminiCountsOnceBesideWhatItsRunPrinted(t *testing.T) {
	chats, _, _ := geminiChat(t)
	printed, err := filepath.Abs("../../eventlog/transcript/testdata/real/gemini-0.61.0/subagent.stdout.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for range 2 {
		w.does("run", "-task", "t-1", "--", "cat", printed)
		w.does("import", "-task", "t-2", chats)
		input, output := 0, 0
		for _, task := range []string{"t-1", "t-2"} {
			l := readTask(t, w.client, task)
			input, output = input+int(l.Totals.InputTokens), output+int(l.Totals.OutputTokens)
		}
		if input != 507 || output != 241 {
			t.Errorf("it cost %d and %d", input, output)
		}
	}
}
