package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"jrweb/eventlog"
)

// past makes a session of a task whose events were appended long ago.
func (s *server) past(task string, ago time.Duration, events ...eventlog.Event) {
	s.t.Helper()
	s.stop()
	then := time.Now().Add(-ago)
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return then }})
	if err != nil {
		s.t.Fatal(err)
	}
	session, err := log.Start(s.t.Context(), task, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(events) > 0 {
		if _, err := session.Append(s.t.Context(), events...); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// aCall is a call that waits for its result.
func aCall(tool, id, command string) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeToolCall, Data: fmt.Appendf(nil, `{"tool":%q,"args":{"command":%q},"call_id":%q}`, tool, command, id)}
}

// nowSays waits until the head of the page says what the agent does.
func (b *tab) nowSays(words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.until(fmt.Sprintf(`document.getElementById("now").innerText.replace(/\s+/g, " ").includes(%q)`, word))
	}
}

// A page of a run that is too long to be read at once comes to tell what it came to, without
// being loaded again, and the list does, too.
func TestAPageOfARunThatIsReadInPartsTellsItsEnd(t *testing.T) {
	s := serve(t)
	s.appendMany("t-parts", 60_000)
	for range 3 {
		s.append("t-parts", call("bash", "b", "make"), failedResult("bash", "b"))
	}
	s.append("t-parts", says("It is mended."), `{"type":"complete","data":{"status":"failed","reason":"enough"}}`)
	for _, path := range []string{"/tasks/t-parts", "/"} {
		s.stop() // what it has read is forgotten
		s.start()
		page := openTab(t, s.url+path)
		if path == "/" {
			page.until(`document.querySelector(".doing .now-loop")?.textContent === "The same call of bash failed 3 ×"`)
			continue
		}
		page.nowSays("Failed enough", "The same call of bash failed 3 ×")
		page.until(`document.querySelector(".outcome-title")?.textContent === "Failed: enough" && document.querySelector(".outcome-answer").innerText.includes("It is mended.")`)
	}
}

// The head describes the newest event of the run, whatever is on the screen.
func TestTheHeadIsOfTheNewestEvent(t *testing.T) {
	s := serve(t)
	s.appendMany("t-now", 500)
	s.append("t-now", `{"type":"tool_call","data":{"tool":"Task","args":{"description":"count them","subagent_type":"Explore","prompt":"count"},"call_id":"sub"}}`)
	page := openTab(t, s.url+"/tasks/t-now?around=20#20")
	page.live()
	page.nowSays("Running Task", "count them")

	const inside = `,"parent_call_id":"sub"`
	grep := strings.Replace(call("Grep", "g", "x.go"), `"call_id"`, `"parent_call_id":"sub","call_id"`, 1)
	s.append("t-now", grep)
	page.nowSays("Explore agent: Running Grep", "x.go", "inside Task count them")
	s.append("t-now", strings.Replace(result("Grep", "g", "no"), `"success":true`, `"success":false`+inside, 1))
	page.nowSays("Explore agent: Thinking", "after Grep, which failed")

	// Something else is chosen to be looked at; the head does not care.
	page.run(`document.querySelector('.kinds [data-kind="says"]').click()`)
	page.run(`document.getElementById("search").value = "nothing has this"; document.getElementById("search").dispatchEvent(new Event("input"))`)
	s.append("t-now", result("Task", "sub", "two"), says("There are two."))
	page.nowSays("Says", "There are two.")

	// The connection is away, and comes back.
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	s.append("t-now", call("bash", "b", "make"))
	page.live()
	page.nowSays("Running bash", "make")
	if first := evaluate[int](page, `Number(document.querySelector("#timeline [data-seq]").dataset.seq)`); first > 20 {
		t.Errorf("it has gone to event %d", first)
	}
}

// An open tool of which nothing was heard for long looks stuck, silence without one is
// idle, and list and page say the same. What counts is when it was appended.
func TestListAndPageAgreeOnWhatIsStuck(t *testing.T) {
	s := serve(t)
	s.past("t-stuck", 20*time.Minute, aCall("bash", "c", "make"))
	s.past("t-idle", 20*time.Minute)
	s.append("t-old", `{"type":"tool_call","time":"2024-01-02T03:04:05Z","data":{"tool":"bash","args":{"command":"make"},"call_id":"c"}}`)
	page := openTab(t, s.url+"/")
	page.live()
	const statuses = `[...document.querySelectorAll("[data-task]")].map(e => e.dataset.task + " " + e.querySelector(".status").textContent).sort().join(", ")`
	page.until(statuses + ` === "t-idle idle, t-old open, t-stuck stuck?"`)

	for task, want := range map[string]string{"t-stuck": "stuck", "t-idle": "idle", "t-old": "working"} {
		page.goTo(s.url + "/tasks/" + task)
		page.until(fmt.Sprintf(`document.body.dataset.pace === %q`, want))
		page.until(fmt.Sprintf(`document.title.startsWith("⚠") === %v`, want == "stuck"))
	}
	page.goTo(s.url + "/tasks/t-stuck")
	page.nowSays("stuck? nothing was heard since")
	s.append("t-stuck", result("bash", "c", "done"))
	page.until(`document.body.dataset.pace === "working" && document.title.startsWith("●")`)
}

