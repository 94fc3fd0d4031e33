package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

func readInput(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(inputsFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// firstLines are the first so many lines of a text.
func firstLines(text []byte, n int) []byte {
	end := 0
	for range n {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sent is what import makes of bundles, in this process.
func (m *inMemory) imports(task string, names ...string) (said []string) {
	m.Helper()
	said, err := m.tryImport(task, names...)
	if err != nil {
		m.Fatal(err)
	}
	return said
}

func (m *inMemory) tryImport(task string, names ...string) (said []string, err error) {
	m.Helper()
	bundles, err := gather(names)
	if err != nil {
		return nil, err
	}
	i := &importer{server: m.client, bar: newProgressBar(io.Discard, "")}
	var runs []*oldRun
	for _, b := range bundles {
		r, err := scan(b, task, transcript.Auto, nil)
		if errors.Is(err, errNoTranscript) {
			continue
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	for _, r := range runs {
		text, err := i.run(m.Context(), r)
		if err != nil {
			return said, err
		}
		said = append(said, text)
	}
	return said, nil
}

// types are the types of a session's events.
func types(events []client.Event) string {
	var all []string
	for _, e := range events {
		if e.Type != eventlog.TypeSession {
			all = append(all, e.Type)
		}
	}
	return strings.Join(all, " ")
}

func TestAFileThatHasGrownTakesThePlaceOfWhatWasImported(t *testing.T) {
	dir := t.TempDir()
	text := readInput(t, "claude-disk-queued-message.jsonl")
	synctest.Test(t, func(t *testing.T) {
		m := newInMemory(t, dir)
		path := filepath.Join(dir, "a.jsonl")
		for _, lines := range []int{1, 2, 4, 7} {
			write(t, path, firstLines(text, lines))
			m.imports("t-1", path)
			if l := readTask(t, m.client, "t-1"); len(l.sessions) != 1 {
				t.Fatalf("after %d lines there are %d sessions", lines, len(l.sessions))
			}
		}
		settle()
		l := readTask(t, m.client, "t-1")
		if s := l.sessions[0]; s.Totals.InputTokens != 20 || s.Totals.OutputTokens != 10 {
			t.Errorf("totals %+v", s.Totals)
		}
		// In the middle of a line, and as an older copy, and under another name.
		write(t, path, text[:len(text)-100])
		m.imports("t-1", path)
		m.imports("t-1", write(t, filepath.Join(dir, "b.jsonl"), text))
		if again := readTask(t, m.client, "t-1"); len(again.sessions) != 1 || again.sessions[0].ID != l.sessions[0].ID {
			t.Errorf("%d sessions", len(again.sessions))
		}
	})
}

// A file that ends in half a line is imported with what there is of it, and again when the line
// is whole.
func TestHalfALineIsReplacedByTheWholeOne(t *testing.T) {
	for _, name := range []string{"claude-disk-queued-message.jsonl", "gemini-glued-warning.jsonl", "codex-exec-first.jsonl"} {
		t.Run(name, func(t *testing.T) {
			m := newInMemory(t, t.TempDir())
			text := readInput(t, name)
			path := filepath.Join(t.TempDir(), "a.jsonl")
			for _, cut := range []int{400, 100, 1, 0} {
				if cut >= len(text) {
					continue
				}
				write(t, path, text[:len(text)-cut])
				m.imports("t-1", path)
			}
			m.imports("t-2", path)
			got, want := readTask(t, m.client, "t-1"), readTask(t, m.client, "t-2")
			if len(got.sessions) != 1 || types(got.events[0]) != types(want.events[0]) {
				t.Errorf("%d sessions, %s, want %s", len(got.sessions), types(got.events[0]), types(want.events[0]))
			}
		})
	}
}

// Whatever prints text can grow as well, and has no id to be known by.
func TestTextThatHasGrownIsKnownByItsBeginning(t *testing.T) {
	m := newInMemory(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "log")
	for _, text := range []string{"one\n", "one\ntwo\n", "one\ntwo\n" + strings.Repeat("three\n", 20_000)} {
		write(t, path, []byte(text))
		m.imports("t-1", path)
		m.imports("t-1", path)
	}
	m.imports("t-1", write(t, path, []byte("another\n")))
	l := readTask(t, m.client, "t-1")
	if len(l.sessions) != 2 || l.sessions[0].Head < 4 || l.sessions[1].Head != 2 {
		t.Errorf("%d sessions: %+v", len(l.sessions), l.sessions)
	}
}

// failing fails requests of a method.
type failing struct {
	next   http.RoundTripper
	method string
	after  int // so many that are carried out
}

func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == f.method {
		if f.after--; f.after < 0 {
			return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
		}
	}
	return f.next.RoundTrip(r)
}

func (m *inMemory) breaking(method string, after int) *inMemory {
	m.Helper()
	return m.with(&failing{m.transport, method, after})
}

func (m *inMemory) with(transport http.RoundTripper) *inMemory {
	m.Helper()
	c, err := client.New("http://localhost", &client.Options{Transport: transport})
	if err != nil {
		m.Fatal(err)
	}
	other := *m
	other.transport, other.client = transport, c
	return &other
}

// breakingDelete refuses deletions as well.
func (m *inMemory) breakingDelete() *inMemory {
	m.Helper()
	return m.with(&failing{m.transport, http.MethodDelete, 0})
}

// Nothing is deleted before the new session is sealed; if the deletion does not come
// about, the next import makes up for it.
func TestAnImportThatIsBrokenOffBeforeItDeletesIsMended(t *testing.T) {
	dir := t.TempDir()
	text := readInput(t, "claude-disk-queued-message.jsonl")
	synctest.Test(t, func(t *testing.T) {
		m := newInMemory(t, dir)
		path := filepath.Join(dir, "a.jsonl")
		write(t, path, firstLines(text, 4))
		m.imports("t-1", path)
		write(t, path, text)
		if _, err := m.breaking(http.MethodDelete, 0).tryImport("t-1", path); err == nil {
			t.Fatal("no error")
		}
		if l := readTask(t, m.client, "t-1"); len(l.sessions) != 2 || !l.sessions[1].Sealed() {
			t.Fatalf("%+v", l.sessions)
		}
		m.imports("t-1", path)
		settle()
		if l := readTask(t, m.client, "t-1"); len(l.sessions) != 1 || l.Totals.InputTokens != 20 || l.Status != eventlog.Succeeded {
			t.Errorf("%d sessions, %+v, %s", len(l.sessions), l.Totals, l.Status)
		}
	})
}

// settle waits, in a bubble, until what was deleted is gone.
func settle() { time.Sleep(time.Minute) }

// An import that dies among its events goes on at once, or starts again when the file has grown
// and the session has ended by itself.
func TestAnImportThatDiesIsGoneOnWith(t *testing.T) {
	dir := t.TempDir()
	text := bytes.Repeat(firstLines(readInput(t, "codex-exec-first.jsonl"), 1), 1)
	for n := range 2500 {
		text = fmt.Appendf(text, `{"type":"item.completed","item":{"id":"item_%d","type":"agent_message","text":"%d"}}`+"\n", n, n)
	}
	synctest.Test(t, func(t *testing.T) {
		m := newInMemory(t, dir)
		path := write(t, filepath.Join(dir, "a.jsonl"), text)
		die := func() {
			t.Helper()
			// The start and one batch are carried out. That the rest is refused is not
			// undone by a process that is dead.
			if _, err := m.breaking(http.MethodPost, 2).breakingDelete().tryImport("t-1", path); err == nil {
				t.Fatal("no error")
			}
			if l := readTask(t, m.client, "t-1"); l.sessions[len(l.sessions)-1].Sealed() {
				t.Fatal("it is sealed")
			}
		}
		die()
		m.imports("t-1", path)
		l := readTask(t, m.client, "t-1")
		if len(l.sessions) != 1 || l.sessions[0].Head != 2502 || !l.sessions[0].Sealed() {
			t.Fatalf("%+v", l.sessions)
		}
		text = fmt.Appendf(text, `{"type":"item.completed","item":{"id":"item_x","type":"agent_message","text":"more"}}`+"\n")
		write(t, path, text)
		die()
		text = fmt.Appendf(text, `{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}`+"\n")
		write(t, path, text)
		if _, err := m.tryImport("t-1", path); err == nil || !strings.Contains(err.Error(), "is open, and has the same run") {
			t.Errorf("while the other one is open: %v", err)
		}
		time.Sleep(2 * importLease)
		m.imports("t-1", path)
		if l := readTask(t, m.client, "t-1"); len(l.sessions) != 1 || l.sessions[0].Status != eventlog.Succeeded {
			t.Errorf("%+v", l.sessions)
		}
	})
}

// subagents writes the run with a subagent into a folder, as Claude Code does.
func subagents(t *testing.T) (dir, main, agent string) {
	t.Helper()
	const session = "11111111-2222-4333-8444-555555555555"
	dir = filepath.Join(t.TempDir(), "project")
	from := filepath.Join(inputsFolder, "claude-disk-subagents")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Glob(filepath.Join(dir, "*.golden"))
	more, err2 := filepath.Glob(filepath.Join(dir, session, "subagents", "*.golden"))
	for _, path := range append(golden, more...) {
		err = errors.Join(err, os.Remove(path))
	}
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, session+".jsonl"), filepath.Join(dir, session, "subagents", "agent-ab12cd34.jsonl")
}

func TestARunWithSubagentsIsOneSessionHoweverItIsGiven(t *testing.T) {
	dir, main, agent := subagents(t)
	meta := strings.TrimSuffix(agent, ".jsonl") + ".meta.json"
	for name, imports := range map[string][][]string{
		"the session":       {{main}},
		"the folder":        {{dir}},
		"its own folder":    {{filepath.Join(dir, strings.TrimSuffix(filepath.Base(main), ".jsonl"))}},
		"all files":         {{main, agent, meta}},
		"the other way":     {{meta, agent, main}},
		"the subagent":      {{agent}},
		"one by one":        {{agent}, {main}, {meta, agent}},
		"again and again":   {{dir}, {main}, {dir, agent}},
		"with its main old": {},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m := newInMemory(t, tmp)
				if len(imports) == 0 {
					// Before the folder of the subagent was there, and only then with it.
					alone := write(t, filepath.Join(tmp, filepath.Base(main)), readFileOf(t, main))
					m.imports("t-1", alone)
					imports = [][]string{{dir}}
				}
				for _, names := range imports {
					m.imports("t-1", names...)
				}
				settle()
				l := readTask(t, m.client, "t-1")
				if len(l.sessions) != 1 {
					t.Fatalf("there are %d sessions", len(l.sessions))
				}
				if got := types(l.events[0]); got != "user assistant tool_call cost user tool_call cost tool_result assistant cost tool_result assistant cost complete" {
					t.Errorf("events: %s", got)
				}
				for _, e := range l.events[0] {
					inside := strings.Contains(string(e.Data), `"parent_call_id":"t1"`)
					ofAgent := e.Time.UTC().Format("05") >= "06" && e.Time.UTC().Format("05") <= "35" && e.Type != eventlog.TypeSession
					if inside != ofAgent {
						t.Errorf("%s %s of %s: inside of the call: %v", e.Type, e.Data, e.Time, inside)
					}
				}
				if l.Title != "How many tests are there?" || l.Status != eventlog.Succeeded || l.Totals.InputTokens != 40 || l.Totals.OutputTokens != 20 {
					t.Errorf("%q, %s, %+v", l.Title, l.Status, l.Totals)
				}
			})
		})
	}
}

func readFileOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAFolderOfEventsIsOneRun(t *testing.T) {
	m := newInMemory(t, t.TempDir())
	dir := filepath.Join(t.TempDir(), "conversation")
	event := func(n int, rest string) {
		write(t, filepath.Join(dir, "events", fmt.Sprintf("event-%05d-abc%d.json", n, n)),
			fmt.Appendf(nil, "{\n  \"id\": \"o%d\",\n  \"timestamp\": \"2026-09-01T10:00:%02d\",\n  %s\n}", n, n, rest))
	}
	for n := range 12 {
		event(n, fmt.Sprintf(`"kind": "MessageEvent", "source": "agent", "llm_message": {"role": "assistant", "content": [{"type": "text", "text": "word %d"}]}`, n))
	}
	write(t, filepath.Join(dir, "base_state.json"), []byte(`{"agent": {"kind": "Agent"}, "id": "x"}`))
	m.imports("t-1", dir)
	event(12, `"kind": "MessageEvent", "source": "user", "llm_message": {"role": "user", "content": [{"type": "text", "text": "Thanks"}]}`)
	m.imports("t-1", dir)
	m.imports("t-1", filepath.Join(dir, "events", "event-00003-abc3.json"))
	l := readTask(t, m.client, "t-1")
	if len(l.sessions) != 1 {
		t.Fatalf("there are %d sessions", len(l.sessions))
	}
	n := 0
	for _, e := range l.events[0] {
		if e.Type == eventlog.TypeAssistant {
			if !strings.Contains(string(e.Data), fmt.Sprintf("word %d", n)) {
				t.Errorf("event %d: %s", n, e.Data)
			}
			n++
		}
	}
	if n != 12 || !strings.Contains(string(l.events[0][len(l.events[0])-2].Data), "Thanks") {
		t.Errorf("%d words, %s", n, types(l.events[0]))
	}
}

