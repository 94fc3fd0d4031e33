package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press presses keys.
func (b *tab) press(keys string) {
	b.t.Helper()
	do(b, chromedp.KeyEvent(keys))
}

const currentID = `document.querySelector(".current")?.id`

func TestPageIsUsedByKeyboard(t *testing.T) {
	s := serve(t)
	s.append("t-keys", says("one"), call("read_file", "c1", "a.go"), result("read_file", "c1", "package a"),
		`{"type":"error","data":{"message":"first"}}`, says("five"), `{"type":"error","data":{"message":"second"}}`)
	page := openTab(t, s.url+"/tasks/t-keys")
	page.live()
	page.showsExactly(6)

	page.press("j")
	page.until(currentID + ` === "1"`)
	page.press("j")
	page.until(currentID + ` === "2"`)
	page.press(kb.Enter)
	page.until(`document.getElementById("2").querySelector("details").open`)
	page.press("j")
	page.until(currentID + ` === "4"`) // the result has no row of its own
	page.press("k")
	page.until(currentID + ` === "2"`)
	page.press("ee")
	page.until(currentID + ` === "6"`)
	page.press("E")
	page.until(currentID + ` === "4"`)

	page.press("f")
	page.until(`document.body.dataset.follow === "true"`)
	page.press("f")
	page.until(`document.body.dataset.follow === "false"`)

	page.press("?")
	page.until(`document.getElementById("help").open`)
	page.press(kb.Escape)
	page.until(`!document.getElementById("help").open`)

	// The page takes this key itself. A press by KeyEvent would type it anyway.
	page.run(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}))`)
	page.until(`document.activeElement.id === "search"`)
	page.press("second j")
	page.until(`document.getElementById("search").value === "second j" && ` + currentID + ` === "4"`)
	page.press(kb.Escape)
	page.until(`document.getElementById("search").value === "" && document.activeElement.id !== "search"`)
}

const visibleRows = `[...document.querySelectorAll("#timeline > .event")].filter(e => e.getClientRects().length > 0).map(e => e.id).join(" ")`

// A search finds in the whole run, leads from hit to hit, and unfolds and marks them,
// also where the output of a tool was left out.
func TestPageIsSearched(t *testing.T) {
	s := serve(t)
	s.append("t-find", says("the needle in the old part"))
	s.appendMany("t-find", 500)
	s.append("t-find", call("bash", "c", "x"), result("bash", "c", strings.Repeat("hay\n", 60_000)+"a NEEDLE\n"+strings.Repeat("hay\n", 60_000)), says("nothing"))
	page := openTab(t, s.url+"/tasks/t-find")
	page.live()
	page.has(504)

	const found = `document.getElementById("found").textContent`
	page.run(`document.getElementById("search").focus()`)
	page.press("needle")
	page.until(found + ` === "2 found in the whole run"`)
	page.press(kb.Enter) // from what is in view on
	page.until(found + `.startsWith("2 of 2 found") && document.querySelector(".target")?.id === "503"`)
	page.until(`document.getElementById("502").querySelector("details").open && document.getElementById("503").innerText.includes("a NEEDLE")`)
	page.until(`[...CSS.highlights.get("found")].length > 0`)
	page.press(kb.Enter)
	page.until(found + `.startsWith("1 of 2 found") && document.querySelector(".target")?.id === "1" && document.querySelector(".target").getClientRects().length > 0`)
	page.until(`[...CSS.highlights.get("found")].length === 1`)
	page.run(`document.getElementById("previous-hit").click()`)
	page.until(`document.querySelector(".target")?.id === "503"`)
	// What is found in the middle of a run is not under the tools, which have grown.
	page.run(`const box = document.getElementById("search"); box.value = "event 250"; box.dispatchEvent(new Event("input"))`)
	page.until(found + ` === "1 found in the whole run"`)
	page.run(`document.getElementById("next-hit").click()`)
	page.until(`document.querySelector(".target")?.textContent.includes("event 250")`)
	page.until(`document.querySelector(".target").getBoundingClientRect().top >= document.querySelector(".timeline-tools").getBoundingClientRect().bottom`)
	page.run(`const box = document.getElementById("search"); box.value = "needle"; box.dispatchEvent(new Event("input"))`)
	page.until(found + `.endsWith("2 found in the whole run")`)
	page.run(`document.getElementById("previous-hit").click()`)
	page.until(`document.querySelector(".target")?.id === "1"`)
	page.run(`document.getElementById("next-hit").click()`)
	page.until(`document.querySelector(".target")?.id === "503"`)
	s.append("t-find", says("a new needle"))
	page.until(found + `.startsWith("2 of 3 found")`)
	page.run(`document.getElementById("search").focus()`)
	page.press(kb.Escape)
	page.until(`!CSS.highlights.has("found") && document.getElementById("found").parentElement.hidden`)
}

// What is chosen is what is shown, failed tools are errors as well, and the tools stay
// in reach.
func TestPageShowsTheKindsThatAreChosen(t *testing.T) {
	s := serve(t)
	s.append("t-kinds", `{"type":"error","data":{"message":"the first"}}`)
	s.appendMany("t-kinds", 500)
	s.append("t-kinds", call("bash", "c", "x"), `{"type":"tool_result","data":{"tool":"bash","success":false,"output":"no","call_id":"c"}}`,
		`{"type":"thought","data":{"content":"hm"}}`, call("read_file", "d", "a.go"), result("read_file", "d", "package a"))
	page := openTab(t, s.url+"/tasks/t-kinds")
	page.live()
	page.has(506)
	pressed := func(want string) {
		t.Helper()
		page.until(fmt.Sprintf(`[...document.querySelectorAll('.kinds [aria-pressed="true"]')].map(e => e.textContent).join(" ") === %q`, want))
	}
	pressed("All")
	looks := func(kind string) string {
		return evaluate[string](page, `getComputedStyle(document.querySelector('.kinds [data-kind="%s"]')).backgroundColor`, kind)
	}
	if looks("") == looks("error") {
		t.Error("on and off look the same")
	}
	page.run(`document.querySelector('.kinds [data-kind="thought"]').click()`)
	page.until(visibleRows + ` === "504"`)
	page.run(`document.querySelector('.kinds [data-kind="thought"]').click()`)
	pressed("All")
	page.run(`document.querySelector('.kinds [data-kind="error"]').click()`)
	pressed("Errors")
	page.until(`document.getElementById("found").textContent === "2 found in the whole run"`)
	page.until(visibleRows + `.endsWith("502")`)
	page.run(`document.getElementById("previous-hit").click()`)
	page.until(`document.querySelector(".target")?.id === "1"`)
	if in := evaluate[float64](page, `document.querySelector(".timeline-tools").getBoundingClientRect().top`); in < 0 || in > 300 {
		t.Errorf("the tools are at %.0f", in)
	}
	s.append("t-kinds", says("hay"), `{"type":"error","data":{"message":"the last"}}`)
	page.until(`document.getElementById("found").textContent.includes("3 found")`)
	// A permalink is shown whatever is chosen.
	page.run(`location.hash = "#400"`)
	page.until(`document.querySelector(".target")?.id === "400" && document.querySelector(".target").getClientRects().length > 0`)
	pressed("All")
}

// People take part: what they write reaches the log as they meant it, and all who
// look see it.
func TestPageTakesMessagesAndEndsASession(t *testing.T) {
	s := serve(t)
	session := s.listening("t-talk")
	s.append("t-talk", says("one"))
	page := openTab(t, s.url+"/tasks/t-talk")
	page.live()
	other := page.another(s.url + "/tasks/t-talk")
	other.live()

	page.run(`document.getElementById("message").focus()`)
	page.press("Please stop at **noon**")
	page.run(`document.getElementById("compose").requestSubmit()`)
	for _, tab := range []*tab{page, other} {
		tab.until(`document.querySelector('#timeline [data-type="user"][data-actor="human"] strong')?.textContent === "noon"`)
	}
	page.until(`document.getElementById("message").value === ""`)
	page.run(`document.querySelector('#compose [value="comment"]').click(); document.getElementById("message").value = "so far so good"; document.getElementById("compose").requestSubmit()`)
	page.has(3)
	events := s.written("t-talk")
	if got := events[1]; got.Type != "user" || got.Actor != "human" || string(got.Data) != `{"content":"Please stop at **noon**","author":"local"}` {
		t.Errorf("the message is %+v", got)
	}
	if got := events[2]; got.Type != "comment" || got.Actor != "human" || string(got.Data) != `{"content":"so far so good"}` {
		t.Errorf("the comment is %+v", got)
	}

	page.run(`document.getElementById("cancel").click()`)
	page.until(`document.getElementById("cancel-dialog").open`)
	page.run(`document.getElementById("reason").value = "it hangs"; document.querySelector("#cancel-dialog form").requestSubmit()`)
	for _, tab := range []*tab{page, other} {
		tab.until(`document.body.dataset.state === "ended" && document.getElementById("compose").hidden`)
	}
	if latest, head, status := s.head("t-talk"); latest != session || head != 4 || status != "canceled" {
		t.Errorf("the session is %s with %d events", status, head)
	}
	if got := s.written("t-talk")[3]; string(got.Data) != `{"status":"canceled","reason":"it hangs","author":"local"}` {
		t.Errorf("the end is %s", got.Data)
	}
}

type envelope struct {
	Type, Actor string
	Data        json.RawMessage
}

// written returns the events of a task's latest session.
func (s *server) written(task string) []envelope {
	s.t.Helper()
	res, err := http.Get(s.url + "/tasks/" + task + "/events")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Events []envelope }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.Events
}

// Nothing is lost: the raw event, the whole of a text that was cut, and all events
// as a file.
func TestPageGivesOutEverything(t *testing.T) {
	s := serve(t)
	s.append("t-whole", call("bash", "c", "x"), result("bash", "c", "start "+strings.Repeat("0123456789", 200_000)+" end"), says("after"))
	page := openTab(t, s.url+"/tasks/t-whole")
	page.live()
	page.showsExactly(3)

	page.run(`document.getElementById("3").querySelector(".raw").click()`)
	page.until(`document.querySelector(".raw-event pre")?.textContent.includes('"sequence": 3')`)
	page.run(`document.getElementById("3").querySelector(".raw").click()`)
	page.until(`document.querySelector(".raw-event") === null`)

	if n := evaluate[int](page, `document.getElementById("2").textContent.length`); n > 200_000 {
		t.Errorf("at first %d characters are shown", n)
	}
	page.run(`document.getElementById("2").querySelector(".full").click()`)
	page.until(fmt.Sprintf(`document.getElementById("2").querySelector(".long pre")?.textContent.length === %d`, 2_000_000+10))

	page.run(`URL.createObjectURL = (blob) => { window.saved = blob; return "#"; }`)
	page.run(`document.getElementById("download").click()`)
	page.until(`window.saved !== undefined`)
	lines := evaluate[string](page, `window.saved.text()`)
	if n := strings.Count(lines, "\n"); n != 3 || !strings.Contains(lines, `"sequence":3`) {
		t.Errorf("%d events are saved", n)
	}
}

func TestListIsSearchedAndGroupsRetries(t *testing.T) {
	s := serve(t)
	page := openTab(t, s.url+"/")
	page.live()
	page.until(`!document.getElementById("none").hidden && document.getElementById("none").innerText.includes("curl")`)
	s.complete("t-again", s.append("t-again", says("first try")).Session)
	s.append("t-again", says("second try"))
	s.append("t-other", says("hello"))
	page.until(`document.querySelectorAll("[data-task]").length === 2 && document.getElementById("none").hidden`)
	page.until(`[...document.querySelectorAll('[data-task="t-again"] .outcome')].map(e => e.dataset.status).join(" ") === "succeeded open"`)

	page.run(`document.getElementById("filter").focus()`)
	page.press("again")
	page.until(`[...document.querySelectorAll("[data-task]")].map(e => e.dataset.task).join(" ") === "t-again" && location.search === "?q=again"`)
	page.press(kb.Escape)
	page.until(`document.querySelectorAll("[data-task]").length === 2 && location.search === ""`)

	// A second tab gets what the first has had already.
	other := page.another(s.url + "/")
	other.live()
	s.append("t-third", says("hello"))
	other.until(`document.querySelectorAll("[data-task]").length === 3`)
	page.until(`document.querySelectorAll("[data-task]").length === 3 && document.getElementById("summary").textContent === "3 tasks"`)
}
