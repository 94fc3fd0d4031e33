//go:build agents

package agents_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

// watcher is a tab in a real Chromium.
type watcher struct {
	*testing.T
	ctx context.Context
}

// observe notes which events were ever in the page, and how each row looked when it was
// taken out of it: a page keeps only a part of a long run.
const observe = `
	globalThis.seen = new Set();
	globalThis.looked = new Map();
	globalThis.look = (root) => {
		for (const row of [root, ...root.querySelectorAll(".event[data-seq]")]) {
			if (!row.matches(".event[data-seq]") || ["tool_result", "cost"].includes(row.dataset.type)) continue; // they go into the row of their call or step
			const copy = row.cloneNode(true);
			for (const e of copy.querySelectorAll(".subagent")) e.remove(); // its rows stand for themselves
			for (const e of [copy, ...copy.querySelectorAll(".target, .current")]) e.classList.remove("target", "current", "folded");
			for (const e of copy.querySelectorAll(".mark")) e.removeAttribute("style");
			for (const e of copy.querySelectorAll('[class=""]')) e.removeAttribute("class");
			looked.set(Number(row.dataset.seq), copy.outerHTML.replace(/\n/g, ""));
		}
	};
	const note = (root) => { for (const e of [root, ...root.querySelectorAll("[data-seq]")]) if (e.dataset?.seq) seen.add(Number(e.dataset.seq)); };
	const timeline = document.getElementById("timeline");
	note(timeline);
	new MutationObserver((changes) => {
		for (const c of changes) {
			if (c.type === "attributes") note(c.target);
			else {
				for (const e of c.addedNodes) if (e.nodeType === 1) note(e);
				for (const e of c.removedNodes) if (e.nodeType === 1) look(e);
			}
		}
	}).observe(timeline, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-seq"] });
	true`

func (w *watcher) open(url string) {
	w.Helper()
	w.done(chromedp.Run(w.ctx, chromedp.Navigate(url)))
	watched[bool](w, observe)
}

func (w *watcher) done(_ any, err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// watched evaluates an expression in the page.
func watched[T any](w *watcher, expression string) T {
	w.Helper()
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		w.Fatal(err)
	}
	return value
}

// until waits for a condition in the page.
func (w *watcher) until(expression string, patience time.Duration) {
	w.Helper()
	if _, err := chromedp.Run(w.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience))); err != nil {
		w.Fatalf("%s never held: %v", expression, err)
	}
}

// rendered is what stands in a place, without marks of where a reader is.
const rendered = `(() => {
	const copy = document.querySelector(%q).cloneNode(true);
	for (const e of copy.querySelectorAll(".mark")) e.removeAttribute("style");
	for (const e of copy.querySelectorAll(".target, .current")) e.classList.remove("target", "current");
	for (const e of copy.querySelectorAll('[class=""]')) e.removeAttribute("class");
	return copy.innerHTML.replace(/\n/g, "");
})()`

// rows are those of the timeline, by their events.
const rows = `(() => {
	const copy = document.getElementById("timeline").cloneNode(true);
	for (const e of copy.querySelectorAll(".mark")) e.removeAttribute("style");
	for (const e of copy.querySelectorAll(".target, .current")) e.classList.remove("target", "current");
	for (const e of copy.querySelectorAll('[class=""]')) e.removeAttribute("class");
	return [...copy.querySelectorAll("[data-seq]")].filter((e) => e.parentElement.closest("[data-seq]") === null)
		.map((e) => ({ seq: Number(e.dataset.seq), html: e.outerHTML.replace(/\n/g, "") }));
})()`

// allRows are all rows that were ever in the timeline, as they looked last.
const allRows = `(look(document.getElementById("timeline")), [...looked].map(([seq, html]) => ({ seq, html })).sort((a, b) => a.seq - b.seq))`

type shownRow struct {
	Seq  int
	HTML string
}

// claudeThatAsks is Claude Code that is spoken to, and asks before it does what is not
// among the tools.
func claudeThatAsks(p agents.Place, tools string) []string {
	return []string{
		filepath.Join(p.Bin, "@anthropic-ai/claude-code-linux-x64/claude"), "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
		"--replay-user-messages", "--permission-prompt-tool", "stdio", "--allowedTools", tools, "--model", "claude-sonnet-4-5-20250929",
	}
}

// named finds an agent.
func named(t *testing.T, name string) *agents.Agent {
	t.Helper()
	all := agents.All()
	i := slices.IndexFunc(all, func(a *agents.Agent) bool { return a.Name == name })
	if i < 0 {
		t.Fatalf("there is no agent %s", name)
	}
	return all[i]
}

// longestTask is how long a page may work before it answers its reader.
const longestTask = 200 * time.Millisecond

