package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// line is one event of a timeline in short: type, actor's default, data.
func timeline(t *testing.T, session eventlog.SessionID, lines ...string) []page.Entry {
	t.Helper()
	var entries []page.Entry
	for i, line := range lines {
		kind, data, _ := strings.Cut(line, " ")
		entries = append(entries, page.Entry{Session: session, Event: event(uint64(i+1), kind, eventlog.Agent, data)})
	}
	return entries
}

func callLine(tool, id string, more ...string) string {
	return fmt.Sprintf(`tool_call {"tool":%q,"args":{},"call_id":%q%s}`, tool, id, strings.Join(more, ""))
}

func resultLine(tool, id string, success bool, more ...string) string {
	return fmt.Sprintf(`tool_result {"tool":%q,"success":%v,"output":"out","call_id":%q%s}`, tool, success, id, strings.Join(more, ""))
}

const (
	saysLine     = `assistant {"content":"so"}`
	completeLine = `complete {"status":"succeeded"}`
	ofC1         = `,"parent_call_id":"c1"`
)

// outline is what a timeline shows of each row: sequence, outcome, in brackets
// what it holds.
func outline(t *testing.T, p page.TaskPage) string {
	t.Helper()
	document, err := html.Parse(strings.NewReader(task(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range document.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == "timeline" {
			return strings.TrimSpace(outlineOf(n))
		}
	}
	t.Fatal("no timeline")
	return ""
}

func outlineOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.ChildNodes() {
		inner := outlineOf(c)
		switch {
		case attribute(c, "data-seq") != "":
			b.WriteString(" " + attribute(c, "data-seq"))
			if outcome := attribute(c, "data-outcome"); outcome != "" {
				b.WriteString(":" + outcome)
			}
			if inner != "" {
				b.WriteString("[" + strings.TrimSpace(inner) + "]")
			}
		case attribute(c, "class") == "gap":
			fmt.Fprintf(&b, " gap %s-%s", attribute(c, "data-after"), attribute(c, "data-next"))
		case attribute(c, "class") == "session-break":
			b.WriteString(" session")
		default:
			b.WriteString(inner)
		}
	}
	return b.String()
}

func TestResultsStandInTheRowsOfTheirCalls(t *testing.T) {
	const noID = `tool_call {"tool":"a","args":{}}`
	const result = `tool_result {"tool":"a","success":true,"output":""}`
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"a call waits", []string{callLine("a", "c1")}, "1:open"},
		{"by their id", []string{callLine("a", "c1"), callLine("a", "c2"), resultLine("a", "c2", false), resultLine("a", "c1", true)}, "1:ok[4:ok] 2:failed[3:failed]"},
		{"without an id the oldest of the tool", []string{noID, noID, `tool_call {"tool":"b","args":{}}`, result}, "1:ok[4:ok] 2:open 3:open"},
		{"ids may come again", []string{callLine("a", "c1"), resultLine("a", "c1", true), callLine("a", "c1"), resultLine("a", "c1", false)}, "1:ok[2:ok] 3:failed[4:failed]"},
		{"one without its call stands alone", []string{resultLine("a", "c1", true), result}, "1:ok 2:ok"},
		{"the agent goes on without it", []string{callLine("a", "c1"), saysLine}, "1:none 2"},
		{"late is not lost", []string{callLine("a", "c1"), saysLine, resultLine("a", "c1", true)}, "1:ok[3:ok] 2"},
		{"the end stops the waiting", []string{callLine("a", "c1"), completeLine}, "1:none 2"},
		{"a subagent stands in its call", []string{callLine("task", "c1"), saysLine[:len(saysLine)-1] + ofC1 + "}", callLine("a", "c2", ofC1), resultLine("a", "c2", true, ofC1), resultLine("task", "c1", true)},
			"1:ok[5:ok 2 3:ok[4:ok]]"},
		{"what a subagent says ends only its own calls", []string{callLine("task", "c1"), callLine("a", "c2", ofC1), saysLine[:len(saysLine)-1] + ofC1 + "}"}, "1:open[2:none 3]"},
		{"a subagent of nobody stands in the timeline", []string{callLine("a", "c2", `,"parent_call_id":"c9"`)}, "1:open"},
		{"a call is not its own subagent", []string{callLine("a", "c1", ofC1)}, "1:open"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")}
			p.Part.Entries = timeline(t, p.Sessions[0].ID, test.lines...)
			if got := outline(t, p); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSubagentsAreNotNestedForEver(t *testing.T) {
	lines := []string{callLine("task", "c0")}
	for i := range 500 {
		lines = append(lines, callLine("task", fmt.Sprintf("c%d", i+1), fmt.Sprintf(`,"parent_call_id":"c%d"`, i)))
	}
	p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")}
	p.Part.Entries = timeline(t, p.Sessions[0].ID, lines...)
	got := outline(t, p)
	if n := strings.Count(got, ":open"); n != 501 {
		t.Errorf("%d events of 501 are shown", n)
	}
	if strings.Contains(got, strings.Repeat("]", 10)) {
		t.Errorf("too deep: %s", got)
	}
}

func TestPartsOfTimelines(t *testing.T) {
	p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")}
	latest, first := p.Sessions[0].ID, p.Sessions[1].ID
	entries := timeline(t, latest, saysLine, callLine("a", "c"), resultLine("a", "c", true), callLine("a", "d"))
	tests := []struct {
		name  string
		whole bool
		part  page.Part
		want  string
		has   []string
	}{
		{"all of it", false, page.Part{Entries: entries}, "1 2:ok[3:ok] 4:open", []string{`data-newest="true"`, `data-cursor="` + latest.String() + `:4"`}},
		{"with older ones", false, page.Part{Entries: entries[2:], Older: true}, "3:ok 4:open", []string{`id="older" rel="prev" href="?session=` + latest.String() + `&amp;before=3"`}},
		{"with newer ones, nobody knows what comes of a call", false, page.Part{Entries: entries, Newer: true}, "1 2:ok[3:ok] 4:later",
			[]string{`data-newest="false"`, `id="newer" rel="next" href="?session=` + latest.String() + `&amp;after=4"`}},
		{"when the oldest are gone", false, page.Part{Entries: entries[2:]}, "gap 0-3 3:ok 4:open", nil},
		{"behind the last", false, page.Part{Older: true, After: eventlog.Place{Cursor: eventlog.Cursor{Session: latest, Sequence: 4}}}, "", []string{`data-cursor="` + latest.String() + `:4"`, `href="?session=` + latest.String() + `"`}},
		{"of a session without events", false, page.Part{}, "", []string{`data-cursor="` + latest.String() + `:0"`, `id="waiting">`}},
		{"of all sessions", true, page.Part{Entries: slices.Concat(timeline(t, first, saysLine, completeLine), entries)}, "session 1 2 session 1 2:ok[3:ok] 4:open",
			[]string{`id="` + first.String() + `:2"`, `data-events="140"`, `<a class="whole" href="?sessions=all" aria-current="page">`}},
		{"of all sessions, from the middle", true, page.Part{Entries: entries[1:], Older: true}, "2:ok[3:ok] 4:open",
			[]string{`href="?sessions=all&amp;before=` + latest.String() + `:2"`}},
	}
	for i := range p.Sessions {
		p.Sessions[i].Totals.Events = 70
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p.Whole, p.Part = test.whole, test.part
			if got := outline(t, p); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, want := range test.has {
				if got := task(t, p); !strings.Contains(got, want) {
					t.Errorf("no %s in %s", want, got)
				}
			}
		})
	}
}

