package main

import (
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router/client"
)

func TestColoursOfAnAgentsOutputAreKeptWhereTheyAreSafe(t *testing.T) {
	for _, c := range []struct{ name, text, coloured, plain string }{
		{"a colour", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m", "red"},
		{"it ends with its line", "\x1b[1;32mok\nnext\r\n", "\x1b[1;32mok\x1b[0m\nnext\n", "ok\nnext\n"},
		{"one of many", "\x1b[38;5;208mx\x1b[38;2;1;2;3my", "\x1b[38;5;208mx\x1b[38;2;1;2;3my\x1b[0m", "xy"},
		{"no parameters", "\x1b[mx", "\x1b[0mx\x1b[0m", "x"},
		{"nothing hides, blinks or has a ground", "\x1b[8mx\x1b[5my\x1b[41mz\x1b[48;5;1mu\x1b[7mv", "xyzuv", "xyzuv"},
		{"the ground's own colour is none of the letters'", "\x1b[48;2;30;31;32mx", "x", "x"},
		{"a half of one", "\x1b[38;5mx", "x", "x"},
		{"what acts is shown", "\x1b[2J\x1b]0;t\x07\x1b[31;1Hx", `\x1b[2J\x1b]0;t\x07\x1b[31;1Hx`, `\x1b[2J\x1b]0;t\x07\x1b[31;1Hx`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&printer{colour: true}).output(c.text); got != c.coloured {
				t.Errorf("coloured: got %q, want %q", got, c.coloured)
			}
			if got := (&printer{}).output(c.text); got != c.plain {
				t.Errorf("plain: got %q, want %q", got, c.plain)
			}
		})
	}
}

// What a call is given is shown as it is.
func TestColoursAreOfOutputOnly(t *testing.T) {
	call := event("tool_call", eventlog.Agent, `{"tool":"bash","args":{"command":"echo \u001b[31mx"}}`)
	result := event("tool_result", eventlog.Agent, `{"tool":"bash","success":true,"output":"\u001b[31mx"}`)
	for _, c := range []struct {
		p    printer
		e    *client.Event
		want string
	}{
		{printer{}, call, `bash echo \x1b[31mx`},
		{printer{details: true, colour: true}, call, `command: echo \x1b[31mx`},
		{printer{}, result, "bash ok: x\n"},
		{printer{details: true}, result, "output: x\n"},
		{printer{details: true, colour: true}, result, "output: \x1b[31mx\x1b[0m\n"},
	} {
		if got := printed(t, c.p, c.e); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestALineOfAnEventFitsTheTerminal(t *testing.T) {
	long := strings.Repeat("日本語 and more ", 20)
	for _, width := range []int{40, 80, 200} {
		got := strings.TrimSuffix(printed(t, printer{width: width}, event("comment", eventlog.Human, `{"content":"`+long+`"}`)), "\n")
		if n := columns(got); n > width || n < min(width, 160)-2 {
			t.Errorf("%d columns of %d: %s", n, width, got)
		}
	}
	if got := printed(t, printer{width: 3}, event("comment", eventlog.Human, `{"content":"hello"}`)); !strings.HasSuffix(got, "human: he…\n") {
		t.Errorf("got %q", got)
	}
}
