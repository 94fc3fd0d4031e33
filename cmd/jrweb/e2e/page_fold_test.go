package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// folds are the lines that stand for runs of tools, and whether they are unfolded.
const folds = `[...document.querySelectorAll(".fold")].map(e => e.querySelector(".fold-button").textContent.replace(/\s+/g, " ").trim() + (e.querySelector("[aria-expanded=true]") ? " open" : "")).join(", ")`

func failedResult(tool, id string) string {
	return strings.Replace(result(tool, id, "no"), `"success":true`, `"success":false`, 1)
}

// Runs of like tools are a line that says how many there were. What has failed and what
// still runs stays in sight, and a person who goes to what is folded away sees it.
func TestRunsOfLikeToolsFold(t *testing.T) {
	s := serve(t)
	s.append("t-fold", says("I look."))
	page := openTab(t, s.url+"/tasks/t-fold")
	page.live()
	for i := range 4 { // 2–9
		s.append("t-fold", call("Read", fmt.Sprint("r", i), fmt.Sprintf("file-%d.go", i)), result("Read", fmt.Sprint("r", i), "package a"))
	}
	page.until(folds + ` === "Read 4 files file-0.go · file-1.go · file-2.go · file-3.go"`)
	page.until(visibleRows + ` === "1"`)
	// One that runs is seen, then it is one of them; one that has failed stays.
	s.append("t-fold", call("read_file", "r4", "file-3.go")) // 10
	page.until(visibleRows + ` === "1 10"`)
	s.append("t-fold", result("read_file", "r4", "package a"), call("Read", "r5", "missing.go"), failedResult("Read", "r5")) // 12
	page.until(folds + `.startsWith("Read 4 files in 5 calls 1 failed") && ` + visibleRows + ` === "1 12"`)

	// Other tools, and words, are another run.
	s.append("t-fold", call("bash", "b0", "make"), result("bash", "b0", "ok"), call("bash", "b1", "make"), result("bash", "b1", "ok"), says("two are no run")) // 14 16 18
	page.until(visibleRows + ` === "1 12 14 16 18"`)
	for i := range 3 { // 19 21 23
		s.append("t-fold", strings.Replace(call("exec_command", fmt.Sprint("x", i), "go vet"), `"path"`, `"command"`, 1), result("exec_command", fmt.Sprint("x", i), "the needle"), cost(`"usd":0.25`))
	}
	page.until(folds + `.endsWith(", Ran 3 commands go vet") && ` + visibleRows + ` === "1 12 14 16 18"`)
	page.until(`document.querySelectorAll(".fold")[1].querySelector(".costs").textContent === "$0.75"`)

	again := page.another(s.url + "/tasks/t-fold")
	again.live()
	sameText(t, "the timeline", evaluate[string](page, rendered, "#timeline"), evaluate[string](again, rendered, "#timeline"))

	// By the mouse and by keys.
	page.run(`document.querySelector(".fold-button").click()`)
	page.until(visibleRows + ` === "1 2 4 6 8 10 12 14 16 18"`)
	s.append("t-fold", says("it stays open"))
	page.has(28)
	page.until(folds + `.split(", ")[0].endsWith("open")`)
	page.run(`document.querySelector(".fold-button").click()`)
	page.until(visibleRows + ` === "1 12 14 16 18 28"`)
	page.run(`scrollTo(0, 0)`)
	page.press("jj")
	page.until(`document.querySelector(".current").matches(".fold")`)
	page.press(kb.Enter)
	page.until(visibleRows + `.startsWith("1 2 4 6 8 10 12")`)
	page.press(kb.Enter)
	page.until(visibleRows + `.startsWith("1 12")`)
	page.press("j")
	page.until(currentID + ` === "12"`)

	// A permalink, a search and the map lead to what is folded away.
	page.run(`location.hash = "#4"`)
	page.until(`document.querySelector(".target")?.id === "4" && document.querySelector(".target").getClientRects().length > 0`)
	again.run(`document.getElementById("search").focus()`)
	again.press("needle")
	again.until(`document.getElementById("found").textContent.startsWith("3 found")`)
	again.press(kb.Enter)
	again.until(`document.querySelector(".target")?.closest(".event").id === "19" && document.querySelector(".target").getClientRects().length > 0`)
	third := page.another(s.url + "/tasks/t-fold")
	third.live()
	third.run(`const scrub = document.getElementById("scrub"); scrub.value = 23; scrub.dispatchEvent(new Event("change"))`)
	third.until(`document.querySelector(".target")?.closest(".event").id === "22" || document.querySelector(".target")?.id === "23"`)
	third.until(`document.querySelector(".target").getClientRects().length > 0`)

	// What is chosen is what is shown.
	page.run(`document.querySelector('.kinds [data-kind="says"]').click()`)
	page.until(visibleRows + ` === "1 18 28" && [...document.querySelectorAll(".fold")].every(e => e.getClientRects().length === 0)`)
}

