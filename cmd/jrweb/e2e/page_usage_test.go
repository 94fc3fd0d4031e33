package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The page of what was spent shows its chart and table, and leads to other views of them.
func TestPageOfUsage(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is not installed: run make test, which installs it")
	}
	s := serve(t)
	today := time.Now().UTC()
	for i := range 10 {
		at := today.AddDate(0, 0, -i).Format("2006-01-02") + "T00:00:00Z"
		s.append("t-1", fmt.Sprintf(`{"type":"cost","time":"%s","data":{"model":"model-%d","usd":%d}}`, at, i, i+1),
			fmt.Sprintf(`{"type":"cost","time":"%s","data":{"model":"gpt-5","input_tokens":1000000}}`, at))
	}
	page := openTab(t, s.url+"/")
	page.live()
	page.goTo(s.url + "/usage")
	page.until(`document.querySelectorAll(".usage-chart .day").length === 30`)
	if text := evaluate[string](page, `document.querySelector(".usage-total h2").textContent`); text != "≈ $67.50" {
		t.Errorf("the total is %q", text)
	}
	if n := evaluate[int](page, `document.querySelectorAll(".usage-series li").length`); n != 7 {
		t.Errorf("%d names have a colour: six and all others", n)
	}
	if text := evaluate[string](page, `[...document.querySelectorAll(".usage-chart .day title")].at(-1).textContent`); text != today.Format("2006-01-02")+": ≈ $2.25, 1.00M tokens\ngpt-5: ≈ $1.25, 1.00M tokens\n5 others: $1.00" {
		t.Errorf("the last bar says %q", text)
	}
	if high := evaluate[float64](page, `Math.max(...[...document.querySelectorAll(".usage-chart .day rect:not(.space)")].map(r => r.getBoundingClientRect().height))`); high < 50 {
		t.Errorf("the highest piece is %v pixels high", high)
	}
	do(page, chromedp.Evaluate[chromedp.Void](string(axe)+";void 0"))
	for _, how := range []struct {
		scheme string
		width  int64
	}{{"light", 1280}, {"dark", 1280}, {"dark", 700}, {"light", 390}} {
		emulate(page, how.scheme, how.width, 900)
		for _, violation := range evaluate[[]string](page, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
			.then(({violations}) => violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 150) + " " + (n.any[0]?.message ?? ""))))`) {
			t.Errorf("%s, %d wide: %s", how.scheme, how.width, violation)
		}
		if sideways := evaluate[int](page, `document.documentElement.scrollWidth - innerWidth`); sideways > 0 {
			t.Errorf("%d wide: it scrolls %d pixels sideways", how.width, sideways)
		}
	}
	page.run(`[...document.querySelectorAll(".usage-links a")].find(a => a.textContent === "7 days").click()`)
	page.until(`document.querySelectorAll(".usage-chart .day").length === 7`)
}

// The list shows when most of a run happened, the same live and after a reload.
func TestListShowsTheActivityOfRuns(t *testing.T) {
	s := serve(t)
	happens := func(task string, seconds ...int) {
		for _, second := range seconds {
			s.append(task, fmt.Sprintf(`{"type":"status","time":"2026-01-01T00:00:%02dZ","data":{"content":"x"}}`, second))
		}
	}
	happens("t-1", 0, 10, 20, 30, 40)
	list := openTab(t, s.url+"/")
	list.live()
	const sparks = `[...document.querySelectorAll(".tasks .spark")].map((e) => e.closest("tr").dataset.task + e.outerHTML).sort().join()`
	before := evaluate[string](list, sparks)
	if strings.Count(before, "M") != 20 {
		t.Errorf("the picture of a run has not 20 parts: %s", before)
	}
	happens("t-1", 50)
	happens("t-2", 0, 1, 2, 3, 30)
	list.until(`document.querySelector('[data-task="t-1"] .spark title').textContent.startsWith("6 events")`)
	list.until(`document.querySelector('[data-task="t-2"] .spark title')?.textContent.startsWith("5 events")`)
	live := evaluate[string](list, sparks)
	again := list.another(s.url + "/")
	again.live()
	sameText(t, "what is drawn", live, evaluate[string](again, sparks))
}

// A task is pinned on its page, and the list says so at once.
func TestPageThatPinsATask(t *testing.T) {
	s := serve(t)
	s.append("t-1", says("x"))
	list := openTab(t, s.url+"/")
	list.live()
	page := openTab(t, s.url+"/tasks/t-1")
	page.until(`document.getElementById("pin")?.textContent === "Pin"`)
	page.run(`document.getElementById("pin").click()`)
	page.until(`document.getElementById("pin").textContent === "Unpin"`)
	list.until(`document.querySelector(".pinned") !== null`)
	page.run(`document.getElementById("pin").click()`)
	page.until(`document.getElementById("pin").textContent === "Pin"`)
	list.until(`document.querySelector(".pinned") === null`)
}
