package page_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
)

var update = flag.Bool("update", false, "write what the tests got as what they want")

const newest = "06CJ0000000000000000000000"

// event is the event of a sequence, that many seconds after moment.
func event(sequence uint64, kind string, actor eventlog.Actor, data string) eventlog.Event {
	return eventlog.Event{
		Sequence: sequence, Type: kind, Actor: actor, Data: json.RawMessage(data),
		Time: moment.Add(time.Duration(sequence) * time.Second),
	}
}

func rendered(t testing.TB, e eventlog.Event) string {
	t.Helper()
	id, err := eventlog.ParseSessionID(newest)
	if err != nil {
		t.Fatal(err)
	}
	return string(page.Rows{Prices: price.Default()}.AppendEvent(nil, "t-1", id, &e, false))
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n(go test -update writes what it got)", file, got, want)
	}
}

// imagePart is a PNG of 2 × 3 pixels as it stands among the parts of an event.
const (
	imageHash = "29fc0e31125e00ffb67d2f4e89e4cbb29bbe084582b9e08d229f7852844bc46d"
	imageData = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR42mM4oaEBRAwoFABIvQaRYkFkLQAAAABJRU5ErkJggg=="
	imagePart = `{"type":"image","media_type":"image/png","bytes":73,"sha256":"` + imageHash + `","data":"` + imageData + `"}`
)