// becomes waits for a condition in whatever page the tab shows by then.
func (b *tab) becomes(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			b.t.Fatalf("%s never held: %v", expression, err)
		}
	}
}

// rendered is what the page shows, except what belongs to the moment.
const rendered = `(() => {
	const copy = document.querySelector(%q).cloneNode(true);
	for (const e of copy.querySelectorAll(".target, .current")) e.classList.remove("target", "current");
	for (const e of copy.querySelectorAll(".mark")) e.removeAttribute("style");
	for (const e of copy.querySelectorAll('[class=""]')) e.removeAttribute("class");
	return copy.innerHTML.replace(/\n/g, "");
})()`

// knownTypes are all types that the log knows, and one that it does not.
var knownTypes = []string{
	eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeUser, eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeCost, eventlog.TypeError,
	eventlog.TypeStatus, eventlog.TypeComment, eventlog.TypeCheckpoint, eventlog.TypeGuardrail, eventlog.TypeQuestion, eventlog.TypeAnswer, eventlog.TypeReceipt,
	eventlog.TypeSession, eventlog.TypeComplete, "raw", "plan_update",
}

// Whatever is shown live is byte for byte what a reload shows, for every type of event.
func TestWhatIsShownLiveIsWhatAReloadShows(t *testing.T) {
	s := serve(t)
	s.append("t-same", `{"type":"session","data":{"agent":"Agent","model":"m-1","cwd":"/repo"}}`)
	page := openTab(t, s.url+"/tasks/t-same")
	page.live()
	at := func(second int, event string) string {
		return strings.Replace(event, `{"type"`, fmt.Sprintf(`{"time":"2026-03-01T09:%02d:%02d.250Z","type"`, second/60, second%60), 1)
	}
	events := everyType("some **text**, `code`\n\nand /repo/a.go")
	events = append(events,
		`{"type":"session","data":{"model":"m-2"}}`,
		`{"type":"user","actor":"system","data":{"content":"from the system"}}`,
		call("read_file", "c1", "/repo/a.go"), result("read_file", "c1", "package a"),
		call("read_file", "c2", "/repo/b.go"), call("read_file", "c3", "/repo/c.go"), result("read_file", "c3", "c"),
		`{"type":"tool_result","data":{"tool":"read_file","success":false,"output":"no such file","call_id":"c2","duration_ms":12}}`,
		`{"type":"tool_call","data":{"tool":"bash","args":{"command":"go test ./..."}}}`, `{"type":"tool_result","data":{"tool":"bash","success":true,"output":""}}`,
		`{"type":"cost","data":{"id":"m1","part_of":"t","usd":0.1,"model":"m-2"}}`, `{"type":"cost","data":{"id":"m1","part_of":"t","usd":0.2,"model":"m-2"}}`,
		`{"type":"cost","data":{"usd":0.01,"input_tokens":10,"output_tokens":20}}`, `{"type":"cost","data":{"usd":0.5,"scope":"cumulative"}}`,
		`{"type":"tool_call","data":{"tool":"Task","args":{"description":"look","subagent_type":"Explore","prompt":"look"},"call_id":"sub"}}`,
		`{"type":"assistant","data":{"content":"I look","parent_call_id":"sub"}}`,
		`{"type":"tool_call","data":{"tool":"Grep","args":{"pattern":"x"},"call_id":"g","parent_call_id":"sub"}}`,
		`{"type":"tool_result","data":{"tool":"Grep","success":true,"output":"y","call_id":"g","parent_call_id":"sub"}}`,
		`{"type":"cost","data":{"usd":0.03,"parent_call_id":"sub"}}`,
		`{"type":"tool_result","data":{"tool":"Task","success":true,"output":"found","call_id":"sub"}}`,
		`{"type":"tool_call","data":{"tool":"apply_patch","args":{"input":"*** Begin Patch\n*** Update File: a.go\n@@\n-a\n+b\n*** Add File: b.go\n+new\n*** End Patch"},"call_id":"p"}}`,
		`{"type":"tool_result","data":{"tool":"apply_patch","success":true,"output":"ok","call_id":"p"}}`,
		`{"type":"tool_call","data":{"tool":"TodoWrite","args":{"todos":[{"content":"One","status":"completed"},{"content":"Two","status":"in_progress"}]},"call_id":"td"}}`,
		`{"type":"tool_result","data":{"tool":"TodoWrite","success":true,"output":"","call_id":"td"}}`,
		`{"type":"question","data":{"content":"May I?","options":[{"value":"allow","label":"Allow once"}],"call_id":"q"}}`,
		`{"type":"answer","actor":"human","data":{"for":LAST,"value":"allow"}}`, `{"type":"receipt","actor":"system","data":{"for":LAST,"state":"read"}}`,
		`{"type":"assistant","data":{"content":"I take this back"}}`,
		`{"type":"status","data":{"content":"Withdrawn","withdraws":[{"type":"assistant","content":"I take this back"}]}}`,
		`{"type":"raw","data":{"content":"what?"}}`, `{"type":"raw","data":{"content":"what?"}}`,
		call("ls", "l1", "/repo/a"), result("ls", "l1", "x"), call("ls", "l2", "/repo/b"), result("ls", "l2", "x"), call("LS", "l3", "/repo/c"), result("LS", "l3", "x"),
		`{"type":"tool_call","data":{"tool":"Edit","args":{"file_path":"/repo/a.go","old_string":"b","new_string":"c"},"call_id":"ed"}}`, result("Edit", "ed", "ok"),
		`{"type":"tool_call","data":{"tool":"bash","args":{"command":"sleep 9"},"call_id":"never"}}`,
	)
	last := 1
	for i, event := range events {
		s.append("t-same", at(i, strings.Replace(event, "LAST", fmt.Sprint(last), 1)))
		last++
		if i%3 == 0 { // one by one, and several at once
			page.has(last)
		}
	}
	page.has(last)
	s.append("t-same", at(len(events), `{"type":"complete","data":{"status":"failed","reason":"enough"}}`))
	page.has(last + 1)
	page.until(`document.body.dataset.state === "ended"`)
	page.nowSays("Failed", "1/2 done")
	page.until(`document.querySelector(".outcome-title")?.textContent === "Failed: enough"`)
	for _, kind := range knownTypes {
		if !evaluate[bool](page, `document.querySelector('#timeline [data-type="%s"]') !== null`, kind) {
			t.Errorf("no event of type %s is among them", kind)
		}
	}
	again := page.another(s.url + "/tasks/t-same")
	again.until(`document.body.dataset.state === "ended"`)
	for _, place := range []string{"#timeline", "#bar", ".about", "#outcome", "#map"} {
		sameText(t, place, evaluate[string](page, rendered, place), evaluate[string](again, rendered, place))
	}
}

