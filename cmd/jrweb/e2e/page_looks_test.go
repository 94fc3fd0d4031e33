package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The state of a run can be told from its tab alone.
func TestTitleAndIconShowHowItGoes(t *testing.T) {
	s := serve(t)
	open := func(task string, events ...string) *tab {
		s.append(task, events...)
		return openTab(t, s.url+"/tasks/"+task)
	}
	const (
		blue, grey, green, red, amber, brown = "4b67e8", "8a92a0", "1c8a54", "d0342c", "d68a00", "b07300"
	)
	shows := func(page *tab, mark, colour string) {
		t.Helper()
		page.until(fmt.Sprintf(`document.title.startsWith(%q) && decodeURIComponent(document.querySelector('link[rel="icon"]').href).includes('fill="#%s"')`, mark+" t-", colour))
	}
	page := open("t-state", says("one"))
	shows(page, "●", blue)
	s.stop()
	shows(page, "↻", grey)
	s.start()
	shows(page, "●", blue)
	for status, want := range map[string][2]string{"succeeded": {"✓", green}, "failed": {"✗", red}, "canceled": {"■", brown}} {
		s.append("t-"+status, says("one"), `{"type":"complete","data":{"status":"`+status+`"}}`)
		page.goTo(s.url + "/tasks/t-" + status)
		shows(page, want[0], want[1])
	}
	s.past("t-stuck", 20*time.Minute, aCall("bash", "c", "make"))
	page.goTo(s.url + "/tasks/t-stuck")
	shows(page, "⚠", amber)
	page.goTo(s.url + "/")
	page.until(`document.title === "● Tasks (2 open)"`)
}

// A tab in the background gets no frames, and the browser may freeze it. It misses
// nothing, whether little or much has come meanwhile.
func TestTabInTheBackgroundMissesNothing(t *testing.T) {
	s := serve(t)
	s.append("t-back", says("event 1"))
	page := openTab(t, s.url+"/tasks/t-back")
	page.live()
	become := func(state cdppage.SetWebLifecycleStateState) {
		t.Helper()
		if _, err := chromedp.Call(page.ctx, cdppage.SetWebLifecycleState, cdppage.SetWebLifecycleStateParams{State: state}); err != nil {
			t.Fatal(err)
		}
		if !evaluate[bool](page, `document.hidden`) {
			t.Fatal("the tab is not in the background")
		}
	}
	// Where there are no frames, a condition is looked at when the timeline changes.
	arrives := func(sequence int) {
		t.Helper()
		evaluate[bool](page, `new Promise((resolve) => {
			const look = () => { if (document.querySelector('[data-seq="%d"]') !== null) resolve(true); };
			new MutationObserver(look).observe(document.getElementById("timeline"), {childList: true});
			look();
		})`, sequence)
		if !evaluate[bool](page, atEnd) {
			t.Error("the end is not in view")
		}
	}
	become(cdppage.SetWebLifecycleStateStateFrozen)
	for n := 2; n <= 60; n++ {
		s.append("t-back", says("event %d", n))
	}
	if evaluate[bool](page, `document.querySelector('[data-seq="60"]') !== null`) {
		t.Error("the tab is not frozen")
	}
	become(cdppage.SetWebLifecycleStateStateActive)
	arrives(60)
	if first, last := page.shows(); first != 1 || last != 60 {
		t.Errorf("it shows %d–%d", first, last)
	}

	// More than a page takes row by row.
	become(cdppage.SetWebLifecycleStateStateFrozen)
	for first := 61; first <= 2060; first += 500 {
		var events []string
		for n := first; n < first+500; n++ {
			events = append(events, says("event %d", n))
		}
		s.append("t-back", events...)
	}
	become(cdppage.SetWebLifecycleStateStateActive)
	arrives(2060)
	if first, last := page.shows(); last != 2060 {
		t.Errorf("it shows %d–%d", first, last)
	}
	s.append("t-back", says("event 2061")) // live, still in the background
	arrives(2061)
	page.shows()

	// So much again, and the part that is asked for instead cannot be had at first.
	page.run(`let failures = 2; const real = fetch; window.fetch = (...of) => failures-- > 0 ? Promise.reject(new TypeError("no network")) : real(...of)`)
	become(cdppage.SetWebLifecycleStateStateFrozen)
	for first := 2062; first <= 4061; first += 500 {
		var events []string
		for n := first; n < first+500; n++ {
			events = append(events, says("event %d", n))
		}
		s.append("t-back", events...)
	}
	become(cdppage.SetWebLifecycleStateStateActive)
	arrives(4061)
}