// rows are events of every type, and of every form that a type has.
var rows = []struct {
	name string
	kind string
	by   eventlog.Actor
	data string
}{
	{"assistant", "assistant", "agent", `{"content":"**Found it.** See [the docs](https://example.org/a?b=c&d) and ` + "`main.go`" + `:\n\n` + "```go\\nfunc main() { println(\\\"hi\\\") } // 1\\n```" + `\n\n- [x] one\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n"}`},
	{"assistant_in_json", "assistant", "agent", `{"content":"{\"outcome\":\"allow\",\"risk\":[1,null]}"}`},
	{"assistant_of_a_program", "assistant", "agent", `{"content":"--- FAIL: TestTotal\n    *cart.go*:12: \u001b[31mwant\u001b[0m 2\n# 50%\r# 100%","format":"text"}`},
	{"thought", "thought", "agent", `{"content":"First a test.\nThen *the fix*."}`},
	{"user", "user", "human", `{"content":"Please hurry"}`},
	{"user_of_the_agent", "user", "agent", `{"content":"You are a reviewer"}`},
	{"user_of_a_program", "user", "system", `{"content":"# Rules\n\nBe kind.","parts":[` + imagePart + `]}`},
	{"prompt_of_a_subagent", "user", "agent", `{"content":"Look at the files.","parent_call_id":"c1"}`},
	{"status_with_much", "status", "system", `{"content":"The conversation was compacted","compaction":{"trigger":"auto","before":190088,"after":2647,"kept":["40b45432-d28b-4052-b0b8-a07215dccce9","8b4a0f31-c29c-489b-a4ba-e1b1bb14e48d"]}}`},
	{"call_of_short_values", "tool_call", "agent", `{"tool":"set_state","args":{"status":"completed","taskId":"1"},"call_id":"c4"}`},
	{"call_that_changes_a_step", "tool_call", "agent", `{"tool":"TaskUpdate","args":{"taskId":"1","status":"in_progress","subject":"Look"},"call_id":"c4"}`},
	{"patch_without_lines", "tool_call", "agent", `{"tool":"apply_patch","args":{"changes":[{"path":"a.txt","kind":"update"},{"path":"b.txt","kind":"delete"}]},"call_id":"c4"}`},
	{"patch_of_several_files", "tool_call", "agent", `{"tool":"apply_patch","args":{"changes":[{"path":"/srv/gone.txt","kind":"delete"},{"path":"/srv/old.txt","kind":"update","move_path":"/srv/moved.txt"},{"path":"/srv/new.txt","kind":"add"}],"patch":"--- a/srv/gone.txt\n+++ /dev/null\n-gone\n--- a/srv/old.txt\n+++ b/srv/moved.txt\n@@ -1 +1 @@\n-old\n+moved\n--- /dev/null\n+++ b/srv/new.txt\n+new\n"},"call_id":"c4"}`},
	{"comment", "comment", "human", `{"content":"Looks right.\nShip it."}`},
	{"user_with_image", "user", "human", `{"content":"Like this:\n[image]\nBut blue.","parts":[` + imagePart + `]}`},
	{"user_with_parts", "user", "human", `{"content":"[image]\n[image]\n[document]","parts":[{"type":"image","media_type":"image/svg+xml","bytes":12,"sha256":"` + imageHash + `","data":"PHN2Zz48L3N2Zz4="},{"type":"image","media_type":"image/png","bytes":3000000,"sha256":"` + imageHash + `"},{"type":"document","title":"a.pdf"}]}`},
	{"assistant_with_image", "assistant", "agent", `{"content":"[image]","parts":[` + imagePart + `]}`},
	{"result_with_image", "tool_result", "agent", `{"tool":"screenshot","success":true,"output":"[image]","call_id":"c9","parts":[` + imagePart + `]}`},
	{"result_with_image_and_text", "tool_result", "agent", `{"tool":"screenshot","success":true,"output":"1280 x 800\n[image]","call_id":"c9","parts":[` + imagePart + `]}`},
	{"status", "status", "system", `{"content":"Started on branch x","branch":"x"}`},
	{"checkpoint", "checkpoint", "agent", `{"content":"Tests pass"}`},
	{"guardrail", "guardrail", "system", `{"content":"Refused to push to main"}`},
	{"question_described", "question", "agent", `{"content":"Which **parser**?","options":[{"value":"f","label":"fast","description":"less exact"},{"value":"e","label":"exact"}],"call_id":"c1"}`},
	{"question_of_no_choice", "question", "agent", `{"content":"Permission asked: make","call_id":"c1","reason":"it writes"}`},
	{"cost", "cost", "agent", `{"usd":0.012,"input_tokens":900,"output_tokens":40,"cache_read_tokens":7000,"model":"sonnet-4","scope":"delta"}`},
	{"cost_so_far", "cost", "agent", `{"usd":1.5,"input_tokens":1700000,"scope":"cumulative"}`},
	{"cost_estimated", "cost", "agent", `{"input_tokens":12,"output_tokens":4000,"cache_read_tokens":70000,"cache_write_tokens":8000,"model":"claude-opus-4-5-20251101","scope":"delta"}`},
	{"cost_unknown", "cost", "agent", `{"usd":0,"input_tokens":900,"output_tokens":40,"model":"m-1"}`},
	{"cost_of_a_message", "cost", "agent", `{"input_tokens":900,"output_tokens":40,"model":"gpt-5","id":"msg_1","part_of":"s-1/gpt-5"}`},
	{"cost_of_a_thread", "cost", "agent", `{"usd":0.034,"input_tokens":900,"output_tokens":40,"model":"gpt-5","scope":"cumulative","id":"s-1/gpt-5"}`},
	{"question", "question", "agent", `{"content":"May I run **this**?","options":[{"value":"allow","label":"Allow once"},{"value":"deny"}],"call_id":"c1","request":"R"}`},
	{"question_with_another_answer", "question", "agent", `{"content":"Which?","options":[{"value":"a"}],"other":"Another <answer>"}`},
	{"answer", "answer", "human", `{"for":12,"value":"allow","author":"ann"}`},
	{"receipt", "receipt", "system", `{"for":12,"state":"read"}`},
	{"receipt_failed", "receipt", "system", `{"for":12,"state":"failed","reason":"it had ended"}`},
	{"session", "session", "system", `{"agent":"Claude Code","version":"2.1.332","model":"claude-opus-4-5","cwd":"/srv/app"}`},
	{"session_title", "session", "system", `{"title":"Mend the cart","title_by":"agent"}`},
	{"raw", "raw", "system", `{"content":"{\"type\":\"new\",\"n\":1}","format":"claude","reason":"unknown type"}`},
	{"raw_text", "raw", "system", `{"content":"Segmentation fault","format":"claude","reason":"not JSON"}`},
	{"error", "error", "agent", `{"message":"rate limited","code":"429","fatal":false,"retry_after":30}`},
	{"error_fatal", "error", "system", `{"message":"out of memory","fatal":true}`},
	{"complete", "complete", "system", `{"status":"succeeded","reason":"all tests pass","exit_code":0}`},
	{"complete_failed", "complete", "system", `{"status":"failed"}`},
	{"call_reading", "tool_call", "agent", `{"tool":"read_file","args":{"path":"internal/cart/total.go","limit":200},"call_id":"c1"}`},
	{"call_command", "tool_call", "agent", `{"tool":"bash","args":{"command":"go test ./... | tail -5","timeout":60},"call_id":"c2"}`},
	{"call_words", "tool_call", "agent", `{"tool":"shell","args":{"command":["ls","-l","a b"]}}`},
	{"call_edit", "tool_call", "agent", `{"tool":"edit_file","args":{"path":"a.go","old_str":"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n","new_str":"one\ntwo\nthree\nfour\n5\nsix\nseven\neight\nnine\n"},"call_id":"c3"}`},
	{"call_edits", "tool_call", "agent", `{"tool":"multi_edit","args":{"file_path":"a.go","edits":[{"old_string":"a","new_string":"b"},{"old_string":"c\n","new_string":""}]}}`},
	{"call_patch", "tool_call", "agent", `{"tool":"apply_patch","args":{"patch":"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n"}}`},
	{"call_patch_of_files", "tool_call", "agent", `{"tool":"apply_patch","args":{"input":"*** Begin Patch\n*** Update File: src/a.go\n@@\n same\n-old\n+new\n*** Add File: b.go\n+one\n*** Delete File: c.go\n*** End Patch"}}`},
	{"call_changes_by_kind", "tool_call", "agent", `{"tool":"apply_patch","args":{"changes":[{"path":"a.go","kind":{"type":"update","move_path":null},"diff":"@@ -1 +1 @@\n-a\n+b\n"},{"path":"b.go","kind":"add"}]}}`},
	{"call_plan", "tool_call", "agent", `{"tool":"update_plan","args":{"plan":[{"step":"Look","status":"completed"},{"step":"Mend","status":"in_progress"},{"step":"Test","status":"pending"}]}}`},
	{"call_of_mcp", "tool_call", "agent", `{"tool":"mcp__github__search_issues","args":{"query":"flaky"}}`},
	{"call_of_mcp_by_gemini", "tool_call", "agent", `{"tool":"mcp_github_search_issues","args":{"query":"flaky"}}`},
	{"call_of_mcp_by_codex", "tool_call", "agent", `{"tool":"github.search_issues","args":{"query":"flaky"}}`},
	{"call_of_mcp_by_cline", "tool_call", "agent", `{"tool":"github/search_issues","args":{"query":"flaky"}}`},
	{"call_grep", "tool_call", "agent", `{"tool":"Grep","args":{"pattern":"func Test","path":"cmd"}}`},
	{"call_grep_of_files", "tool_call", "agent", `{"tool":"Grep","args":{"pattern":"func Test","path":"cmd/","glob":"**/*.go"}}`},
	{"call_asking", "tool_call", "agent", `{"tool":"AskUserQuestion","args":{"questions":[{"question":"Which <parser>?","header":"Parser","options":[{"label":"Old","description":"It stays."},{"label":"New"}],"multiSelect":false},{"question":"And when?"}]}}`},
	{"call_asking_otherwise", "tool_call", "agent", `{"tool":"ask","args":{"questions":["Which?"]}}`},
	{"call_reading_lines", "tool_call", "agent", `{"tool":"Read","args":{"file_path":"a.go","offset":10,"limit":40}}`},
	{"status_plan", "status", "system", `{"content":"Plan:\n[x] Look\n[~] Mend\n[ ] Test"}`},
	{"call_changes", "tool_call", "agent", `{"tool":"apply_patch","args":{"changes":[{"path":"a.go","kind":"add","diff":"+package a\n"},{"path":"b/c.go","kind":"update","diff":"-x\n+y\n"}]},"call_id":"c1"}`},
	{"call_writing", "tool_call", "agent", `{"tool":"write_file","args":{"path":"hello.py","content":"def hi():\n    return \"hi\"  # now\n"}}`},
	{"call_without_args", "tool_call", "agent", `{"tool":"list","args":{},"call_id":"a\nb"}`},
	{"call_of_a_subagent", "tool_call", "agent", `{"tool":"grep","args":{"pattern":"x","options":{"case":false,"globs":["*.go","*.md"],"a long name to make it long":"and a long value to make it longer"}},"call_id":"c9","parent_call_id":"c1"}`},
	{"result", "tool_result", "agent", `{"tool":"bash","success":true,"output":"ok  \tshop/cart\t0.004s\n","call_id":"c2","duration_ms":1700}`},
	{"result_failed", "tool_result", "agent", `{"tool":"bash","success":false,"output":"\u001b[31m--- FAIL\u001b[0m: TestTotal\r\n10%\r100%\n","call_id":"c2","duration_ms":12,"exit_code":1}`},
	{"result_json", "tool_result", "agent", `{"tool":"api","success":true,"output":"{\"a\":[1,true,null],\"b\":\"<x>\"}"}`},
	{"result_empty", "tool_result", "agent", `{"tool":"bash","success":true,"output":""}`},
	{"other", "plan_changed", "agent", `{"steps":["a","b"],"n":1e3}`},
}

