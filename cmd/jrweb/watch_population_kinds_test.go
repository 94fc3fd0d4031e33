package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// form is how an agent keeps a run.
type form int

const (
	inLines    form = iota // a file to which lines are added
	inDocument             // a file that is one JSON document, rewritten each time
	inFiles                // a folder with a file for each line
	inDatabase             // rows, a message each
)

// runKind is how an agent keeps its runs, and what it leaves of them.
type runKind struct {
	agent string
	form
	// place is where a run is below the home directory, and moved is where it may be as well.
	// Of a run in a database place is the database, and of one in files their folder.
	place, moved string
	// texts are of this package's tests or of package transcript's; thread is what the runs
	// in them are called, if it is not a UUID.
	texts  []string
	thread string
}

// realTexts are what a real agent left of runs of one file.
func realTexts(agent string) (names []string) {
	for _, scenario := range []string{"failing-command", "edit", "parallel", "words", "api-error", "sigkill-call"} {
		names = append(names, filepath.Join("real", agent, scenario+".disk.jsonl"))
	}
	return names
}

// runKinds are all that jrweb watch reads. In their places $P is a number below 50, $ID the thread,
// $SHORT its beginning, $DAY and $STAMP when the run ended.
var runKinds = []runKind{
	{agent: "claude", place: ".claude/projects/-p$P/$ID.jsonl", moved: ".claude/projects/moved/$ID.jsonl", texts: realTexts("claude-2.1.332")},
	{agent: "codex", place: ".codex/sessions/$DAY/rollout-$STAMP-$ID.jsonl", moved: ".codex/archived_sessions/rollout-$STAMP-$ID.jsonl", texts: realTexts("codex-0.171.0")},
	{agent: "gemini", place: ".gemini/tmp/p$P/chats/session-$STAMP-$SHORT.jsonl", moved: ".gemini/tmp/moved/chats/session-$STAMP-$SHORT.jsonl", texts: realTexts("gemini-0.61.0")},
	{agent: "pi", place: ".pi/agent/sessions/--p$P--/$STAMP_$ID.jsonl", moved: ".pi/agent/sessions/moved/$STAMP_$ID.jsonl", texts: realTexts("pi-0.73.1")},
	{agent: "qwen", place: ".qwen/projects/p$P/chats/$ID.jsonl", moved: ".qwen/projects/moved/chats/$ID.jsonl", texts: realTexts("qwen-0.24.4")},
	{agent: "opencode", form: inDatabase, place: ".local/share/opencode/opencode.db", texts: []string{"opencode-export.jsonl"}, thread: "ses_e"},
	{agent: "amp", form: inDocument, place: ".local/share/amp/threads/$ID.json", moved: ".local/share/amp/threads/moved/$ID.json", texts: []string{"amp-thread.jsonl"}, thread: "T-1"},
	{agent: "cline", form: inDocument, place: ".cline/data/tasks/$ID/ui_messages.json", moved: ".cline/data/moved/tasks/$ID/ui_messages.json", texts: []string{"cline.jsonl"}},
	{agent: "copilot", place: ".copilot/session-state/$ID/events.jsonl", moved: ".copilot/session-state/moved/$ID/events.jsonl", texts: []string{"copilot.jsonl"}, thread: "cp-1"},
	{agent: "crush", form: inDatabase, place: "src/app/.crush/crush.db", texts: []string{"crush-database.jsonl"}, thread: "c-1"},
	{agent: "droid", place: ".factory/sessions/-p$P/$ID.jsonl", moved: ".factory/sessions/moved/$ID.jsonl", texts: []string{"droid.jsonl"}, thread: "d-1"},
	{agent: "goose", place: ".local/share/goose/sessions/$ID.jsonl", moved: ".local/share/goose/sessions/moved/$ID.jsonl", texts: []string{"goose.jsonl"}, thread: "20260901_1"},
	{agent: "kimi", place: ".kimi/sessions/$P/$ID/wire.jsonl", moved: ".kimi/sessions/moved/$ID/wire.jsonl", texts: []string{"inputs/kimi-wire.jsonl"}},
	{agent: "kimi-code", place: ".kimi-code/sessions/wd_p$P/$ID/agents/main/wire.jsonl", moved: ".kimi-code/sessions/moved/$ID/agents/main/wire.jsonl", texts: []string{"inputs/kimi-code-wire.jsonl"}},
	{agent: "openhands", form: inFiles, place: ".openhands/conversations/$ID/events", moved: ".openhands/conversations/moved/$ID/events", texts: []string{"openhands.jsonl"}, thread: "conv-1"},
	{agent: "goose", form: inDatabase, place: ".local/share/goose/sessions/sessions.db", texts: []string{"goose-database.jsonl"}, thread: "20260902_1"},
	{agent: "gemini", form: inDocument, place: ".gemini/tmp/p$P/chats/session-$STAMP-$ID.json", moved: ".gemini/tmp/moved/chats/session-$STAMP-$ID.json", texts: []string{"inputs/gemini-chat.json"}, thread: "7c1e"},
	{agent: "cline", form: inDocument, place: ".cline/data/tasks/$ID/api_conversation_history.json", moved: ".cline/data/moved/tasks/$ID/api_conversation_history.json", texts: []string{"inputs/cline-api_conversation_history.json"}},
	{agent: "kimi", place: ".kimi/sessions/$P/$ID/context.jsonl", moved: ".kimi/sessions/moved/$ID/context.jsonl", texts: []string{"inputs/kimi-context.jsonl"}},
}