// A tab that goes into the background while it waits for a frame gets none: what has
// come is shown anyway.
func TestAFrameThatNeverComesHoldsUpNothing(t *testing.T) {
	s := serve(t)
	s.append("t-frame", says("event 1"))
	page := openTab(t, s.url+"/tasks/t-frame")
	page.live()
	page.run(`window.requestAnimationFrame = () => 0`)
	for n := 2; n <= 3; n++ {
		s.append("t-frame", says("event %d", n))
		evaluate[bool](page, `new Promise((resolve) => {
			const look = () => { if (document.querySelector('[data-seq="%d"]') !== null) resolve(true); };
			new MutationObserver(look).observe(document.getElementById("timeline"), {childList: true});
			look();
		})`, n)
	}
}

// What is shown can be copied as it is.
func TestCopyButtons(t *testing.T) {
	s := serve(t)
	page := openTab(t, s.url+"/")
	const catch = `navigator.clipboard.writeText = async (text) => { window.copied = text; }`
	page.live()
	page.run(catch)
	page.run(`document.getElementById("copy").click()`)
	page.until(fmt.Sprintf(`window.copied?.startsWith("curl -d ") && window.copied.endsWith(%q)`, s.url+"/tasks/my-task/events"))

	s.append("t-copy", call("bash", "c", "x"), result("bash", "c", "a <b>\n\tc"), says("```go\nfunc main() {}\n```"))
	page.goTo(s.url + "/tasks/t-copy")
	page.live()
	page.run(catch)
	for place, want := range map[string]string{`document.getElementById("2")`: "a <b>\n\tc", `document.getElementById("3")`: "func main() {}\n"} {
		page.run(`window.copied = undefined; %s.querySelector(".copy").click()`, place)
		page.until(fmt.Sprintf(`window.copied === %q`, want))
	}
	page.run(`document.getElementById("3").querySelector(".raw").click()`)
	page.until(`document.querySelector(".raw-event .copy") !== null`)
	page.run(`document.querySelector(".raw-event .copy").click()`)
	page.until(`JSON.parse(window.copied).sequence === 3`)
}

// A message, a tool call and the outcome of a run can be copied as Markdown.
func TestPageIsCopiedAsMarkdown(t *testing.T) {
	s := serve(t)
	s.append("t-md", says("It is **so**:\n\n- one"), strings.Replace(call("bash", "c", "make"), `"path"`, `"command"`, 1), `{"type":"tool_result","data":{"tool":"bash","success":true,"call_id":"c","output":`+quoted("a ``` b\n\u001b[31mred\u001b[0m\n")+`}}`,
		`{"type":"tool_call","data":{"tool":"Edit","args":{"file_path":"a`+"`"+`b.go","old_string":"x","new_string":"y"},"call_id":"e"}}`, failedResult("Edit", "e"),
		`{"type":"tool_call","data":{"tool":"Edit","args":{"file_path":"c.go","old_string":"x","new_string":"y"},"call_id":"f"}}`, result("Edit", "f", ""),
		cost(`"usd":0.25`), says("Done: **all**."), `{"type":"complete","data":{"status":"succeeded","reason":"good"}}`)
	page := openTab(t, s.url+"/tasks/t-md")
	page.until(`document.body.dataset.state === "ended"`)
	page.run(`navigator.clipboard.writeText = async (text) => { window.copied = text; }`)
	copies := func(want string) {
		t.Helper()
		page.until(`window.copied !== undefined`)
		if got := evaluate[string](page, `window.copied`); got != want {
			t.Errorf("copied is\n%s\nwant\n%s", got, want)
		}
		page.run(`window.copied = undefined`)
	}
	page.press("jc")
	copies("It is **so**:\n\n- one\n")
	page.press("jc")
	copies("**bash**\n\n```sh\nmake\n```\n\nOutput:\n\n````\na ``` b\nred\n````\n")
	page.run(`document.getElementById("4").querySelector(".raw").click()`)
	page.until(`document.querySelector(".raw-event pre") !== null`)
	page.run(`[...document.querySelectorAll(".raw-event button")].find(e => e.textContent === "Copy as Markdown").click()`)
	copies("**Edit** ``a`b.go``\n\n```diff\n-x\n+y\n```\n\nFailed:\n\n```\nno\n```\n")
	page.run(`document.querySelector(".outcome-copy button").click()`)
	copies("## Succeeded: good\n\nDuration: " + evaluate[string](page, `document.getElementById("duration").textContent`) + " · Cost: $0.25\n\nDone: **all**.\n\n### 1 file changed +1 −1\n\n`c.go` +1 −1\n\n```diff\n-x\n+y\n```\n")
}

