package e2e

import "testing"

// A run whose tokens were recorded first in another task says so: that it has none of its
// own does not mean that it cost nothing. Live, and after a reload.
func TestPageTellsWhatCountsElsewhere(t *testing.T) {
	s := serve(t)
	const cost = `{"type":"cost","data":{"id":"m","input_tokens":5,"output_tokens":2}}`
	s.append("t-first", cost)
	s.append("t-again", says("one"))
	page := openTab(t, s.url+"/tasks/t-again")
	page.live()
	page.until(`document.getElementById("elsewhere").hidden`)
	s.append("t-again", cost)
	for range 2 {
		page.has(2)
		page.until(`document.getElementById("timeline-title").textContent.endsWith("0 tokens, 7 elsewhere") && document.getElementById("elsewhere").checkVisibility()`)
		page.until(`document.getElementById("counted-elsewhere").textContent === "7 tokens, in t-first"`)
		page.goTo(s.url + "/tasks/t-again")
		page.live()
	}
}