// inside gives an event to the subagent of a call.
func inside(call, event string) string {
	return strings.Replace(event, `"data":{`, fmt.Sprintf(`"data":{"parent_call_id":%q,`, call), 1)
}

// task is the call that starts a subagent.
func taskCall(id, what string) string {
	return fmt.Sprintf(`{"type":"tool_call","data":{"tool":"Task","args":{"description":%q,"subagent_type":"Explore","prompt":"look"},"call_id":%q}}`, what, id)
}

// nesting is the timeline in short: each row, and in brackets what stands in it.
const nesting = `(() => {
	const say = (rows) => [...rows.children].filter(e => e.matches(".event:not([hidden])")).map(e => {
		const nested = e.querySelector(":scope > .content > .subagent > .nested");
		return e.id + (nested ? "[" + say(nested) + "]" : "");
	}).join(" ");
	return say(document.getElementById("timeline"));
})()`

// What a subagent does stands in the row of its call, however many events there are,
// wherever the border between parts lies, and whatever has left the page; the line above
// it describes all of it.
func TestSubagentsKeepTheirNesting(t *testing.T) {
	s := serve(t)
	s.append("t-nest", says("I ask two."), taskCall("a", "the one"), taskCall("b", "the other")) // 1 2 3
	work := func(from, to int) (events []string) {
		for i := from; i < to; i++ {
			sub := "a"
			if i%2 == 1 {
				sub = "b"
			}
			grep := inside(sub, call("Grep", fmt.Sprint("g", i), "x.go"))
			events = append(events, grep, inside(sub, result("Grep", fmt.Sprint("g", i), "y")), inside(sub, cost(`"usd":0.01`)), inside(sub, says("found %d", i)))
		}
		return events
	}
	s.append("t-nest", work(0, 100)...)
	page := openTab(t, s.url+"/tasks/t-nest")
	page.live()
	page.has(403)
	const lines = `[...document.querySelectorAll(".subagent > summary")].map(e => e.textContent).join(", ")`
	only := func(b *tab, what string) {
		t.Helper()
		b.until(`[...document.querySelectorAll("#timeline > .event:not([hidden])")].map(e => e.id).join(" ") === "` + what + `"`)
	}
	only(page, "2 3") // its part begins in the middle of both
	page.until(lines + ` === "Subagent · 50 calls · $0.50, Subagent · 50 calls · $0.50"`)
	s.append("t-nest", work(100, 101)...)
	s.append("t-nest", inside("b", call("bash", "f", "x")), inside("b", failedResult("bash", "f")))
	page.has(409)
	page.until(lines + ` === "Subagent · 51 calls · $0.51, Subagent · 51 calls · 1 failed · $0.50"`)
	again := page.another(s.url + "/tasks/t-nest")
	again.live()
	again.has(409)
	again.until(lines + ` === "Subagent · 51 calls · $0.51, Subagent · 51 calls · 1 failed · $0.50"`)

	// Up to the start, and all of it is there, once.
	for _, b := range []*tab{page, again} {
		b.until(`(scrollTo(0, 0), document.getElementById("1") !== null)`)
		only(b, "1 2 3")
		b.showsAll(409)
	}
	if live, loaded := evaluate[string](page, nesting), evaluate[string](again, nesting); live != loaded || !strings.Contains(live, "3[8 11 16") {
		t.Errorf("live it is %s, after a reload %s", live, loaded)
	}

	// So many that the page lets go of the oldest: those that come are still nested.
	for i := 101; i < 501; i += 100 {
		s.append("t-nest", work(i, i+100)...)
		page.run(`document.getElementById("jump").click()`)
		page.has(409 + 4*(i-1))
	}
	page.until(`document.querySelectorAll("#timeline [data-seq]").length <= 1300`)
	only(page, "2 3")
	page.until(lines + ` === "Subagent · 251 calls · $2.51, Subagent · 251 calls · 1 failed · $2.50"`)
	page.until(`document.getElementById("4") === null`)
	again.goTo(s.url + "/tasks/t-nest?around=700#700")
	again.until(`document.querySelector(".target")?.id === "700" && document.querySelector(".target").closest(".nested") !== null`)
	page.until(`(scrollTo(0, 0), document.getElementById("4") !== null)`)
	page.until(lines + ` === "Subagent · 251 calls · $2.51, Subagent · 251 calls · 1 failed · $2.50"`)
	s.append("t-nest", result("Task", "a", "done"), result("Task", "b", "done"), says("Both are done."))
	page.run(`document.getElementById("jump").click()`)
	page.until(`document.getElementById("2012") !== null && document.getElementById("2")?.dataset.outcome === "ok" || document.getElementById("2") === null`)
}

// showsAll checks that the page shows the events 1 … last, each once.
func (b *tab) showsAll(last int) {
	b.t.Helper()
	shown := evaluate[[]int](b, `[...document.querySelectorAll("[data-seq]")].map(e => Number(e.dataset.seq)).sort((a, b) => a - b)`)
	if len(shown) != last || shown[0] != 1 || shown[last-1] != last {
		b.t.Fatalf("%d of %d events are shown", len(shown), last)
	}
}