// emulateMedia sets what the page's style asks for.
func (b *tab) emulateMedia(media string, features ...*emulation.MediaFeature) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: features}); err != nil {
		b.t.Fatal(err)
	}
}

// Who asks for less motion gets none; others see a spinner turn, which is not an animation of
// the browser's: it would have the page drawn all the time.
func TestReducedMotion(t *testing.T) {
	s := serve(t)
	s.append("t-calm", call("bash", "c", "x"))
	page := openTab(t, s.url+"/tasks/t-calm")
	page.live()
	const spinners = `[...document.querySelectorAll("#now .mark, #timeline [data-outcome=open] .mark")].map(e => getComputedStyle(e, "::before").rotate).join(" ")`
	turns := func(times int) bool {
		t.Helper()
		return evaluate[bool](page, `(async () => {
			const seen = new Set();
			for (let n = 0; n < %d; n++) {
				const before = document.getElementById("now-for").textContent;
				while (document.getElementById("now-for").textContent === before) await new Promise(requestAnimationFrame);
				seen.add(%s);
			}
			return seen.size > 1;
		})()`, times, spinners)
	}
	if turns(2) {
		t.Error("something moves")
	}
	page.emulateMedia("", &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "no-preference"})
	if !turns(3) {
		t.Error("no spinner turns")
	}
	if moving := evaluate[int](page, `document.getAnimations().length`); moving > 0 {
		t.Errorf("%d animations run", moving)
	}
}

// What the agent does has a mark of its own, or a ring; never a black square.
func TestEachKindOfNowHasAMark(t *testing.T) {
	s := serve(t)
	s.append("t-mark", says("one"))
	page := openTab(t, s.url+"/tasks/t-mark")
	page.live()
	for _, kind := range []string{"waiting", "says", "thinks", "tool", "asks", "error", "succeeded", "failed", "canceled", "interrupted", "unheard_of"} {
		if !evaluate[bool](page, `(() => {
			document.getElementById("now").dataset.kind = %q;
			const mark = getComputedStyle(document.querySelector("#now .mark"), "::before");
			return mark.maskImage.startsWith("url(") || mark.backgroundColor === "rgba(0, 0, 0, 0)";
		})()`, kind) {
			t.Errorf("%s has none", kind)
		}
	}
}

// On paper there is the run, with what was unfolded, and nothing to press.
func TestPrintedPage(t *testing.T) {
	s := serve(t)
	s.append("t-print", says("one"), call("bash", "c", "x"), `{"type":"tool_result","data":{"tool":"bash","success":false,"call_id":"c","output":`+quoted(strings.Repeat("line\n", 200))+`}}`, says("four"))
	page := openTab(t, s.url+"/tasks/t-print")
	page.live()
	page.showsExactly(4)
	const pressed = `[...document.querySelectorAll("button, input, textarea")].filter(e => e.getClientRects().length > 0).length`
	page.until(pressed + ` > 0`) // on the screen there is a lot to press
	page.emulateMedia("print")
	page.until(pressed + ` === 0`)
	if cut := evaluate[int](page, `[...document.querySelectorAll("#timeline pre")].filter(e => e.getClientRects().length > 0 && e.scrollHeight > e.clientHeight + 1).length`); cut > 0 {
		t.Errorf("%d texts would have to be scrolled", cut)
	}
	if rows := evaluate[int](page, `[...document.querySelectorAll("#timeline > .event")].filter(e => e.getClientRects().length > 0).length`); rows != 3 {
		t.Errorf("%d of 3 rows are printed", rows)
	}
	// A browser prints no backgrounds unless it is asked to, and the marks are backgrounds.
	if mark := evaluate[string](page, `(() => {
		const mark = document.querySelector('[data-outcome="failed"] .tool .mark'), look = getComputedStyle(mark);
		return mark.checkVisibility() + " " + look.printColorAdjust + " " + (getComputedStyle(mark, "::before").backgroundColor !== "rgba(0, 0, 0, 0)");
	})()`); mark != "true exact true" {
		t.Errorf("the mark of what failed is %s", mark)
	}
	if over := evaluate[bool](page, `getComputedStyle(document.getElementById("bar")).position === "sticky"`); over {
		t.Error("the bar would lie over the text of each page")
	}

	// A run that has room on one page is on the first one.
	session := s.append("t-short", says("one"), call("bash", "c", "x"), result("bash", "c", "ok")).Session
	s.complete("t-short", session)
	page.goTo(s.url + "/tasks/t-short")
	page.until(`document.body.dataset.state === "ended"`)
	if pages := bytes.Count(do(page, chromedp.PrintToPDF()), []byte("/Type /Page\n")); pages != 1 {
		t.Errorf("a short run is printed on %d pages", pages)
	}
}