// A tab that is open during all of a real agent's long run.
func TestAPageThatWatchesALongRunShowsAllOfIt(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	r := startRecorder(t, *jrweb)
	created, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.url+"/tasks/t-1", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	created.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(created)
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()

	allocator, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))...)
	t.Cleanup(cancel)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	page := &watcher{t, tab}
	page.open(r.url + "/tasks/t-1")

	work := measureBusy(t, page.ctx)

	agent := named(t, "claude")
	m := model.Serve("watched")
	t.Cleanup(m.Close)
	dir := t.TempDir()
	place := agents.Place{Bin: *bin, Home: filepath.Join(dir, "home"), Work: filepath.Join(dir, "work"), Model: m.URL}
	if err := agent.Prepare(place, agents.Scenario{Files: variedFiles()}); err != nil {
		t.Fatal(err)
	}
	m.Play(variedScript(place.Work))
	begun := time.Now()
	run := exec.CommandContext(t.Context(), *jrweb, append([]string{"run", "-steer", "-url", r.url, "-task", "t-1", "-spool", filepath.Join(dir, "spool"), "--"},
		claudeThatAsks(place, "Read,Edit,Write,Agent,ToolSearch,TaskCreate,TaskUpdate,Bash(sh check.sh),Bash(sh colour.sh),Bash(sh test.sh:*),Bash(grep:*),Bash(seq:*)")...)...)
	run.Dir, run.Env = place.Work, agent.Environment(place)
	run.Stdin, run.Stderr = strings.NewReader("Make it count. [main]"), t.Output()
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() })

	// A person looks, says something, and allows what the agent asks for.
	page.until(`document.querySelector('input[name="kind"][value="user"]').disabled === false`, time.Minute)
	watched[bool](page, `(document.getElementById("message").value = "Use tabs.", document.getElementById("compose").requestSubmit(), true)`)
	page.until(`document.querySelector('.receipt[data-state="read"]') !== null`, 5*time.Minute)
	for range questions {
		page.until(`document.querySelector(".option:not([disabled])") !== null`, 20*time.Minute)
		watched[bool](page, `([...document.querySelectorAll(".option:not([disabled])")].find((e) => e.textContent.includes("once")).click(), true)`)
		page.until(`document.querySelector(".option:not([disabled])") === null`, time.Minute)
	}
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	page.until(`document.body.dataset.state === "ended"`, time.Minute)

	events := r.task(t, "t-1").Sessions[0].Events
	if len(events) <= 1000 {
		t.Fatalf("the run has %d events: it is not long", len(events))
	}
	long := work.end(t, page.ctx)
	t.Logf("%d events in %s; %d tasks took 50 ms or more by the clock", len(events), time.Since(begun).Round(time.Second), len(long))
	if len(long) == 0 {
		t.Error("nothing was measured")
	}
	for _, task := range long[:min(len(long), 5)] {
		t.Logf("%s of the processor, %s by the clock", task.processor, task.clock)
		if task.processor > longestTask {
			t.Errorf("a task took %s of the processor", task.processor)
		}
	}

	places := []string{"#bar", ".about", "#outcome", "#map"}
	shown := map[string]string{}
	for _, place := range places {
		shown[place] = watched[string](page, fmt.Sprintf(rendered, place))
	}
	const numbers = `[...seen].sort((a, b) => a - b)`
	live, was, allLive := watched[[]shownRow](page, rows), watched[[]int](page, numbers), watched[[]shownRow](page, allRows)

	// A reload begins at the start of a run that is over, and its reader goes down to the end.
	page.open(r.url + "/tasks/t-1")
	page.until(`document.body.dataset.state === "ended"`, time.Minute)
	for _, place := range places {
		same(t, place, shown[place], watched[string](page, fmt.Sprintf(rendered, place)))
	}
	const last = `Math.max(...[...document.querySelectorAll("#timeline [data-seq]")].map((e) => Number(e.dataset.seq)))`
	for at := watched[int](page, last); at < len(events); at = watched[int](page, last) {
		watched[bool](page, `(scrollTo(0, document.documentElement.scrollHeight), true)`)
		page.until(fmt.Sprintf(`%s > %d`, last, at), time.Minute)
	}
	loaded, is := watched[[]shownRow](page, rows), watched[[]int](page, numbers)
	if len(live) < 20 || len(loaded) < len(live) {
		t.Fatalf("live there are %d rows, after a reload %d", len(live), len(loaded))
	}
	loaded = loaded[len(loaded)-len(live):]
	for i := 1; i < len(live); i++ { // of the first one, what is below may be out of the page
		same(t, fmt.Sprintf("the row of event %d", live[i].Seq), live[i].HTML, loaded[i].HTML)
	}
	// So do those that went out of the page meanwhile.
	allLoaded := watched[[]shownRow](page, allRows)
	if len(allLive) < 500 || len(allLive) != len(allLoaded) {
		t.Fatalf("live there were the rows of %v, after a reload of %v", sequences(allLive), sequences(allLoaded))
	}
	for i := range allLive {
		same(t, fmt.Sprintf("the row of event %d", allLive[i].Seq), allLive[i].HTML, allLoaded[i].HTML)
	}
	if !slices.Equal(was, is) {
		t.Errorf("live these events were seen:\n%v\nafter a reload:\n%v", was, is)
	}
	// What has no row stands elsewhere on the page.
	for i, e := range events {
		if _, shown := slices.BinarySearch(was, i+1); !shown && e.Type != "session" && e.Type != "cost" {
			t.Errorf("event %d was never seen: %s %s", i+1, e.Type, json.RawMessage(e.Data))
		}
	}
}

func sequences(rows []shownRow) (all []int) {
	for _, r := range rows {
		all = append(all, r.Seq)
	}
	return all
}

// same fails with where two texts begin to differ.
func same(t *testing.T, what, live, loaded string) {
	t.Helper()
	if live == loaded {
		return
	}
	i := 0
	for i < min(len(live), len(loaded)) && live[i] == loaded[i] {
		i++
	}
	from := max(0, i-200)
	t.Errorf("%s differs. Live:\n…%s\nafter a reload:\n…%s", what, live[from:min(len(live), i+200)], loaded[from:min(len(loaded), i+200)])
}