// What a subagent did is one line with its totals once it is over, live and after a
// reload; one that works stands open, and a person who goes to what is folded away sees it.
func TestSubagentsFoldWhenTheyAreOver(t *testing.T) {
	s := serve(t)
	session := s.append("t-over", says("I ask two."), taskCall("a", "the one"), taskCall("b", "the other"), result("Task", "b", "It works in the background.")).Session // 1–4
	page := openTab(t, s.url+"/tasks/t-over")
	page.live()
	reader := page.another(s.url + "/tasks/t-over")
	reader.live()
	reader.has(4)
	reader.press("f")                                                                                                                   // who does not follow the end reads what is in view
	s.append("t-over", inside("a", says("I am the one.")), inside("a", call("bash", "f", "x")), inside("a", failedResult("bash", "f")), // 5 6 7
		inside("a", says("the needle")), inside("a", cost(`"usd":0.25`)), inside("b", says("I am the other."))) // 8 9 10
	const open = `[...document.querySelectorAll(".subagent")].map(e => e.closest(".event").id + " " + (e.open ? "open" : "folded") + (document.getElementById(e.closest(".event").id === "2" ? "5" : "10").checkVisibility() ? " seen" : "")).join(", ")`
	for _, b := range []*tab{page, reader} {
		b.until(open + ` === "2 open seen, 3 open seen"`)
	}
	s.append("t-over", result("Task", "a", "done")) // 11
	page.until(open + ` === "2 folded, 3 open seen"`)
	if line := evaluate[string](page, `document.querySelector(".subagent > summary").textContent`); line != "Subagent · 1 call · 1 failed · $0.25" {
		t.Errorf("the line is %q", line)
	}
	reader.has(11)
	reader.until(open + ` === "2 open seen, 3 open seen"`)
	again := page.another(s.url + "/tasks/t-over")
	again.live()
	again.until(open + ` === "2 folded, 3 open seen"`)
	sameText(t, "the timeline", evaluate[string](page, rendered, "#timeline"), evaluate[string](again, rendered, "#timeline"))

	// Who has opened or closed one by hand keeps that.
	again.run(`[...document.querySelectorAll(".subagent > summary")].forEach(e => e.click())`)
	again.until(open + ` === "2 open seen, 3 folded"`)
	s.append("t-over", inside("b", says("still here"))) // 12
	again.has(12)
	again.until(open + ` === "2 open seen, 3 folded"`)
	s.append("t-over", says("All is done.")) // 13
	s.complete("t-over", session)
	for _, b := range []*tab{page, again, reader} {
		b.until(`document.body.dataset.state === "ended"`)
	}
	page.until(open + ` === "2 folded, 3 folded"`)
	again.until(open + ` === "2 open seen, 3 folded"`)
	reader.until(open + ` === "2 open seen, 3 open seen"`)

	// Keys, a permalink, a search and the map lead into it.
	fresh := func() *tab {
		t.Helper()
		b := page.another(s.url + "/tasks/t-over")
		b.until(`document.body.dataset.state === "ended"`)
		b.until(open + ` === "2 folded, 3 folded"`)
		return b
	}
	b := fresh()
	b.press("jjj")
	b.until(currentID + ` === "3"`) // past what is folded away
	b.press("kkj")
	b.press(kb.Enter)
	b.until(open + ` === "2 open seen, 3 folded"`)
	b.press(kb.Enter)
	b.until(open + ` === "2 folded, 3 folded"`)
	b.press("e")
	b.until(currentID + ` === "6" && ` + open + ` === "2 open seen, 3 folded"`)
	b = fresh()
	b.run(`location.hash = "#10"`)
	b.until(`document.querySelector(".target")?.id === "10" && ` + open + ` === "2 folded, 3 open seen"`)
	b = fresh()
	b.run(`document.getElementById("search").focus()`)
	b.press("needle")
	b.until(`document.getElementById("found").textContent.startsWith("1 found")`)
	b.press(kb.Enter)
	b.until(`document.querySelector(".target")?.closest(".event").id === "8" && ` + open + ` === "2 open seen, 3 folded"`)
	b = fresh()
	b.run(`const scrub = document.getElementById("scrub"); scrub.value = 12; scrub.dispatchEvent(new Event("change"))`)
	b.until(open + ` === "2 folded, 3 open seen"`)

	// Who chooses what is shown, and who prints, sees all of that.
	b = fresh()
	b.run(`document.querySelector('.kinds [data-kind="error"]').click()`)
	b.until(`[...document.querySelectorAll("#timeline .event")].filter(e => e.checkVisibility()).map(e => e.id).join(" ") === "2 6"`)
	b.run(`document.querySelector('.kinds [data-kind=""]').click()`)
	b.until(open + ` === "2 folded, 3 folded"`)
	b.emulateMedia("print")
	b.until(open + ` === "2 folded seen, 3 folded seen"`)
	b.emulateMedia("")
	b.goTo("file://" + s.export("t-over"))
	b.until(open + ` === "2 open seen, 3 open seen"`)
}