func TestRowsOfEveryType(t *testing.T) {
	for _, test := range rows {
		t.Run(test.name, func(t *testing.T) {
			golden(t, "rows/"+test.name+".html", rendered(t, event(12, test.kind, test.by, test.data))+"\n")
		})
	}
}

// In the timeline of all sessions a sequence is not enough to name an event.
func TestRowsOfAWholeHistoryAreNamedByTheirCursor(t *testing.T) {
	e := event(12, "status", "system", `{"content":"x"}`)
	got := string(page.Rows{Prices: price.Default()}.AppendEvent([]byte("before "), "t-1", session(t, newest), &e, true))
	for _, want := range []string{
		`before <li class="event compact" id="` + newest + `:12" data-seq="12" `,
		`href="?sessions=all&amp;around=` + newest + `:12#` + newest + `:12" data-to="` + newest + `:12"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func quote(t testing.TB, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLongTextsShowTheirEndsAndWhereTheRestIs(t *testing.T) {
	long := "the start\n" + strings.Repeat("äöü is a line of the middle\n", 50_000) + "the end"
	tests := []struct{ name, kind, data, pointer string }{
		{"what an agent says", "assistant", `{"content":` + quote(t, long) + `}`, "/content"},
		{"a thought", "thought", `{"content":` + quote(t, long) + `}`, "/content"},
		{"a status", "status", `{"content":` + quote(t, long) + `}`, "/content"},
		{"an error", "error", `{"message":` + quote(t, long) + `}`, "/message"},
		{"a reason", "complete", `{"status":"failed","reason":` + quote(t, long) + `}`, "/reason"},
		{"output", "tool_result", `{"tool":"x","success":true,"output":` + quote(t, long) + `}`, "/output"},
		{"a command", "tool_call", `{"tool":"x","args":{"command":` + quote(t, long) + `}}`, "/args/command"},
		{"an argument", "tool_call", `{"tool":"x","args":{"a/b~":` + quote(t, long) + `}}`, "/args/a~1b~0"},
		{"a file", "tool_call", `{"tool":"x","args":{"path":"a.go","content":` + quote(t, long) + `}}`, "/args/content"},
		{"any data", "other", `{"x":` + quote(t, long) + `}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := rendered(t, event(12, test.kind, "agent", test.data))
			if len(got) > 200_000 {
				t.Errorf("a row of %d bytes", len(got))
			}
			for _, want := range []string{
				"the start", "the end", `data-field="` + test.pointer + `"`, "1.5 MB left out",
				`href="./t-1/events?session=` + newest + `&amp;after=` + newest + `:11&amp;limit=1">Show all (1.6 MB)`,
			} {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in %.300s … %s", want, got, got[max(0, len(got)-300):])
				}
			}
		})
	}
}

