package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
	"jrweb/router/price"
)

func event(kind string, actor eventlog.Actor, data string) *client.Event {
	at := time.Date(2026, 11, 22, 10, 0, 1, 0, time.Local)
	return &client.Event{Sequence: 7, Time: eventlog.Time{Time: at}, Type: kind, Actor: actor, Data: json.RawMessage(data)}
}

func printed(t *testing.T, p printer, e *client.Event) string {
	t.Helper()
	var out strings.Builder
	p.out = &out
	if err := p.print(e); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOneLineSaysWhatHappened(t *testing.T) {
	for _, c := range []struct{ kind, data, want string }{
		{"assistant", `{"content":"Hello\n\n  world"}`, "assistant    Hello world"},
		{"tool_call", `{"tool":"bash","args":{"timeout":3,"command":"go test ./..."}}`, "tool_call    bash go test ./..."},
		{"tool_call", `{"tool":"think","args":{"depth":3}}`, `tool_call    think {"depth":3}`},
		{"tool_result", `{"tool":"bash","success":true,"output":"ok\n","duration_ms":12}`, "tool_result  bash ok, 12 ms: ok"},
		{"tool_result", `{"tool":"bash","success":false,"output":"FAIL","duration_ms":"long"}`, "tool_result  bash failed: FAIL"},
		{"cost", `{"usd":0.01234,"input_tokens":900,"output_tokens":40,"model":"m"}`, "cost         $0.0123, 900 tokens in, 40 out m"},
		{"cost", `{"input_tokens":900,"output_tokens":40,"cache_read_tokens":9000,"model":"claude-opus-4-5"}`, "cost         ≈ $0.0100, 900 tokens in, 40 out claude-opus-4-5"},
		{"cost", `{"input_tokens":1,"model":"gpt-5-nano"}`, "cost         ≈ <$0.0001, 1 tokens in, 0 out gpt-5-nano"},
		{"cost", `{"usd":0,"input_tokens":900,"model":"m"}`, "cost         –, 900 tokens in, 0 out m"},
		{"error", `{"message":"no space","code":"ENOSPC"}`, "error        no space (ENOSPC)"},
		{"complete", `{"status":"failed","reason":"gave up"}`, "complete     failed: gave up"},
		{"complete", `{"status":"succeeded"}`, "complete     succeeded"},
		{"custom", `{"a":[1,2]}`, `custom       {"a":[1,2]}`},
		{"assistant", `{"content":"` + strings.Repeat("ä", 200) + `"}`, "assistant    " + strings.Repeat("ä", 160) + "…"},
	} {
		if got, want := printed(t, printer{prices: price.Default()}, event(c.kind, eventlog.Agent, c.data)), "10:00:01  "+c.want+"\n"; got != want {
			t.Errorf("%s %s:\ngot  %q\nwant %q", c.kind, c.data, got, want)
		}
	}
	if got, want := printed(t, printer{}, event("comment", eventlog.Human, `{"content":"hi"}`)), "10:00:01  comment      human: hi\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatIsKnownOfARunIsNoLineButAnotherModelIs(t *testing.T) {
	for _, details := range []bool{false, true} {
		var out strings.Builder
		p := &printer{out: &out, details: details}
		for _, data := range []string{
			`{"agent":"Claude Code","model":"opus"}`, `{"title":"x"}`, `{"agent":"Claude Code","model":"opus","branch":"main"}`,
			`{"model":"sonnet"}`, `{"model":"sonnet"}`,
		} {
			if err := p.print(event("session", eventlog.System, data)); err != nil {
				t.Fatal(err)
			}
		}
		want := "10:00:01  session      system: Model: sonnet\n"
		if details {
			want = "10:00:01  session      system: #7\n    model: sonnet\n"
		}
		if out.String() != want {
			t.Errorf("details %v: got %q, want %q", details, out.String(), want)
		}
	}
}

func TestNoWallOfBase64ReachesTheTerminal(t *testing.T) {
	wall := strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA9jG+/x", 2000)
	for _, data := range []string{
		`{"content":"` + wall + `"}`, `{"content":"[image]","parts":[{"type":"image","data":"` + wall + `"}]}`,
	} {
		for _, details := range []bool{false, true} {
			if got := printed(t, printer{details: details}, event("user", eventlog.Human, data)); len(got) > 500 {
				t.Errorf("details %v: %d bytes: %.300s", details, len(got), got)
			}
		}
	}
}

func TestDetailsShowAllOfIt(t *testing.T) {
	got := printed(t, printer{details: true}, event("tool_call", eventlog.Agent,
		`{"tool":"edit_file","args":{"path":"a.go","old_str":"x\n\ty\n","deep":{"er":{"n":1}},"none":{}},"call_id":"c\n1"}`))
	want := `10:00:01  tool_call    #7
    tool: edit_file
    args:
        path: a.go
        old_str:
            x
            	y
        deep: {"er":{"n":1}}
        none: {}
    call_id:
        c
        1
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What agents put out must not reach the terminal as anything but text.
func TestNothingOfAnEventActsOnTheTerminal(t *testing.T) {
	nasty := "\x1b[2J\x1b]0;title\x07\x9b31m\u009b32m\r\b\x00\x7f\u202edrow\u2066\u2028"
	text, err := json.Marshal(nasty)
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		`{"content":` + string(text) + `}`,
		`{"tool":` + string(text) + `,"args":{` + string(text) + `:` + string(text) + `},"success":true,"output":` + string(text) + `}`,
		`{"message":` + string(text) + `,"code":` + string(text) + `,"status":` + string(text) + `,"reason":` + string(text) + `,"model":` + string(text) + `}`,
	}
	ownColour := regexp.MustCompile(`\x1b\[\d*m`)
	for _, kind := range []string{"assistant", "tool_call", "tool_result", "error", "cost", "complete", "custom"} {
		for _, data := range values {
			for _, details := range []bool{false, true} {
				got := ownColour.ReplaceAllString(printed(t, printer{details: details, colour: true}, event(kind, eventlog.Agent, data)), "")
				if i := strings.IndexFunc(got, hidden); i >= 0 {
					t.Errorf("%s, details %t: %q has %q", kind, details, got, got[i:])
				}
				if strings.Contains(got, "[2J") && !strings.Contains(got, `\x1b[2J`) && !strings.Contains(got, `\u001b[2J`) {
					t.Errorf("%s, details %t: %q does not show the escape", kind, details, got)
				}
			}
		}
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	e := event("tool_result", eventlog.Agent, `{"tool":"bash","success":false,"output":""}`)
	if got := printed(t, printer{}, e); strings.Contains(got, "\x1b") {
		t.Errorf("without colours: %q", got)
	}
	if got := printed(t, printer{colour: true}, e); !strings.Contains(got, "\x1b[31mtool_result\x1b[0m") {
		t.Errorf("with colours: %q", got)
	}
	if colourful(&strings.Builder{}) {
		t.Error("a buffer is no terminal")
	}
}
