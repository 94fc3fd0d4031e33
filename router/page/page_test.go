package page_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// hostile tries to leave each place that a string can stand in: text, attribute,
// URL, script, comment.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)> onmouseover="alert(1)" style=x:y javascript:alert(1) --> {{.}} &lt;`

func session(t *testing.T, text string) eventlog.SessionID {
	t.Helper()
	id, err := eventlog.ParseSessionID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var moment = eventlog.Time{Time: time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC)}

// taskWith returns a task whose every string is the given one.
func taskWith(s string) eventlog.Task {
	return eventlog.Task{
		ID: s, Title: s, Type: s, Parent: s, Description: s, Status: eventlog.Status(s),
		Created: moment, Updated: moment, Sessions: 2,
		Totals: eventlog.Totals{Events: 70, USD: 0.44, InputTokens: 1_700_000, OutputTokens: 70_000},
	}
}

// sessionsWith returns two sessions whose every string is the given one.
func sessionsWith(t *testing.T, s string) []eventlog.SessionInfo {
	t.Helper()
	one := eventlog.SessionInfo{
		ID: session(t, "06CJ0000000000000000000000"), Task: s, Status: eventlog.Status(s), Reason: s,
		Agent: s, Model: s, ExternalID: s, Started: moment, Ended: moment,
	}
	two := one
	two.ID = session(t, "06CI0000000000000000000000")
	return []eventlog.SessionInfo{one, two}
}

