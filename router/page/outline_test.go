package page_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router/page"
	"jrweb/router/price"
)

// An outline holds a bounded amount, however long the run is and whatever is in it: the
// page that it makes does not grow.
func TestAnOutlineIsBounded(t *testing.T) {
	session := sessionsWith(t, "open")[0]
	size := func(events int) int {
		o := page.NewOutline(nil)
		add := func(kind, data string) {
			e := event(o.UpTo()+1, kind, eventlog.Agent, data)
			o.Add(&e)
		}
		for i := range events {
			add("tool_call", fmt.Sprintf(`{"tool":"Task","args":{"subagent_type":"x"},"call_id":"s%d"}`, i))
			add("tool_call", fmt.Sprintf(`{"tool":"Edit","args":{"path":"f%d","old_str":"a","new_str":"b"},"call_id":"e%d","parent_call_id":"s%d"}`, i, i, i))
			add("tool_result", fmt.Sprintf(`{"tool":"Edit","success":true,"output":"","call_id":"e%d"}`, i))
			add("tool_call", `{"tool":"bash","args":{"command":"go test"},"call_id":"t"}`)
			add("tool_result", `{"tool":"bash","success":false,"output":"","call_id":"t"}`)
			add("cost", fmt.Sprintf(`{"id":"m%d","usd":0.1}`, i))
		}
		add("complete", `{"status":"failed"}`)
		var b strings.Builder
		p := page.TaskPage{Task: taskWith("x"), Sessions: []eventlog.SessionInfo{session}, Summary: o.Summary(&session)}
		if err := page.Overview(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	some, many := size(1000), size(5000)
	if many > some*12/10 || many > 400_000 {
		t.Errorf("of 1,000 rounds it makes %d bytes, of 5,000 %d", some, many)
	}
}

// outlineOfRun is the outline of a run of so many events, as lines of type and data.
func outlineOfRun(lines ...string) *page.Outline {
	o := page.NewOutline(nil)
	for _, line := range lines {
		kind, data, _ := strings.Cut(line, " ")
		e := event(o.UpTo()+1, kind, eventlog.Agent, data)
		o.Add(&e)
	}
	return o
}

// overview is what the page shows of a run above its rows.
func overview(t *testing.T, session eventlog.SessionInfo, o *page.Outline) string {
	t.Helper()
	var b strings.Builder
	p := page.TaskPage{Task: taskWith("x"), Sessions: []eventlog.SessionInfo{session}, Summary: o.Summary(&session)}
	if err := page.Overview(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the head, the list, the wall and notifications tell are the words of an agent, as its
// rows show them.
func TestWhatAnAgentDoesNowIsToldWithoutMarks(t *testing.T) {
	for _, test := range []struct{ name, event, want string }{
		{"a question", `question {"content":"May I **delete** ` + "`a_b*`" + `?\n\n- or not"}`, "May I delete a_b*?"},
		{"a heading", `question {"content":"## Which _one_ of snake_case & <b>?"}`, "Which one of snake_case & <b>?"},
		{"a link", `question {"content":"As in [the docs](https://example.org/x)?"}`, "As in the docs?"},
		{"JSON", `question {"content":"{\"a\":\"\\\"*b*\\\"\"}"}`, `{"a":"\"*b*\""}`},
		{"nothing but marks", `question {"content":"---\nOK?"}`, "---"},
		{"words", `assistant {"content":"**Done**: 3 * 4 * 5"}`, "Done: 3 * 4 * 5"},
		{"a thought", `thought {"content":"**Looking for the cause**"}`, "Looking for the cause"},
		{"a prompt", `user {"content":"Fix ` + "`x`" + `"}`, "Fix x"},
		{"an error", `error {"message":"no ` + "`x`" + `"}`, "no x"},
		{"what a program prints", `assistant {"content":"**x** ` + "`y`" + `","format":"text"}`, "**x** `y`"},
		{"a status", `status {"content":"**x**"}`, "**x**"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outlineOfRun(test.event).Now().Detail; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

var changedFiles = regexp.MustCompile(`<summary><code>([^<]*)</code> ?(?:<span class="changes"><span class="added">([^<]*)</span> <span class="removed">([^<]*)</span>)?`)

// What is tested again and again with the same result is told once; a test that failed
// before it passed is told with both.
func TestTheOutcomeTellsTestsThatRunAgain(t *testing.T) {
	var lines []string
	for i, run := range []string{"go test ./a false", "go test ./a false", "go test ./b true", "go test ./a true", "go test ./a true", "go test ./b true", "go test ./a true"} {
		command, success := run[:11], run[12:]
		lines = append(lines, fmt.Sprintf(`tool_call {"tool":"bash","args":{"command":%q},"call_id":"c%d"}`, command, i),
			fmt.Sprintf(`tool_result {"tool":"bash","success":%s,"output":"","call_id":"c%d"}`, success, i))
	}
	got := overview(t, sessionsWith(t, "succeeded")[0], outlineOfRun(append(lines, `complete {"status":"succeeded"}`)...))
	var tests []string
	for _, m := range regexp.MustCompile(`test-result">(\w+)</span> <a [^>]*data-to="(\d+)"><code>([^<]*)</code></a>(?: <span class="test-times">([^<]*))?`).FindAllStringSubmatch(got, -1) {
		tests = append(tests, strings.TrimSpace(strings.Join(m[1:], " ")))
	}
	want := []string{"failed 3 go test ./a 2 times", "passed 11 go test ./b 2 times", "passed 13 go test ./a 3 times"}
	if !slices.Equal(tests, want) {
		t.Errorf("it tells %q, want %q", tests, want)
	}
}

// A file is told once, however its path is written, with the lines that are its own; where
// nobody tells them, there is no number.
func TestTheOutcomeTellsEachFileOnce(t *testing.T) {
	session := sessionsWith(t, "succeeded")[0]
	session.Cwd = "/srv/app"
	const patch = `"patch":"--- a/srv/app/gone.txt\n+++ /dev/null\n-gone\n--- a/srv/app/a.txt\n+++ b/srv/app/a.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n+3\n--- a/srv/app/old.txt\n+++ b/srv/app/moved.txt\n@@ -1 +1 @@\n-old\n+moved\n"`
	got := overview(t, session, outlineOfRun(
		`tool_call {"tool":"apply_patch","args":{"changes":[{"path":"/srv/app/gone.txt","kind":"delete"},{"path":"/srv/app/a.txt","kind":"update"},{"path":"/srv/app/old.txt","kind":"update","move_path":"/srv/app/moved.txt"}],`+patch+`},"call_id":"1"}`,
		`tool_result {"tool":"apply_patch","success":true,"output":"","call_id":"1"}`,
		`tool_call {"tool":"apply_patch","args":{"input":"*** Begin Patch\n*** Update File: a.txt\n@@\n-2\n+two\n*** End Patch"},"call_id":"2"}`,
		`tool_result {"tool":"apply_patch","success":true,"output":"","call_id":"2"}`,
		`tool_call {"tool":"apply_patch","args":{"changes":[{"path":"/srv/app/b.txt","kind":"update"}]},"call_id":"3"}`,
		`tool_result {"tool":"apply_patch","success":true,"output":"","call_id":"3"}`,
		`complete {"status":"succeeded"}`,
	))
	var files []string
	for _, m := range changedFiles.FindAllStringSubmatch(got, -1) {
		files = append(files, strings.TrimSpace(strings.Join(m[1:], " ")))
	}
	want := []string{"gone.txt +0 −1", "a.txt +3 −2", "moved.txt +1 −1", "b.txt"}
	if !slices.Equal(files, want) {
		t.Errorf("it tells %q, want %q", files, want)
	}
}

// What an agent says of a whole process has the messages in it of which it told before:
// on the map it is not a step that cost as much as all others.
func TestWhatIsSaidInAllIsNotSpentAgain(t *testing.T) {
	session := sessionsWith(t, "succeeded")[0]
	message := func(id string, usd string) string {
		return `cost {"id":"` + id + `","part_of":"p","usd":` + usd + `}`
	}
	got := overview(t, session, outlineOfRun(
		message("m1", "1"), message("m2", "2"), message("m2", "2.5"),
		`cost {"id":"p","scope":"cumulative","usd":3.75}`, message("m3", "4"), `cost {"id":"p","scope":"cumulative","usd":8}`, `complete {"status":"succeeded"}`,
	))
	var bars []string
	for _, m := range regexp.MustCompile(`<title>(#[^<]*)</title>`).FindAllStringSubmatch(got, -1) {
		bars = append(bars, m[1])
	}
	want := []string{"#1 · $1.07", "#2 · $2.14", "#3 · $0.54", "#4", "#5 · $4.25", "#6", "#7"}
	if !slices.Equal(bars, want) {
		t.Errorf("the map shows %q, want %q", bars, want)
	}
}

// What agents tell only of a turn in all, as Claude Code does of most tokens, is what its
// steps have cost.
func TestWhatATurnCostInAllBelongsToItsSteps(t *testing.T) {
	session := sessionsWith(t, "open")[0]
	cost := func(id string, usd float64) string {
		return fmt.Sprintf(`cost {"id":%q,"part_of":"s","usd":%g}`, id, usd)
	}
	inAll := func(usd float64) string { return fmt.Sprintf(`cost {"id":"s","scope":"cumulative","usd":%g}`, usd) }
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"of one turn", []string{cost("m1", 0.1), saysLine, cost("m2", 0.3), inAll(0.8)}, "#1 · $0.20, #3 · $0.60"},
		{"of two turns", []string{cost("m1", 0.1), inAll(0.2), cost("m2", 0.1), cost("m3", 0.1), inAll(0.8)}, "#1 · $0.20, #3 · $0.30, #4 · $0.30"},
		{"of several models", []string{cost("m1", 0.1), inAll(0.2), strings.Replace(inAll(0.1), `"s"`, `"other"`, 1)}, "#1 · $0.30"},
		{"of no step", []string{saysLine, inAll(0.8)}, "#2 · $0.80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := page.TaskPage{Task: taskWith("x"), Sessions: []eventlog.SessionInfo{session}}
			p.Summary = outlineOfRun(c.lines...).Summary(&session)
			var got []string
			for _, bar := range regexp.MustCompile(`<title>([^<]*\$[^<]*)</title>`).FindAllStringSubmatch(task(t, p), -1) {
				got = append(got, bar[1])
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("the map has %s, want %s", text, c.want)
			}
		})
	}
}

// Money is told apart from an estimate wherever it stands: on the map, of a subagent and
// of a loop.
func TestWhatIsEstimatedIsToldAsSuchEverywhere(t *testing.T) {
	session := sessionsWith(t, "succeeded")[0]
	lines := []string{`tool_call {"tool":"Task","args":{},"call_id":"s"}`}
	for i := range 6 {
		lines = append(lines,
			fmt.Sprintf(`tool_call {"tool":"bash","args":{"command":"x"},"call_id":"c%d","parent_call_id":"s"}`, i),
			fmt.Sprintf(`tool_result {"tool":"bash","success":false,"output":"no","call_id":"c%d","parent_call_id":"s"}`, i),
			`cost {COST,"parent_call_id":"s"}`)
	}
	lines = append(lines, `complete {"status":"succeeded"}`)
	for cost, want := range map[string]bool{`"model":"claude-opus-4-1","output_tokens":100000`: true, `"usd":7.5`: false} {
		o := page.NewOutline(price.Default())
		var events []eventlog.Event
		for _, line := range lines {
			kind, data, _ := strings.Cut(strings.ReplaceAll(line, "COST", cost), " ")
			e := event(o.UpTo()+1, kind, eventlog.Agent, data)
			o.Add(&e)
			events = append(events, e)
		}
		shown := overview(t, session, o) + o.Now().Loop
		var part []byte
		rows := page.Rows{Prices: price.Default()}
		for i := range events {
			part = rows.AppendEvent(part, "t-1", session.ID, &events[i], false)
		}
		for _, money := range regexp.MustCompile(`(≈ )?\$\d+\.\d+`).FindAllString(shown+string(part), -1) {
			if strings.HasPrefix(money, "≈ ") != want {
				t.Errorf("of %s it shows %q", cost, money)
			}
		}
		if !strings.Contains(o.Now().Loop, "$") || !strings.Contains(overview(t, session, o), "$") {
			t.Errorf("no money is shown of %s: %q", cost, o.Now().Loop)
		}
	}
}

// A todo list that is made and changed one step at a time is a plan as well.
func TestAPlanIsFollowedStepByStep(t *testing.T) {
	step := func(id, tool, args string, success bool, output string) []string {
		return []string{
			fmt.Sprintf(`tool_call {"tool":%q,"args":%s,"call_id":%q}`, tool, args, id),
			fmt.Sprintf(`tool_result {"tool":%q,"success":%v,"output":%q,"call_id":%q}`, tool, success, output, id),
		}
	}
	session := sessionsWith(t, "open")[0]
	lines := slices.Concat(
		step("1", "TaskCreate", `{"subject":"Look","description":"Look around"}`, true, "Task #1 created successfully: Look"),
		step("2", "TaskCreate", `{"subject":"Think"}`, true, "Task #2 created successfully: Think"),
		step("3", "TaskCreate", `{"subject":"Never"}`, false, "No such list"),
		step("4", "TaskUpdate", `{"taskId":"1","status":"completed"}`, true, "Updated task #1 status"),
		step("5", "TaskUpdate", `{"taskId":"2","status":"completed"}`, false, "Task not found"),
		step("6", "TaskUpdate", `{"taskId":"9","status":"completed"}`, true, "Updated task #9 status"),
	)
	now := outlineOfRun(lines...).NowIn(&session)
	if now.Plan != "1/2" {
		t.Errorf("the plan is %q, want 1/2", now.Plan)
	}
	steps, err := json.Marshal(now.Steps)
	if want := `[{"text":"Look","state":"done"},{"text":"Think","state":"todo"}]`; err != nil || string(steps) != want {
		t.Errorf("its steps are %s, want %s", steps, want)
	}
	lines = append(lines, step("7", "TaskUpdate", `{"taskId":"2","status":"deleted"}`, true, "Deleted task #2")...)
	if got := outlineOfRun(lines...).NowIn(&session).Plan; got != "1/1" {
		t.Errorf("without its second step the plan is %q, want 1/1", got)
	}
}

// People are who is asked for, not the programs that speak in their place.
func TestKindsOfWhatIsSaidToAnAgent(t *testing.T) {
	for _, c := range []struct {
		by         eventlog.Actor
		data, want string
	}{
		{eventlog.Human, `{"content":"x"}`, "people"},
		{eventlog.Human, `{"content":"x","parent_call_id":"c"}`, "people"},
		{eventlog.System, `{"content":"x"}`, "other"},
		{eventlog.Agent, `{"content":"x"}`, "people"},
		{eventlog.Agent, `{"content":"x","parent_call_id":"c"}`, "says"},
	} {
		e := event(1, "user", c.by, c.data)
		if got := page.KindsOf(&e); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s by %s is of %q, want %s", c.data, c.by, got, c.want)
		}
	}
}