// A folder has what it has: what no agent wrote is left out, and the oldest run comes first.
func TestOfAFolderTranscriptsAreTakenTheOldestFirst(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.jsonl"), bytes.ReplaceAll(readInput(t, "codex-rollout-unfinished.jsonl"), []byte("2026-09-01"), []byte("2026-09-03")))
	write(t, filepath.Join(dir, "b", "c.jsonl.gz"), packed(t, readInput(t, "gemini-glued-warning.jsonl")))
	write(t, filepath.Join(dir, "b", "z.jsonl"), bytes.ReplaceAll(readInput(t, "copilot-shutdown-error.jsonl"), []byte("2026-09-01"), []byte("2026-09-02")))
	write(t, filepath.Join(dir, "README.md"), []byte("# Notes\n"))
	write(t, filepath.Join(dir, "x.png"), []byte("\x89PNG\r\n\x1a\n\x00"))
	write(t, filepath.Join(dir, "config.json"), []byte(`{"a": 1}`))
	write(t, filepath.Join(dir, ".git", "session.jsonl"), readInput(t, "codex-exec-first.jsonl"))
	out, errs, code := w.jrweb("import", "-task", "t-1", dir)
	if code != 0 || !strings.Contains(errs, "3 files left out") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	var ids []string
	for _, s := range readTask(t, w.client, "t-1").sessions {
		ids = append(ids, s.ExternalID)
	}
	if want := []string{"g9", "cop1", "019c0000-0000-7000-8000-00000000000a"}; !slices.Equal(ids, want) {
		t.Errorf("sessions %q, want %q", ids, want)
	}
	// A folder without any is an error.
	none := filepath.Dir(write(t, filepath.Join(t.TempDir(), "README.md"), []byte("hm\n")))
	if _, errs, code := w.jrweb("import", "-task", "t-2", none); code != exitFailed || !strings.Contains(errs, "none of the 1 file") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsNoTranscriptIsRefusedAndNothingIsRecorded(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	good := write(t, filepath.Join(dir, "good.jsonl"), readInput(t, "codex-exec-first.jsonl"))
	archive := packed(t, bytes.Repeat(readInput(t, "codex-rollout-parent.jsonl"), 50))
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"x.png":        {[]byte("\x89PNG\r\n\x1a\n\x00"), "x.png is a PNG picture, not a transcript"},
		"cut.jsonl.gz": {archive[:len(archive)/2], "cut.jsonl.gz is cut off or damaged"},
		"s.db":         {[]byte("SQLite format 3\x00"), "s.db is an SQLite database, not a transcript"},
		"zeros":        {make([]byte, 100), "zeros is binary data, not a transcript"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(dir, name), c.content)
			out, errs, code := w.jrweb("import", "-task", "t-1", good, path)
			if code != exitFailed || !strings.Contains(errs, c.says) || !strings.Contains(errs, "nothing was imported") || out != "" || strings.Count(errs, "\n") != 1 {
				t.Errorf("it says %q, %q", errs, out)
			}
			if _, err := w.client.Task(t.Context(), "t-1"); !hasStatus(err, http.StatusNotFound) {
				t.Errorf("the task is there: %v", err)
			}
		})
	}
	if _, errs, code := w.jrweb("import", "-follow", "-task", "t-1", dir); code != exitUsage || !strings.Contains(errs, "-follow needs one file") {
		t.Errorf("a folder: exit code %d, %s", code, errs)
	}
	path := write(t, filepath.Join(dir, "whole.gz"), archive)
	_, errs, code := w.jrweb("import", "-follow", "-task", "t-1", path)
	if code != exitFailed || !strings.Contains(errs, "import it without -follow") {
		t.Errorf("it says %q", errs)
	}
}