func TestEditsThatAreTooLongAreALinkAway(t *testing.T) {
	long := strings.Repeat("a line\n", 20_000)
	for name, data := range map[string]string{
		"one long edit":   `{"tool":"x","args":{"path":"a","old_str":` + quote(t, long) + `,"new_str":"b"}}`,
		"many lines":      `{"tool":"x","args":{"path":"a","old_str":"b","new_str":` + quote(t, strings.Repeat("\n", 5000)) + `}}`,
		"many tiny edits": `{"tool":"x","args":{"edits":[` + strings.Repeat(`{"old_str":"a","new_str":"b"},`, 10_000) + `{"old_str":"a","new_str":"b"}]}}`,
	} {
		got := rendered(t, event(3, "tool_call", "agent", data))
		if len(got) > 500_000 || !strings.Contains(got, `<div class="long" data-field="/args"><p class="cut">`) {
			t.Errorf("%s: %d bytes: %.2000s", name, len(got), got)
		}
	}
}

// Whatever an agent prints, its row is not much larger than what it may show.
func TestRowsAreBounded(t *testing.T) {
	times := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	for _, text := range []string{
		"<", "\x1b[1ma\x1b[ma", "**a**", "|a", "a|b\n-|-\n", "[[", "- ", "> ", "`a`", "\n", "&", "\x1b[1m", "a\b",
		"|" + strings.Repeat("a|", 2000) + "\n|" + strings.Repeat("-|", 2000) + "\n" + strings.Repeat("|\n", 20_000),
	} {
		long := quote(t, times(text, max(len(text), 200<<10)))
		for kind, data := range map[string]string{
			"assistant":   `{"content":` + long + `}`,
			"tool_result": `{"tool":` + long + `,"success":true,"output":` + long + `,"call_id":"c"}`,
			"tool_call":   `{"tool":"x","args":{"command":` + long + `,"x":` + long + `}}`,
		} {
			if got := rendered(t, event(1, kind, "agent", data)); len(got) > 2<<20 {
				t.Errorf("%s of %.20q: %d bytes", kind, text, len(got))
			}
		}
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	many := "{" + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`
	for name, data := range map[string]string{
		"deep":           `{"x":` + deep + `}`,
		"many members":   many,
		"many arguments": `{"tool":"x","args":` + many + `}`,
	} {
		kind := "other"
		if name == "many arguments" {
			kind = "tool_call"
		}
		if got := rendered(t, event(1, kind, "agent", data)); len(got) > 2<<20 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	for _, test := range rows {
		b.Run(test.name, func(b *testing.B) {
			e := event(12, test.kind, test.by, test.data)
			id, err := eventlog.ParseSessionID(newest)
			if err != nil {
				b.Fatal(err)
			}
			var dst []byte
			for b.Loop() {
				dst = page.Rows{Prices: price.Default()}.AppendEvent(dst[:0], "t-1", id, &e, false)
			}
			b.ReportMetric(float64(len(dst)), "bytes/row")
		})
	}
}

func ExampleRows_AppendEvent() {
	e := eventlog.Event{
		Sequence: 3, Type: eventlog.TypeCheckpoint, Actor: eventlog.Agent,
		Data: json.RawMessage(`{"content":"Tests <pass>"}`),
	}
	row := page.Rows{Prices: price.Default()}.AppendEvent(nil, "my-task", eventlog.SessionID{1}, &e, false)
	_, body, _ := strings.Cut(string(row), `<div class="content">`)
	fmt.Println(body)
	// Output: <div class="note"><span class="label">Checkpoint</span> <span class="text">Tests &lt;pass&gt;</span></div></div></li>
}
