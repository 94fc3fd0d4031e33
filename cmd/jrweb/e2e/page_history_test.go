package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// appendMany appends events "event 1" … "event n" to a new session of a task.
func (s *server) appendMany(task string, n int) (session string) {
	s.t.Helper()
	for first := 1; first <= n; first += 5000 {
		var events []string
		for i := first; i < first+5000 && i <= n; i++ {
			events = append(events, says("event %d", i))
		}
		session = s.append(task, events...).Session
	}
	return session
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](b *tab, expression string, args ...any) T {
	b.t.Helper()
	return do(b, chromedp.Evaluate[T](fmt.Sprintf(expression, args...), chromedp.EvalAwaitPromise))
}

// run runs a statement in the page.
func (b *tab) run(statement string, args ...any) {
	b.t.Helper()
	do(b, chromedp.Evaluate[chromedp.Void](`void (() => {`+fmt.Sprintf(statement, args...)+`})()`))
}

func (b *tab) live() {
	b.t.Helper()
	b.until(`document.body.dataset.state === "live"`)
}

func (b *tab) has(sequence int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector('[data-seq="%d"]') !== null`, sequence))
}

// shows returns the first and the last sequence in the page, after it has checked
// that all between them are there, once each and in order.
func (b *tab) shows() (first, last int) {
	b.t.Helper()
	shown := evaluate[[]int](b, `[...document.querySelectorAll('#timeline [data-seq]')].map(e => Number(e.dataset.seq))`)
	for i := range shown {
		if i > 0 && shown[i] != shown[i-1]+1 {
			b.t.Fatalf("after event %d comes %d", shown[i-1], shown[i])
		}
	}
	if len(shown) == 0 {
		return 0, 0
	}
	return shown[0], shown[len(shown)-1]
}

const atEnd = `document.documentElement.scrollHeight - innerHeight - scrollY <= 48`

// A long run opens with its newest part, and the rest comes as the reader scrolls
// up, without a hole, a double or a jump.
func TestPageLoadsOlderEventsWithoutAJump(t *testing.T) {
	s := serve(t)
	s.appendMany("t-long", 1000)
	page := openTab(t, s.url+"/tasks/t-long")
	page.live()
	page.until(atEnd)
	if first, last := page.shows(); first < 500 || last != 1000 {
		t.Fatalf("it opens with the events %d–%d", first, last)
	}

	// The row that is in view stays where it is while others come in above it.
	for first, _ := page.shows(); first > 1; {
		place := evaluate[[]float64](page, `(() => {
			scrollTo(0, 600);
			const row = [...document.querySelectorAll("#timeline > .event")].find(e => e.getBoundingClientRect().top > 200);
			return [Number(row.dataset.seq), row.getBoundingClientRect().top];
		})()`)
		page.until(fmt.Sprintf(`Number(document.querySelector("#timeline [data-seq]").dataset.seq) < %d`, first))
		now := evaluate[float64](page, `document.getElementById("%d").getBoundingClientRect().top`, int(place[0]))
		if now < place[1]-2 || now > place[1]+2 {
			t.Errorf("event %d stood at %.0f, and at %.0f after older ones came", int(place[0]), place[1], now)
		}
		first, _ = page.shows()
	}
	if first, last := page.shows(); first != 1 || last != 1000 {
		t.Errorf("in the end it shows %d–%d", first, last)
	}
}

// To open an endless run costs what a small one does, its page stays small wherever
// the reader goes, and a permalink leads to any event of it.
func TestPageOfAHugeRunStaysSmall(t *testing.T) {
	const events, most = 100_000, 1400
	s := serve(t)
	s.appendMany("t-small", 300)
	_, small := s.opens("t-small", 300)
	s.appendMany("t-huge", events)
	page, huge := s.opens("t-huge", events)
	huge.smallAsOneOf(t, small)
	rows := func() int { return evaluate[int](page, `document.querySelectorAll("#timeline [data-seq]").length`) }

	// Up, until the newest have gone from the page.
	for first, last := page.shows(); last == events; first, last = page.shows() {
		page.run(`scrollTo(0, 0)`)
		page.until(fmt.Sprintf(`Number(document.querySelector("#timeline [data-seq]").dataset.seq) < %d`, first))
		if n := rows(); n > most {
			t.Fatalf("there are %d rows", n)
		}
	}
	s.append("t-huge", says("one more"))
	page.until(`document.querySelector("#jump-count").textContent.includes("1 new")`)
	page.run(`document.getElementById("jump").click()`)
	page.has(events + 1)
	page.until(atEnd)
	page.shows()

	// While the end is followed, rows leave at the old end.
	for n := events + 2; n <= events+1501; n += 500 {
		var more []string
		for i := range 500 {
			more = append(more, says("event %d", n+i))
		}
		s.append("t-huge", more...)
		page.has(n + 499)
		page.until(atEnd)
	}
	if n := rows(); n > most {
		t.Errorf("after many new events there are %d rows", n)
	}
	if first, last := page.shows(); last != events+1501 {
		t.Errorf("it shows %d–%d", first, last)
	}

	page.goTo(s.url + "/tasks/t-huge#50000")
	page.until(`document.querySelector('.target')?.id === "50000"`)
	if top := evaluate[float64](page, `document.querySelector(".target").getBoundingClientRect().top`); top < 0 || top > 700 {
		t.Errorf("the event of the permalink stands at %.0f", top)
	}
	page.live() // at the head: what lies between is not streamed
	if sent := s.metric(`jrweb_stream_events_sent_total{phase="replay"}`); sent > 1000 {
		t.Errorf("the streams have replayed %d events", sent)
	}
	s.append("t-huge", says("the newest"))
	page.until(`document.querySelector("#jump-count").textContent.includes("(1 new)")`)
	// From there both ways, and exact.
	page.run(`scrollTo(0, document.documentElement.scrollHeight)`)
	page.has(50_200)
	page.run(`scrollTo(0, 0)`)
	page.has(49_800)
	page.shows()
}

// goTo opens another page in the tab.
func (b *tab) goTo(url string) {
	b.t.Helper()
	do(b, chromedp.Navigate("about:blank"))
	do(b, chromedp.Navigate(url))
	// The browser may still tell of the blank page's end of loading.
	b.until(`location.href !== "about:blank" && document.readyState === "complete"`)
}

// However often a task was tried, its sessions are a menu, with how each one ended, when it
// ran and what it cost.
func TestSessionsAreAMenu(t *testing.T) {
	const tries = 40
	s := serve(t)
	for range tries - 1 {
		s.append("t-tries", says("one try"), cost(`"usd":0.25`), `{"type":"complete","data":{"status":"failed","reason":"it hangs"}}`)
	}
	s.append("t-tries", says("the last try"))
	page := openTab(t, s.url+"/tasks/t-tries")
	page.live()
	const summary = `document.querySelector(".runs summary").innerText`
	page.until(summary + ` === "Session 40 of 40" && document.querySelector(".runs").offsetHeight < 60`)
	page.run(`document.querySelector(".runs summary").click()`)
	const items = `[...document.querySelectorAll(".runs li")].filter(e => e.checkVisibility())`
	page.until(items + `.length === 41`)
	for i, want := range map[int]string{0: "Session 40 open", 1: "Session 39 failed", 39: "Session 1 failed"} {
		text := evaluate[string](page, items+`[%d].innerText.replace(/\s+/g, " ")`, i)
		if !strings.HasPrefix(text, want) || i > 0 && !(strings.Contains(text, " · 0 s · 3 events · $0.25 · it hangs") && strings.Contains(text, fmt.Sprint(time.Now().Year()))) {
			t.Errorf("number %d is %q", i, text)
		}
	}
	// A box of a grid is as wide as its column: where the name ends is asked of its text.
	if gap := evaluate[float64](page, `Math.max(...[...document.querySelectorAll(".runs a:not(.whole)")].map((e) => {
		const name = document.createRange();
		name.selectNodeContents(e.querySelector(".run-name"));
		return e.querySelector(".status").getBoundingClientRect().left - name.getBoundingClientRect().right;
	}))`); gap > 20 {
		t.Errorf("an outcome stands %.0f px from its session", gap)
	}
	page.run(`document.querySelectorAll(".runs a")[39].click()`)
	page.becomes(`document.body.dataset.state === "ended" && document.querySelector(".runs summary")?.innerText === "Session 1 of 40"`)
}

// A call and its result become one row, wherever the border between parts lies.
func TestPageJoinsACallWithALateResult(t *testing.T) {
	s := serve(t)
	s.append("t-late", call("build", "slow", "all"), call("read_file", "c2", "a.go"), result("read_file", "c2", "package a"))
	var events []string
	for i := range 400 {
		events = append(events, fmt.Sprintf(`{"type":"status","data":{"content":"step %d"}}`, i))
	}
	s.append("t-late", events...)
	page := openTab(t, s.url+"/tasks/t-late")
	page.live()
	s.append("t-late", result("build", "slow", "done"))
	page.has(404) // in a row of its own: its call is not in the page
	page.run(`scrollTo(0, 0)`)
	page.has(200)
	page.run(`scrollTo(0, 0)`)
	page.has(1)
	page.until(`document.getElementById("404")?.closest(".event").id === "1"`)
	if outcome := evaluate[string](page, `document.getElementById("1").dataset.outcome`); outcome != "ok" {
		t.Errorf("the call is %s", outcome)
	}
	page.showsExactly(404)

	// One that is open now gets its result live, and its spinner stops.
	s.append("t-late", call("bash", "c3", "x"))
	page.until(`document.getElementById("405")?.dataset.outcome === "open"`)
	s.append("t-late", `{"type":"tool_result","data":{"tool":"bash","success":false,"output":"no","call_id":"c3"}}`)
	page.until(`document.getElementById("405")?.dataset.outcome === "failed"`)
	page.showsExactly(406)
}

// What a subagent does stands under the call that started it.
func TestPageNestsWhatASubagentDoes(t *testing.T) {
	s := serve(t)
	s.append("t-sub", call("task", "sub", "look"))
	page := openTab(t, s.url+"/tasks/t-sub")
	page.live()
	s.append("t-sub", strings.Replace(says("from below"), `{"content"`, `{"parent_call_id":"sub","content"`, 1), says("from above"))
	page.has(3)
	if nested := evaluate[bool](page, `document.getElementById("2").parentElement.closest(".event").id === "1" && document.getElementById("3").parentElement.id === "timeline"`); !nested {
		t.Error("the subagent's event does not stand under its call")
	}
}