// What a live recording has in another form is not recorded again; what came before it
// and after it is.
func TestWhatLiesWithinALiveRecordingIsNotRecordedAgain(t *testing.T) {
	m := newInMemory(t, t.TempDir())
	const thread = "019c0000-0000-7000-8000-0000000000dd"
	at := func(second int) time.Time { return time.Date(2026, 9, 1, 10, 0, second, 0, time.UTC) }
	line := func(second int, kind, payload string) string {
		return fmt.Sprintf(`{"timestamp":%q,"type":%q,"payload":%s}`+"\n", at(second).Format(eventlog.TimeFormat), kind, payload)
	}
	said := func(second int, text string) string {
		return line(second, "response_item", fmt.Sprintf(`{"type":"message","role":"user","content":[{"type":"input_text","text":%q}]}`, "ask "+text)) +
			line(second, "event_msg", fmt.Sprintf(`{"type":"user_message","message":%q,"images":[]}`, "ask "+text)) +
			line(second+1, "response_item", fmt.Sprintf(`{"type":"message","role":"assistant","content":[{"type":"output_text","text":%q}]}`, text)) +
			line(second+1, "event_msg", fmt.Sprintf(`{"type":"agent_message","message":%q}`, text)) +
			line(second+1, "event_msg", `{"type":"task_complete","turn_id":"t"}`)
	}
	head := line(0, "session_meta", fmt.Sprintf(`{"id":%q,"timestamp":"2026-09-01T10:00:00.000Z","cwd":"/srv/app","originator":"codex_cli_rs","cli_version":"0.146.0"}`, thread))

	live, err := m.client.Start(t.Context(), "t-1", client.Start{Agent: "Codex", ExternalID: thread, Started: at(10)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.client.Append(t.Context(), "t-1", client.Append{Session: live.ID, Body: []byte(
		`{"type":"assistant","time":"2026-09-01T10:00:12Z","data":{"content":"live"}}` + "\n" +
			`{"type":"complete","time":"2026-09-01T10:00:15Z","data":{"status":"succeeded"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rollout.jsonl")
	texts := func() (all []string) {
		for _, events := range readTask(t, m.client, "t-1").events {
			var text []string
			for _, e := range events {
				if e.Type == eventlog.TypeAssistant {
					text = append(text, string(e.Data))
				}
			}
			all = append(all, strings.Join(text, " "))
		}
		return all
	}
	check := func(want ...string) {
		t.Helper()
		if got := texts(); !slices.Equal(got, want) {
			t.Errorf("sessions say %q, want %q", got, want)
		}
	}
	write(t, path, []byte(head+said(11, "live")))
	m.imports("t-1", path)
	check(`{"content":"live"}`)
	write(t, path, []byte(head+said(1, "before")+said(11, "live")))
	m.imports("t-1", path)
	check(`{"content":"live"}`, `{"content":"before"}`)
	write(t, path, []byte(head+said(1, "before")+said(11, "live")+said(20, "after")))
	m.imports("t-1", path)
	m.imports("t-1", path)
	check(`{"content":"live"}`, `{"content":"before"}`, `{"content":"after"}`)
	l := readTask(t, m.client, "t-1")
	if s := l.sessions[2]; !s.Started.Equal(at(20)) || !s.Ended.Equal(at(21)) || s.Status != eventlog.Succeeded {
		t.Errorf("what came after: %+v", s)
	}
}

// Import and -follow may take turns, in any order: each event is there once.
func TestImportAndFollowTakeTurns(t *testing.T) {
	text := readInput(t, "claude-disk-queued-message.jsonl")
	for name, turns := range map[string]string{
		"import, follow":                 "if",
		"follow, import":                 "fi",
		"import, follow, import":         "ifi",
		"import, follow, follow, import": "iffi",
		"follow, import, follow":         "fif",
		"follow, follow":                 "ff",
		"all kinds":                      "ifififi",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				m := newInMemory(t, dir)
				path := filepath.Join(dir, "a.jsonl")
				for n, turn := range turns {
					lines := firstLines(text, 7*(n+1)/len(turns))
					if turn == 'f' {
						if n == 0 {
							write(t, path, nil)
						}
						m.follow("t-1", path, func() { grow(t, path, lines[len(readFileOf(t, path)):]) })
						m.follow("t-1", path, func() {}) // and nothing comes
						continue
					}
					write(t, path, lines)
					if n > 0 && turns[n-1] == 'f' {
						m.finish("t-1", path)
					} else {
						m.imports("t-1", path)
					}
					m.imports("t-1", path)
				}
				if turns[len(turns)-1] == 'f' {
					m.finish("t-1", path)
				}
				settle()
				whole := newInMemory(t, dir)
				whole.imports("t-1", path)
				got, want := readTask(t, m.client, "t-1"), readTask(t, whole.client, "t-1")
				var all []string
				for _, events := range got.events {
					all = append(all, types(events[:len(events)-1]))
				}
				if have := strings.Join(all, " ") + " complete"; strings.Join(strings.Fields(have), " ") != types(want.events[0]) {
					t.Errorf("%d sessions have\n%s, want\n%s", len(got.sessions), have, types(want.events[0]))
				}
				if got.Totals.InputTokens != 20 || got.Status != eventlog.Succeeded || got.Title != "Rename the module" {
					t.Errorf("%+v, %s, %q", got.Totals, got.Status, got.Title)
				}
			})
		})
	}
}

// A subagent's file comes while the run is followed, and what it says is nested at once.
func TestSubagentsAreFollowedAsWell(t *testing.T) {
	_, main, agent := subagents(t)
	mainText, agentText := readFileOf(t, main), readFileOf(t, agent)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := newInMemory(t, dir)
		path := write(t, filepath.Join(dir, filepath.Base(main)), nil)
		beside := filepath.Join(dir, strings.TrimSuffix(filepath.Base(main), ".jsonl"), "subagents", "agent-ab12cd34.jsonl")
		m.follow("t-1", path, func() {
			grow(t, path, firstLines(mainText, 2))
			write(t, beside, nil)
			grow(t, beside, firstLines(agentText, 2))
		})
		m.follow("t-1", path, func() { // a new process, which knows nothing
			grow(t, beside, agentText[len(firstLines(agentText, 2)):])
			grow(t, path, mainText[len(firstLines(mainText, 2)):])
		})
		m.finish("t-1", path)
		l := readTask(t, m.client, "t-1")
		if len(l.sessions) != 1 {
			t.Fatalf("there are %d sessions", len(l.sessions))
		}
		if got := types(l.events[0]); got != "user assistant tool_call cost user tool_call cost tool_result assistant cost tool_result assistant cost complete" {
			t.Errorf("events: %s", got)
		}
		nested := 0
		for _, e := range l.events[0] {
			if strings.Contains(string(e.Data), `"parent_call_id":"t1"`) {
				nested++
			}
		}
		if nested != 6 || l.Status != eventlog.Succeeded {
			t.Errorf("%d events are nested; %s", nested, l.Status)
		}
		if said := m.imports("t-1", path); !strings.Contains(said[0], "already") {
			t.Errorf("an import afterwards says %q", said)
		}
	})
}

// Another recorder of the same run is not disturbed.
func TestARunThatIsBeingRecordedIsRefused(t *testing.T) {
	m := newInMemory(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "a.jsonl")
	write(t, path, readInput(t, "codex-rollout-parent.jsonl"))
	open, err := m.client.Start(t.Context(), "t-1", client.Start{Agent: "Codex", ExternalID: "019c0000-0000-7000-8000-0000000000aa"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.tryImport("t-1", path); err == nil || !strings.Contains(err.Error(), open.ID.String()) {
		t.Errorf("import: %v", err)
	}
	if err := m.follower("t-1", path).follow(t.Context()); err == nil || !strings.Contains(err.Error(), open.ID.String()) {
		t.Errorf("follow: %v", err)
	}
	if l := readTask(t, m.client, "t-1"); len(l.sessions) != 1 || l.sessions[0].Sealed() {
		t.Errorf("%+v", l.sessions)
	}
}

func TestTitlesThatAPersonGivesStay(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(inputsFolder, "claude-disk-titles.jsonl")
	w.does("import", "-task", "t-1", "-title", "Mine", path)
	w.does("import", "-task", "t-1", path)
	w.does("run", "-task", "t-2", "-title", "Ours", "--", "cat", path)
	append := func(task, title string) {
		t.Helper()
		file := write(t, filepath.Join(t.TempDir(), "in"), []byte(`{"type":"thought","data":{"content":"hm"}}`+"\n"))
		w.does("run", "-task", "ignored", "--", "sh", "-c", fmt.Sprintf(`jrweb append -task %s -title %q <%s`, task, title, file))
	}
	append("t-3", "Theirs")
	for task, title := range map[string]string{"t-1": "Mine", "t-2": "Ours", "t-3": "Theirs"} {
		if got := readTask(t, w.client, task).Title; got != title {
			t.Errorf("%s is called %q", task, got)
		}
		if out := w.does("ls"); !strings.Contains(out, title) {
			t.Errorf("jrweb ls does not list %q:\n%s", title, out)
		}
	}
	_, errs, code := w.jrweb("import", "-task", "t-1", "-title", strings.Repeat("x", 1025), path)
	if code != exitUsage || !strings.Contains(errs, "at most 1024 bytes") {
		t.Errorf("it says %q", errs)
	}
}

// However the files of some runs are split, ordered, repeated and grown, and into
// whichever tasks they go, the log adds up to the same.
func TestTotalsAreTheSameHoweverFilesAreImported(t *testing.T) {
	_, main, agent := subagents(t)
	sources := map[string][]byte{
		"a/" + filepath.Base(main): readFileOf(t, main),
		"a/" + strings.TrimSuffix(filepath.Base(main), ".jsonl") + "/subagents/agent-ab12cd34.jsonl": readFileOf(t, agent),
	}
	for _, name := range []string{
		"claude-stream-times.jsonl", "codex-exec-first.jsonl", "codex-exec-resumed.jsonl", "codex-rollout-parent.jsonl",
		"codex-rollout-fork.jsonl", "codex-rollout-paginated.jsonl", "codex-rollout-fork-base.jsonl", "gemini-glued-warning.jsonl",
	} {
		sources["b/"+name] = readInput(t, name)
	}
	var names []string
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	totals := func(m *inMemory) (sum eventlog.Totals) {
		for task, err := range m.client.Tasks(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			sum.USD += task.Totals.USD
			sum.InputTokens += task.Totals.InputTokens
			sum.OutputTokens += task.Totals.OutputTokens
		}
		return sum
	}
	all := func(dir string) {
		for name, text := range sources {
			write(t, filepath.Join(dir, name), text)
		}
	}
	dirs := []string{t.TempDir()}
	for range 20 {
		dirs = append(dirs, t.TempDir())
	}
	synctest.Test(t, func(t *testing.T) {
		m, dir := newInMemory(t, dirs[0]), dirs[0]
		all(dir)
		m.imports("t-0", dir)
		want := totals(m)
		for seed, dir := range dirs[1:] {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			m := newInMemory(t, dir)
			var steps []string
			for range 1 + random.IntN(12) {
				name := names[random.IntN(len(names))]
				path := filepath.Join(dir, name)
				have, _ := os.ReadFile(path) // it may not be there
				lines := bytes.Count(have, []byte("\n"))
				write(t, path, firstLines(sources[name], lines+random.IntN(bytes.Count(sources[name], []byte("\n"))-lines+1)))
				task := fmt.Sprintf("t-%d", random.IntN(3))
				steps = append(steps, fmt.Sprintf("%s to %s up to line %d", name, task, bytes.Count(readFileOf(t, path), []byte("\n"))))
				if len(readFileOf(t, path)) > 0 {
					m.imports(task, path)
				}
			}
			all(dir)
			random.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
			for _, name := range names {
				m.imports(fmt.Sprintf("t-%d", random.IntN(3)), filepath.Join(dir, name))
			}
			settle()
			if got := totals(m); got != want {
				t.Errorf("seed %d: %+v, want %+v, after\n%s", seed, got, want, strings.Join(steps, "\n"))
			}
		}
	})
}