// sameText fails with where two texts begin to differ.
func sameText(t *testing.T, what, a, b string) {
	t.Helper()
	if a == b {
		return
	}
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-300)
	t.Errorf("%s differs. Live:\n…%s\nafter a reload:\n…%s", what, a[from:min(len(a), i+300)], b[from:min(len(b), i+300)])
}

// Each event counts, also those of which the server told before their rows came.
func TestPageCountsWhatTheServerKnewBeforeItsRowCame(t *testing.T) {
	s := serve(t)
	s.append("t-ahead", says("one"))
	for _, query := range []string{"", "?sessions=all"} {
		page := openTab(t, s.url+"/tasks/t-ahead"+query)
		page.live()
		page.run(`globalThis.asked = 0; const real = fetch; globalThis.fetch = async (...of) => {
			const answer = await real(...of);
			if (!String(of[0]).includes("/now")) return answer;
			const all = await answer.json();
			all.session.head += 100;
			asked++;
			return new Response(JSON.stringify(all), { headers: answer.headers });
		}`)
		before := evaluate[string](page, `document.getElementById("raws").dataset.count`)
		s.append("t-ahead", says("more"))
		page.until(`asked > 0`)
		last := s.append("t-ahead", `{"type":"raw","data":{"content":"what?"}}`).Last
		page.until(fmt.Sprintf(`document.querySelectorAll("#timeline [data-seq]").length === %d`, last))
		page.until(fmt.Sprintf(`Number(document.getElementById("raws").dataset.count) === %s + 1`, before))
		if query != "" {
			page.until(fmt.Sprintf(`document.getElementById("count").textContent === "%d"`, last))
		}
	}
}

