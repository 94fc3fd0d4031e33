package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"jrweb/eventlog"
)

// pageClock gives the pages that are opened after it a clock that a test moves. pass(ms, look)
// moves it second by second, has each timer fire when its time has come, and calls look after
// each second. It returns how often a timer has fired, without those by which a test waits.
var pageClock = `
	const now = Date.now.bind(Date), set = globalThis.setTimeout, clear = globalThis.clearTimeout;
	let ahead = 0;
	Date.now = () => now() + ahead;
	const timers = new Map();
	globalThis.setTimeout = (run, delay = 0, ...args) => {
		const fire = () => { timers.delete(id); run(...args); };
		const id = set(fire, delay);
		if (delay !== ` + fmt.Sprint(patience.Milliseconds()) + `) timers.set(id, { due: Date.now() + delay, fire });
		return id;
	};
	globalThis.clearTimeout = (id) => { timers.delete(id); clear(id); };
	globalThis.pass = (ms, look) => {
		let fired = 0;
		for (const end = Date.now() + ms; Date.now() < end; ahead += 1000) {
			for (const [id, { due, fire }] of [...timers]) {
				if (due > Date.now() || !timers.has(id)) continue;
				clear(id);
				fire();
				fired++;
			}
			look?.();
		}
		return fired;
	};`

// withClock opens a page whose clock a test moves, and waits until nothing is under way in it.
func withClock(t *testing.T, s *server, path string) *tab {
	t.Helper()
	page := openTab(t, s.url+"/healthz")
	_, err := chromedp.Call(page.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: pageClock})
	if err != nil {
		t.Fatal(err)
	}
	page.goTo(s.url + path)
	page.live()
	return page
}

// hide tells the page that nobody sees it.
const hide = `Object.defineProperty(document, "hidden", { get: () => true }); document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))`

// untruths notes what a place says that is not so at its time: it tells whole minutes since a
// moment, and may be late by so much.
const untruths = `
	globalThis.untruths = (selector, since, late) => {
		const said = new Set(), wrong = [];
		return { said, wrong, look() {
			const text = document.querySelector(selector).textContent;
			const at = (ms) => ms < 60_000 ? "> 30 s" : ms < 3_600_000 ? Math.floor(ms / 60_000) + " min" : Math.floor(ms / 3_600_000) + " h " + String(Math.floor(ms / 60_000) % 60).padStart(2, "0") + " min";
			said.add(text);
			const age = Date.now() - since;
			if (![age, age - late].some((ms) => text.includes(at(ms)))) wrong.push(Math.floor(age / 1000) + " s: " + text);
		} };
	}`

// A page of a run in which nothing happens draws itself when what it tells changes, and never
// in between: what is counted in time is true at each second, to the minute.
func TestAPageInWhichNothingHappensDrawsOnceAMinute(t *testing.T) {
	s := serve(t)
	s.past("t-calm", 10*time.Second, aCall("bash", "c", "make"))
	page := withClock(t, s, "/tasks/t-calm")
	page.until(`document.querySelector('[data-outcome="open"]') !== null`)
	page.run("%s", untruths)
	type watched struct {
		Fired, Drawn int
		Said, Wrong  []string
	}
	const watch = `(() => {
		const call = document.querySelector('[data-outcome="open"]'), since = Date.parse(call.dataset.time);
		pass(since + 31_000 - Date.now()); // until then seconds count
		const places = ["#now-for", '[data-outcome="open"] .took', "#duration"].map((place) => untruths(place, since, 1000));
		const changes = new MutationObserver(() => {});
		changes.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
		let drawn = 0;
		const fired = pass(600_000, () => {
			for (const place of places) place.look();
			if (changes.takeRecords().length > 0) drawn++;
		});
		return { fired, drawn, said: [...places[0].said], wrong: places.flatMap(({ wrong }) => wrong) };
	})()`
	got := evaluate[watched](page, watch)
	if len(got.Wrong) > 0 {
		t.Errorf("it said what was not so:\n%s", strings.Join(got.Wrong, "\n"))
	}
	if got.Drawn > 25 || got.Fired > 30 {
		t.Errorf("in ten minutes it was drawn %d times, and %d timers fired", got.Drawn, got.Fired)
	}
	if !slices.ContainsFunc(got.Said, func(text string) bool {
		return strings.HasPrefix(text, "stuck? nothing was heard since") && strings.HasSuffix(text, ", 5 min")
	}) {
		t.Errorf("it never said from when on it may be stuck: %q", got.Said)
	}

	// The control: in a run in which something has just happened seconds count.
	s.append("t-calm", result("bash", "c", "done"), call("bash", "d", "make"))
	page.until(`document.body.dataset.pace === "working"`)
	if got := evaluate[int](page, `pass(20_000)`); got < 9 {
		t.Errorf("in 20 seconds %d timers fired", got)
	}
}

