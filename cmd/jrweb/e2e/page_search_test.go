package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// From the box on every page to the event that was found, which is unfolded and marked, and
// on to the next one of its run.
func TestAllRunsAreSearchedFromAnyPage(t *testing.T) {
	s := serve(t)
	for n := range 250 { // more than a page of a task shows at once
		s.append("t-long", says("event %d", n))
	}
	s.append("t-long", call("bash", "c", "make"), result("bash", "c", "line 1\nno Needle\nline 3"))
	for n := range 250 {
		s.append("t-long", says("later %d", n))
	}
	s.append("t-other", says("another needle"), `{"type":"complete","data":{"status":"succeeded"}}`)

	page := openTab(t, s.url+"/tasks/t-other")
	page.until(`document.body.dataset.state === "ended"`)
	page.run(`document.getElementById("search-all").focus()`)
	page.press("needle" + kb.Enter)
	page.becomes(`document.body.className === "search-page" && document.getElementById("search-end") !== null`)
	const hits = `[...document.querySelectorAll(".hit")].map(e => e.querySelector("a").textContent + "/" + e.querySelector("mark").textContent).join(" ")`
	page.until(hits + ` === "t-long/Needle t-other/needle" && location.search === "?q=needle"`)
	page.until(`document.getElementById("search-end").textContent === "2 hits in all." && document.querySelector(".searching").getClientRects().length === 0`)
	page.until(`!document.querySelector(".hit time").textContent.includes("UTC")`) // in the reader's zone

	page.press("j")
	page.until(`document.activeElement.textContent === "t-long"`)
	page.press("/")
	page.until(`document.activeElement.id === "search-all"`)
	page.run(`document.activeElement.blur()`)
	page.press("j" + kb.Enter)
	page.becomes(`document.body.dataset.task === "t-long" && document.querySelector(".target") !== null`)
	page.until(`document.querySelector(".target").textContent.includes("no Needle")`)
	page.until(`document.getElementById("search").value === "needle" && CSS.highlights.get("found")?.size > 0`)
	page.until(`document.querySelector(".target").closest(".event").querySelector("details").open`)
	page.until(`document.getElementById("found").textContent.startsWith("1 found")`)

	// Without a script the hits are there as well.
	page.goTo(s.url + "/search?q=needle+type%3Atool_result")
	page.until(hits + ` === "t-long/Needle"`)
}

// A search that takes long shows what it has found so far.
func TestASearchGoesOnBehindItsFirstPage(t *testing.T) {
	s := serve(t)
	for n := range 60 {
		s.append(fmt.Sprintf("t-%d", n), says("needle %d", n))
	}
	page := openTab(t, s.url+"/search?q=needle")
	const count = `document.querySelectorAll(".hit").length`
	page.until(count + ` === 50 && document.getElementById("search-end").textContent.startsWith("50 hits so far.")`)
	page.run(`document.querySelector('[rel="next"]').click()`)
	page.becomes(count + ` === 10 && document.getElementById("search-end").textContent.startsWith("10 hits so far.") && document.querySelector('[rel="next"]') === null`)
	page.run(`document.querySelector(".search-from a").click()`)
	page.becomes(count + ` === 50`)
}