func list(t *testing.T, p page.ListPage) string {
	t.Helper()
	var b strings.Builder
	if err := page.List(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func task(t *testing.T, p page.TaskPage) string {
	t.Helper()
	var b strings.Builder
	if err := page.Task(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wall(t *testing.T, p page.WallPage) string {
	t.Helper()
	var b strings.Builder
	if err := page.Wall(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// cardsWith are cards with a text wherever an agent or a person may have written it.
func cardsWith(t *testing.T, text string) []page.Card {
	t.Helper()
	return []page.Card{{
		Task: taskWith(text), Session: sessionsWith(t, text)[0],
		Now: page.Now{Kind: "tool", What: text, Detail: text, Who: text, Plan: text, Loop: text},
	}}
}

// pages renders every page, with s as every string on it.
func pages(t *testing.T, s string) map[string]string {
	t.Helper()
	return map[string]string{
		"list":               list(t, page.ListPage{Tasks: []eventlog.Task{taskWith(s)}}),
		"list without tasks": list(t, page.ListPage{}),
		"wall":               wall(t, page.WallPage{Cards: cardsWith(t, s)}),
		"task":               task(t, page.TaskPage{Task: taskWith(s), Sessions: sessionsWith(t, s)}),
		"task of an older session": task(t, page.TaskPage{
			Task: taskWith(s), Sessions: sessionsWith(t, s), Session: session(t, "06CI0000000000000000000000"),
		}),
		"task without sessions": task(t, page.TaskPage{Task: taskWith(s)}),
	}
}

var (
	tag   = regexp.MustCompile(`<[^>]*>`)
	value = regexp.MustCompile(`"[^"]*"`)
)

// skeleton is all markup of a page without its text and attribute values.
func skeleton(page string) string {
	var b strings.Builder
	for _, t := range tag.FindAllString(page, -1) {
		b.WriteString(value.ReplaceAllString(t, `""`))
		b.WriteByte('\n')
	}
	return b.String()
}

func TestHostileStringsChangeNoMarkup(t *testing.T) {
	harmless := pages(t, "x")
	for name, got := range pages(t, hostile) {
		if want := skeleton(harmless[name]); skeleton(got) != want {
			t.Errorf("%s: markup with hostile strings:\n%s\nwant:\n%s", name, skeleton(got), want)
		}
		if name == "list without tasks" {
			continue
		}
		if !strings.Contains(html.UnescapeString(tag.ReplaceAllString(got, "")), hostile) {
			t.Errorf("%s: the hostile string is not shown as the text it is", name)
		}
	}
}

func TestPagesKeepTheirContentSecurityPolicy(t *testing.T) {
	inline := map[string]*regexp.Regexp{
		"script":         regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`),
		"script address": regexp.MustCompile(`<script(?: type="module")?>`),
		"style element":  regexp.MustCompile(`<style`),
		"style":          regexp.MustCompile(`\sstyle=`),
		"handler":        regexp.MustCompile(`\son[a-z]+=`),
		"javascript URL": regexp.MustCompile(`"javascript:`),
	}
	for name, got := range pages(t, "x") {
		for what, pattern := range inline {
			if found := pattern.FindString(got); found != "" {
				t.Errorf("%s: inline %s: %s", name, what, found)
			}
		}
	}
	for _, unsafe := range []string{"unsafe", "*", "http:"} {
		if strings.Contains(page.ContentSecurityPolicy, unsafe) {
			t.Errorf("policy allows %q: %s", unsafe, page.ContentSecurityPolicy)
		}
	}
}

var address = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

func TestAddressesStayUnderTheMount(t *testing.T) {
	for name, got := range pages(t, "t-197.4") {
		base, _ := url.Parse("http://localhost/deep/jr/")
		if strings.HasPrefix(name, "task") {
			base, _ = url.Parse("http://localhost/deep/jr/tasks/t-197.4")
		}
		found := address.FindAllStringSubmatch(got, -1)
		if len(found) == 0 {
			t.Errorf("%s: no addresses", name)
		}
		for _, match := range found {
			ref, err := url.Parse(html.UnescapeString(match[1]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if ref.IsAbs() || ref.Host != "" || strings.HasPrefix(ref.Path, "/") {
				t.Errorf("%s: %s is not relative", name, ref)
			}
			if to := base.ResolveReference(ref); !strings.HasPrefix(to.Path, "/deep/jr/") {
				t.Errorf("%s: %s leads out of the mount, to %s", name, ref, to)
			}
		}
	}
}

func TestTaskPageSaysWhatItsScriptFollows(t *testing.T) {
	latest, older := "06CJ0000000000000000000000", "06CI0000000000000000000000"
	tests := []struct {
		name string
		page page.TaskPage
		want []string
	}{
		{"the latest session by default",
			page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")},
			[]string{`data-task="x"`, `data-pinned=""`, `data-session="` + latest + `"`, `data-status="open"`,
				`href="?session=` + latest + `" data-session="` + latest + `" aria-current="page"`}},
		{"an older session when it is asked for",
			page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "failed"), Session: session(t, older)},
			[]string{`data-pinned="` + older + `"`, `data-session="` + older + `"`, `data-status="failed"`,
				`href="?session=` + older + `" data-session="` + older + `" aria-current="page"`}},
		{"no session yet",
			page.TaskPage{Task: taskWith("x")},
			[]string{`data-pinned=""`, `data-session=""`, `data-status="none"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := task(t, test.page)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in:\n%s", want, got)
				}
			}
		})
	}
}

func TestPagesWithoutScript(t *testing.T) {
	latest := sessionsWith(t, "open")
	latest[0].Totals = eventlog.Totals{Events: 70, USD: 0.44, InputTokens: 1_700_000, OutputTokens: 70_000}
	text := func(page string) string {
		return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(page, ""))), " ")
	}
	tests := []struct{ name, got, want string }{
		{"the header counts", text(task(t, page.TaskPage{Task: taskWith("x"), Sessions: latest})), "Timeline (70) · $0.44 · 1.77M tokens"},
		{"the header tells when it started", text(task(t, page.TaskPage{Task: taskWith("x"), Sessions: latest})), "2026-11-22 10:00 UTC"},
		{"the list counts", text(list(t, page.ListPage{Tasks: []eventlog.Task{taskWith("x")}})), "2 70 $0.44 1.77M"},
		{"an empty list tells how to begin", text(list(t, page.ListPage{})), `curl -d '{"type":"assistant","data":{"content":"Hello"}}'`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(test.got, test.want) {
				t.Errorf("no %q in %q", test.want, test.got)
			}
		})
	}
}