func TestHostileEventsOnAPage(t *testing.T) {
	for _, attack := range attacks {
		p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, attack), Whole: true}
		p.Task.ID = "t-1"
		for _, e := range hostileEvents(t, attack) {
			p.Part.Entries = append(p.Part.Entries, page.Entry{Session: p.Sessions[0].ID, Event: e})
		}
		document, err := html.Parse(strings.NewReader(task(t, p)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range document.Descendants() {
			if n.Type == html.ElementNode && attribute(n, "id") == "timeline" {
				checkNode(t, n, attack)
			}
		}
	}
}

// The id stands in the place of a title that is not there, and nowhere else.
func TestTheListShowsTheIDOfATaskOnce(t *testing.T) {
	titled, untitled := taskWith("x"), taskWith("x")
	titled.ID, titled.Title = "t-titled", "Fix the test"
	untitled.ID, untitled.Title = "t-untitled", ""
	document, err := html.Parse(strings.NewReader(list(t, page.ListPage{Tasks: []eventlog.Task{titled, untitled}})))
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	for n := range document.Descendants() {
		if n.Type != html.TextNode {
			continue
		}
		hidden := false
		for p := range n.Ancestors() {
			hidden = hidden || slices.ContainsFunc(p.Attr, func(a html.Attribute) bool { return a.Key == "hidden" })
		}
		if !hidden {
			shown += n.Data
		}
	}
	for _, want := range []string{"Fix the test", "t-titled", "t-untitled"} {
		if n := strings.Count(shown, want); n != 1 {
			t.Errorf("%q is shown %d times in %s", want, n, shown)
		}
	}
}

func TestTheListTellsHowTheTriesOfATaskEnded(t *testing.T) {
	tries := sessionsWith(t, "failed") // newest first
	tries[0].Status = eventlog.Succeeded
	one := taskWith("x")
	got := list(t, page.ListPage{Tasks: []eventlog.Task{one}, Sessions: map[string][]eventlog.SessionInfo{"x": tries}})
	failed, succeeded := strings.Index(got, `class="outcome" data-status="failed"`), strings.Index(got, `class="outcome" data-status="succeeded"`)
	if failed < 0 || succeeded < failed {
		t.Errorf("the outcomes are not there in their order: %d, %d", failed, succeeded)
	}
	if strings.Contains(list(t, page.ListPage{Tasks: []eventlog.Task{one}}), `class="outcome"`) {
		t.Error("a task that was tried once has outcomes")
	}
}