// templates are the texts of a kind of runs.
func (kind *runKind) templates(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, name := range kind.texts {
		for _, folder := range []string{"testdata", filepath.Join("..", "..", "eventlog", "transcript", "testdata")} {
			text, err := os.ReadFile(filepath.Join(folder, name))
			if os.IsNotExist(err) {
				continue // not each agent was in each scenario
			}
			if err != nil {
				t.Fatal(err)
			}
			if kind.form == inDocument && strings.HasSuffix(name, ".jsonl") && kind.agent == "cline" {
				text = arrayOf(text)
			}
			all = append(all, text)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no transcripts", kind.agent)
	}
	return all
}

// arrayOf makes an array of the values in lines.
func arrayOf(lines []byte) []byte {
	var values [][]byte
	for line := range bytes.Lines(lines) {
		if json.Valid(line) {
			values = append(values, bytes.TrimSpace(line))
		}
	}
	return append(append([]byte("["), bytes.Join(values, []byte(",\n"))...), ']')
}

// run makes a run of the kind that ended at a time.
func (kind *runKind) run(t testing.TB, home string, text []byte, number int, end time.Time) *kept {
	t.Helper()
	text = another(text, number, end)
	id := string(uuids.Find(text))
	if kind.thread != "" {
		id = fmt.Sprintf("%s%06d", kind.thread, number)
		text = bytes.ReplaceAll(text, fmt.Appendf(nil, "%q", kind.thread), fmt.Appendf(nil, "%q", id))
	} else if id == "" {
		id = fmt.Sprintf("run-%d", number)
	}
	if kind.form == inDatabase {
		text = bytes.ReplaceAll(text, []byte("/srv/app"), []byte(filepath.Join(home, "src", "app")))
	}
	if kind.agent == "opencode" {
		var err error
		if text, err = withParts(text, id); err != nil {
			t.Fatal(err)
		}
	}
	k := &kept{runKind: kind, text: text, thread: id, home: home, end: end}
	at := end.UTC()
	k.names = strings.NewReplacer("$P", fmt.Sprint(number%50), "$ID", id, "$SHORT", id[:min(8, len(id))],
		"$DAY", at.Format("2006/01/02"), "$STAMP", at.Format("2006-01-02T15-04-05"))
	k.path = k.at(kind.place)
	k.introduce(t)
	return k
}

// at is a place of the run.
func (k *kept) at(place string) string { return filepath.Join(k.home, k.names.Replace(place)) }

// states are what there is of a document or a thread as it grows, a message at a time.
func (k *kept) states() (all [][]byte, err error) {
	if k.form == inFiles || k.agent == "goose" || k.agent == "crush" {
		var lines []byte
		for line := range bytes.Lines(k.text) {
			lines = append(lines, line...)
			all = append(all, bytes.Clone(lines))
		}
		return all, nil
	}
	var messages []json.RawMessage
	document := map[string]json.RawMessage{}
	if json.Unmarshal(k.text, &messages) != nil {
		if err := json.Unmarshal(k.text, &document); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(document["messages"], &messages); err != nil {
			return nil, err
		}
	}
	for n := 1; n < len(messages); n++ {
		state, err := json.Marshal(messages[:n])
		if len(document) > 0 && err == nil {
			document["messages"] = state
			state, err = json.Marshal(document)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, state)
	}
	return append(all, k.text), nil
}

// put writes a state of a document, or of a folder of files, as agents do: at once.
func (k *kept) put(state []byte) error {
	if k.form != inFiles {
		return replaceFile(k.path, state)
	}
	n := 0
	for line := range bytes.Lines(state) {
		path := filepath.Join(k.path, fmt.Sprintf("event-%05d-x.json", n))
		n++
		if now, err := os.ReadFile(path); err == nil && bytes.Equal(now, line) {
			continue
		}
		if err := replaceFile(path, line); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a file at once.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// files are those of a run that is in no database.
func (k *kept) files(t testing.TB) []string {
	t.Helper()
	if k.form != inFiles {
		return []string{k.path}
	}
	all, err := filepath.Glob(filepath.Join(k.path, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