// After a session was superseded, or canceled and tried again later, the page goes on
// with the new one if its reader was at the end, and says so to one who was not, or who
// looks at that session alone.
func TestPageGoesOnWithTheNextSession(t *testing.T) {
	s := serve(t)
	const cancel = `{"status":"canceled","reason":"no"}`
	first := s.appendMany("t-next", 60)
	page := openTab(t, s.url+"/tasks/t-next")
	page.live()
	page.until(atEnd)
	reader := page.another(s.url + "/tasks/t-next")
	reader.live()
	reader.run(`scrollTo(0, 300)`)
	reader.until(`document.body.dataset.follow === "false"`)
	pinned := page.another(s.url + "/tasks/t-next?session=" + first)
	pinned.live()

	s.post("/tasks/t-next/sessions", "", nil) // which ends the first
	second := s.append("t-next", says("the second try")).Session
	page.becomes(fmt.Sprintf(`document.body.dataset.session === %q && document.body.dataset.state === "live"`, second))
	page.showsExactly(1)
	reader.until(`document.getElementById("next")?.innerText.includes("A new session has started")`)
	reader.until(fmt.Sprintf(`document.body.dataset.session === %q`, first))
	pinned.until(`document.body.dataset.state === "ended" && document.getElementById("next")?.innerText.includes("A new session has started")`)

	// Canceled now, tried again later: the page waits for it.
	s.post("/tasks/t-next/sessions/"+second+"/complete", cancel, nil)
	page.until(`document.body.dataset.state === "ended"`)
	third := s.append("t-next", says("the third try")).Session
	page.becomes(fmt.Sprintf(`document.body.dataset.session === %q && document.body.dataset.state === "live"`, third))
	reader.run(`document.querySelector("#next a").click()`)
	reader.becomes(fmt.Sprintf(`document.body.dataset.session === %q`, third))
	pinned.until(fmt.Sprintf(`document.body.dataset.session === %q`, first))
}

// A run over midnight says which day it is, and the time between two events keeps its unit.
func TestARunOverMidnightShowsDates(t *testing.T) {
	s := serve(t)
	at := func(time, event string) string {
		return strings.Replace(event, `{"type"`, `{"time":"`+time+`","type"`, 1)
	}
	s.post("/tasks/t-night/sessions", `{"started":"2026-03-01T23:50:00Z"}`, nil)
	page := openTab(t, s.url+"/tasks/t-night")
	page.live()
	s.append("t-night", at("2026-03-01T23:58:00Z", says("late")), at("2026-03-02T00:10:30Z", says("early")), at("2026-03-02T03:11:00Z", call("bash", "c", "make")), at("2026-03-02T03:11:02.5Z", result("bash", "c", "ok")))
	const times = `[...document.querySelectorAll("#timeline time")].map(e => e.textContent).join(", ")`
	const gaps = `[...document.querySelectorAll("#timeline .since")].map(e => e.textContent).join(", ")`
	for range 2 { // live, and after a reload
		page.has(4)
		if got := evaluate[string](page, times); got != "23:58:00, Mar 2 00:10:30, Mar 2 03:11:00, Mar 2 03:11:02" {
			t.Errorf("the times are %s", got)
		}
		if got := evaluate[string](page, gaps); got != ", +12 min, +3 h" {
			t.Errorf("between them are %s", got)
		}
		page.until(`document.querySelector(".took").textContent === "2.5 s"`)
		page.goTo(s.url + "/tasks/t-night")
		page.live()
	}
}

// What becomes of the calls at the end of a part is not said before it is known.
func TestACallAtTheEndOfAPartGoesOn(t *testing.T) {
	s := serve(t)
	s.appendMany("t-part", 198)
	session := s.append("t-part", call("bash", "never", "x"), call("bash", "late", "x")).Session
	s.append("t-part", result("bash", "late", "done"), says("on"), call("bash", "last", "x"))
	const calls = `[...document.querySelectorAll('[data-type="tool_call"]')].map(e => e.dataset.seq + " " + e.dataset.outcome).join(", ")`

	page := openTab(t, s.url+"/healthz") // without script
	if _, err := chromedp.Call(page.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	page.goTo(s.url + "/tasks/t-part?after=0&session=" + session)
	if got := evaluate[string](page, calls); got != "199 later, 200 later" {
		t.Errorf("the part ends with %s", got)
	}
	if text := evaluate[string](page, `document.getElementById("timeline").innerText`); strings.Contains(text, "no result") || !strings.Contains(text, "goes on") {
		t.Errorf("it says: …%s", text[max(0, len(text)-200):])
	}
	page.emulateMedia("print")
	if got := evaluate[string](page, `getComputedStyle(document.getElementById("newer").parentElement, "::after").content`); !strings.Contains(got, "newer events are not in the page") {
		t.Errorf("on paper the end is told as %s", got)
	}

	page = page.another(s.url + "/tasks/t-part?after=0&session=" + session)
	page.live()
	page.run(`scrollTo(0, document.documentElement.scrollHeight)`)
	page.until(calls + ` === "199 none, 200 ok, 203 open"`)
	page.until(`document.getElementById("199").innerText.includes("no result") && /\d s/.test(document.getElementById("203").querySelector(".took").textContent)`)
}
