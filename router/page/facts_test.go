package page_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
)

// seen are the rows of a page that are not hidden: sequence, and + if it is withdrawn.
func seen(t *testing.T, document string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for n := range root.Descendants() {
		isHidden := slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "hidden" })
		if sequence := attribute(n, "data-seq"); sequence != "" && !isHidden {
			if attribute(n, "data-withdrawn") == "true" {
				sequence += "+"
			}
			list = append(list, sequence)
		}
	}
	return strings.Join(list, " ")
}

func TestWhatStandsElsewhereIsNoRow(t *testing.T) {
	growing := func(id string) string {
		return `cost {"id":"` + id + `","part_of":"s","model":"gpt-5","input_tokens":1}`
	}
	for _, c := range []struct {
		name  string
		from  uint64 // the sequence of the first line
		lines []string
		want  string
	}{
		{"what is known of a run", 1, []string{`session {"agent":"a","model":"opus"}`, saysLine, `session {"title":"x"}`, saysLine}, "2 4"},
		{"another model is", 1, []string{`session {"model":"opus"}`, saysLine, `session {"model":"sonnet"}`, `session {"model":"sonnet","branch":"b"}`, `session {"model":"opus"}`}, "2 3 5"},
		{"a model that is told late", 1, []string{saysLine, `session {"model":"opus"}`}, "1"},
		{"a model in the middle, where nobody knows the one before", 7, []string{saysLine, `session {"model":"opus"}`, `session {"model":"opus"}`}, "7 8"},
		{"a cost that has grown", 1, []string{growing("m1"), growing("m2"), growing("m1"), saysLine, growing("m1")}, "2 4 5"},
		{"what a thread has come to, which the head tells", 1, []string{saysLine, `cost {"id":"s","scope":"cumulative","input_tokens":1}`, saysLine}, "1 3"},
		{"a message of no thread that has grown", 1, []string{`cost {"id":"m","input_tokens":1}`, `cost {"id":"m","input_tokens":2}`}, "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")}
			p.Part.Older = c.from > 1
			p.Part.Entries = timeline(t, p.Sessions[0].ID, c.lines...)
			for i := range p.Part.Entries {
				p.Part.Entries[i].Sequence += c.from - 1
			}
			if got := seen(t, task(t, p)); got != c.want {
				t.Errorf("the page has the rows %s, want %s", got, c.want)
			}
			if c.from > 1 {
				return
			}
			e := exportOf(t, "x")
			if got := seen(t, exported(t, e, timeline(t, e.Sessions[0].ID, c.lines...))); got != c.want {
				t.Errorf("the export has the rows %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatAnAgentWithdrewIsMarked(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"an answer":               {[]string{`assistant {"content":"No."}`, `thought {"content":"No."}`, `status {"content":"w","withdraws":[{"type":"assistant","content":"No."}]}`}, "1+ 2 3"},
		"by its beginning":        {[]string{`assistant {"content":"` + long + ` and more"}`, `status {"content":"w","withdraws":[{"type":"assistant","content":"` + long[:200] + `"}]}`}, "1+ 2"},
		"the latest that says so": {[]string{`assistant {"content":"a"}`, `assistant {"content":"a"}`, `status {"content":"w","withdraws":[{"type":"assistant","content":"a"}]}`}, "1 2+ 3"},
		"a call":                  {[]string{callLine("a", "c1"), `status {"content":"w","withdraws":[{"type":"tool_call","call_id":"c1"}]}`}, "1+ 2"},
		"nothing": {[]string{saysLine, `status {"content":"w","withdraws":[{"type":"assistant","content":"other"},{"type":"assistant"},5]}`,
			`status {"content":"w","withdraws":"x"}`, `assistant {"content":"w","withdraws":[{"type":"assistant","content":"so"}]}`}, "1 2 3 4"},
	} {
		t.Run(name, func(t *testing.T) {
			p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "open")}
			p.Part.Entries = timeline(t, p.Sessions[0].ID, c.lines...)
			if got := seen(t, task(t, p)); got != c.want {
				t.Errorf("marked are %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheHeadTellsWhatIsKnown(t *testing.T) {
	info := sessionsWith(t, "succeeded")[0]
	info.Agent, info.Version, info.Model, info.Cwd, info.Branch = "Claude Code", "2.1", "opus", "/srv/app", "main"
	info.Machine, info.ExternalID, info.ParentExternalID, info.Owner = "ada", "x-2", "x-1", "Ann Lee"
	info.Totals = eventlog.Totals{
		Events: 70, USD: 0.5, InputTokens: 1000, OutputTokens: 200, CacheReadTokens: 70_000, CacheWriteTokens: 3000, EstimatedUSD: 0.25, Unpriced: true,
	}
	p := page.TaskPage{
		Task: taskWith("x"), Sessions: []eventlog.SessionInfo{info}, Prices: price.Default(),
		ParentRun: page.Run{Task: "t-0", Session: session(t, newest)},
		Raws:      page.Raws{Count: 3, First: eventlog.Cursor{Session: info.ID, Sequence: 12}},
	}
	got := task(t, p)
	date := price.Default().Date()
	for _, want := range []string{
		"· ≈ $0.75 · 4.2k tokens", "Agent Claude Code 2.1", "Model opus", "Directory /srv/app", "Branch main", "Started by Ann Lee", "Machine ada",
		"Agent’s session x-2", "Begun by session x-1", "Tokens 1.0k in · 200 out · 70.0k from cache · 3.0k to cache",
		"Cost ≈ $0.75 $0.50 as the agent says, the rest estimated from list prices of " + date + ", without what tokens of an unknown price cost",
		"3 lines not understood",
	} {
		if !strings.Contains(words(got), want) {
			t.Errorf("the page does not say %q: %s", want, words(got))
		}
	}
	for _, want := range []string{`href="./t-0?session=` + newest + `"`, `href="?session=` + info.ID.String() + `&amp;around=12#12"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	export := words(exported(t, page.ExportPage{Task: p.Task, Sessions: p.Sessions, Prices: p.Prices}, nil))
	for _, want := range []string{"≈ $0.75", "Agent Claude Code 2.1", "Directory /srv/app", "Tokens 1.0k in"} {
		if !strings.Contains(export, want) {
			t.Errorf("the export does not say %q: %s", want, export)
		}
	}
	p.Raws.More = true
	if !strings.Contains(words(task(t, p)), "At least 3 lines not understood") {
		t.Error("the page is sure that there are no more")
	}
}

func TestARunOverMidnightShowsItsDays(t *testing.T) {
	p := page.TaskPage{Task: taskWith("x"), Sessions: sessionsWith(t, "succeeded")}
	p.Part.Entries = timeline(t, p.Sessions[0].ID, saysLine, saysLine)
	p.Part.Entries[1].Time = moment.Add(24 * time.Hour)
	got := words(task(t, p))
	if !strings.Contains(got, "Nov 23 10:00:00") || strings.Contains(got, "Nov 22 10:00") {
		t.Errorf("the page says %s", got)
	}
}

func TestTheListTellsWhenAnAgentRan(t *testing.T) {
	imported, live := taskWith("t-1"), taskWith("t-2")
	ran := sessionsWith(t, "succeeded")[:1]
	ran[0].Ended = eventlog.Time{Time: moment.Add(90 * time.Second)}
	imported.Updated = eventlog.Time{Time: moment.Add(30 * 24 * time.Hour)}
	live.Updated = ran[0].Ended
	sessions := map[string][]eventlog.SessionInfo{"t-1": ran, "t-2": ran}
	got := words(list(t, page.ListPage{Tasks: []eventlog.Task{imported, live}, Sessions: sessions}))
	if strings.Count(got, "1 min 30 s") != 2 || strings.Count(got, "ran 2026-11-22 10:01 UTC") != 1 {
		t.Errorf("the list says %s", got)
	}
}

// words are what a page says, without its markup.
func words(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(page, " "))), " ")
}