// What a reader does not see of it is not counted, and is right when it comes into view.
func TestTimesThatNobodySeesAreNotCounted(t *testing.T) {
	s := serve(t)
	s.stop()
	var ago time.Duration
	now := time.Now()
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return now.Add(-ago) }})
	if err != nil {
		t.Fatal(err)
	}
	ago = 130 * time.Second
	session, err := log.Start(t.Context(), "t-long", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		ago time.Duration
		eventlog.Event
	}{
		{100 * time.Second, eventlog.Event{Type: eventlog.TypeAssistant, Data: fmt.Appendf(nil, `{"content":%q}`, strings.Repeat("A line.\n\n", 300))}},
		{63 * time.Second, eventlog.Event{Type: eventlog.TypeStatus, Data: []byte(`{"content":"It goes on."}`)}},
	} {
		ago = e.ago
		if _, err := session.Append(t.Context(), e.Event); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	page := withClock(t, s, "/tasks/t-long")
	page.until(`document.querySelector(".about").getBoundingClientRect().bottom < 0`) // it is watched at its end
	page.run(`globalThis.twoFrames = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
	page.run(`pass(5_000)`)
	if fired := evaluate[int](page, `twoFrames().then(() => pass(600_000))`); fired < 10 || fired > 12 {
		t.Errorf("in ten minutes %d timers fired", fired)
	}
	page.run(`scrollTo(0, 0)`)
	page.until(`document.getElementById("duration").textContent.startsWith("12 min")`)
	if fired := evaluate[int](page, `twoFrames().then(() => pass(600_000))`); fired < 19 {
		t.Errorf("with the facts in view %d timers fired", fired)
	}
}

// A tab that nobody sees has one thing to tell: that its run may be stuck.
func TestATabThatNobodySeesWakesUpOnce(t *testing.T) {
	s := serve(t)
	s.past("t-hidden", 10*time.Second, aCall("bash", "c", "make"))
	page := withClock(t, s, "/tasks/t-hidden")
	page.until(`document.title.startsWith("●")`)
	page.run(hide)
	page.run(`pass(5_000)`) // what was under way
	if got := evaluate[int](page, `pass(3_600_000)`); got != 1 {
		t.Errorf("in an hour %d timers fired", got)
	}
	page.until(`document.title.startsWith("⚠")`)
}

// A list in which nothing happens tells minutes, and is at most ten seconds late.
func TestAListInWhichNothingHappensIsRarelyDrawn(t *testing.T) {
	s := serve(t)
	s.past("t-open", 70*time.Second, aCall("bash", "c", "make"))
	s.past("t-over", 3*time.Minute, eventlog.Event{Type: eventlog.TypeComplete, Data: []byte(`{"status":"succeeded"}`)})
	page := withClock(t, s, "/")
	page.until(`document.querySelector('[data-task="t-open"] .doing') !== null`)
	page.run("%s", untruths)
	type watched struct {
		Fired int
		Wrong []string
	}
	got := evaluate[watched](page, `(() => {
		const since = (task) => Date.parse(document.querySelector('[data-task="' + task + '"] .updated').dateTime);
		const places = [["t-open", ".updated"], ["t-open", ".duration"], ["t-over", ".updated"]].map(([task, place]) => untruths('[data-task="' + task + '"] ' + place, since(task), 11_000));
		const fired = pass(600_000, () => { for (const place of places) place.look(); });
		return { fired, wrong: places.flatMap(({ wrong }) => wrong) };
	})()`)
	if len(got.Wrong) > 0 {
		t.Errorf("it said what was not so:\n%s", strings.Join(got.Wrong, "\n"))
	}
	if got.Fired > 40 {
		t.Errorf("in ten minutes %d timers fired", got.Fired)
	}
	page.run(hide)
	page.run(`pass(5_000)`)
	if got := evaluate[int](page, `pass(3_600_000)`); got > 2 {
		t.Errorf("in an hour in which nobody sees it %d timers fired", got)
	}
}
