package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"jrweb/eventlog"
)

// onWall are the tasks of the cards, in their order.
const onWall = `[...document.querySelectorAll(".card")].map(e => e.dataset.task).join(" ")`

// card waits until the card of a task says all the words.
func (b *tab) card(task string, words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.until(fmt.Sprintf(`document.querySelector('[data-task="%s"]')?.innerText.replace(/\s+/g, " ").includes(%q)`, task, word))
	}
}

const (
	plan = `{"type":"tool_call","data":{"tool":"TodoWrite","args":{"todos":[{"content":"One","status":"completed"},{"content":"Two","status":"pending"}]},"call_id":"td"}}`
	paid = `{"type":"cost","data":{"usd":1.5,"model":"m"}}`
)

// The wall shows what runs, from the beginning of a run to a moment after its end.
func TestWallShowsWhatRuns(t *testing.T) {
	s := serve(t)
	page := openTab(t, s.url+"/wall")
	page.live()
	page.until(`document.getElementById("none").checkVisibility() && document.getElementById("none").innerText.includes("jrweb run")`)

	s.append("t-1", plan, result("TodoWrite", "td", "ok"), paid, call("bash", "c", "make"))
	page.card("t-1", "Running bash make", "1/2 done", "$1.50", "$1.50/min", "< 1 min")
	page.until(`!document.getElementById("none").checkVisibility() && document.title === "Wall (1 running)"`)
	s.putTask("t-1", "Build it", "")
	page.card("t-1", "Build it")

	// The list and the page of the task say the same of it, in the same words.
	list := page.another(s.url + "/")
	list.until(`document.querySelector(".doing-what")?.innerText === "Running bash · make"`)
	of := page.another(s.url + "/tasks/t-1")
	of.nowSays("Running bash", "make", "1/2 done")
	page.until(`document.querySelector(".card-what").innerText === "Running bash" && document.querySelector(".card-detail").innerText === "make"`)

	for n := range 3 {
		s.append("t-1", call("bash", fmt.Sprint(n), "again"), failedResult("bash", fmt.Sprint(n)))
	}
	page.card("t-1", "The same call of bash failed 3 ×")

	// The newest run comes first, and before all what waits for a person.
	s.append("t-2", says("hello"))
	page.until(onWall + ` === "t-2 t-1"`)
	asks := s.append("t-1", mayI).Session
	page.card("t-1", "Waits for an answer May I?")
	page.until(onWall + ` === "t-1 t-2" && document.getElementById("summary").innerText.startsWith("2 running · 1 waits for a person")`)

	// A page that is loaded now is the same.
	const rendered = `[...document.querySelectorAll(".card")].map(e => e.innerText.replace(/\s+/g, " ")).join("\n")`
	again := page.another(s.url + "/wall")
	again.live()
	again.until(onWall + ` === "t-1 t-2"`)
	sameText(t, "the wall", evaluate[string](page, rendered), evaluate[string](again, rendered))

	s.delete("/tasks/t-2")
	page.until(onWall + ` === "t-1"`)
	s.complete("t-1", asks)
	page.card("t-1", "Succeeded")
	page.until(`document.querySelector('[data-task="t-1"]').dataset.status === "succeeded" && document.title === "Wall (0 running)"`)
	page.letTimePass(61 * time.Second)
	page.until(onWall + ` === "" && document.getElementById("none").checkVisibility()`)
}

// streams counts the streams of events that go through a proxy.
type streams struct {
	url string

	mu  sync.Mutex
	all []string // their paths
}

func countStreams(t *testing.T, server string) *streams {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	s := &streams{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.all = append(s.all, r.Request.URL.Path)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}, // the browser has gone
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections) // before it closes: the streams do not end
	s.url = front.URL
	return s
}

func (s *streams) want(t *testing.T, paths ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.all, paths) {
		t.Errorf("the streams are %q, not %q", s.all, paths)
	}
}

// However many tasks run, and however many walls are open in a browser, one stream has them
// live: browsers have six connections to a server that speaks HTTP/1.1.
func TestWallsAreLiveOverOneStream(t *testing.T) {
	s := serve(t)
	through := countStreams(t, s.url)
	var tasks []string
	for n := range 12 {
		tasks = append(tasks, fmt.Sprintf("t-%02d", n))
		s.append(tasks[n], says("hello"))
	}
	page := openTab(t, through.url+"/wall")
	page.live()
	other := page.another(through.url + "/wall?kiosk")
	other.live()
	for _, task := range tasks {
		s.append(task, call("bash", "c", "make"))
	}
	for _, task := range tasks {
		page.card(task, "Running bash make")
		other.card(task, "Running bash make")
	}
	through.want(t, "/stream")
	// The control: a page that has a stream of its own is counted.
	page.another(through.url + "/tasks/t-00").live()
	through.want(t, "/stream", "/tasks/t-00/events/stream")
}

// A wall that nobody loads again says when a budget is spent, and when there is room again.
func TestWallShowsABudgetWhenItIsReached(t *testing.T) {
	s := serve(t)
	s.stop()
	s.flags = []string{"-budget", "1/day"}
	s.start()
	s.append("t-1", says("hello"))
	page := openTab(t, s.url+"/wall")
	page.live()
	page.until(`!document.querySelector(".warning").checkVisibility()`)
	s.append("t-1", paid)
	page.until(`document.querySelector(".warning").checkVisibility() && document.querySelector(".warning").innerText.includes("The budget of $1.00 a day is spent: $1.50")`)
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.flags = []string{"-budget", "100/day"}
	s.start()
	page.live()
	s.append("t-1", says("more"))
	page.until(`!document.querySelector(".warning").checkVisibility()`)
}

// What has happened while the wall was not connected is on it afterwards.
func TestWallComesBackToWhatRunsNow(t *testing.T) {
	s := serve(t)
	for _, task := range []string{"t-stays", "t-ends", "t-goes"} {
		s.append(task, says("hello"))
	}
	page := openTab(t, s.url+"/wall")
	page.live()
	page.until(onWall + ` === "t-goes t-ends t-stays"`)
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	ends, err := log.Task(t.Context(), "t-ends")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Session("t-ends", ends.Latest).Complete(t.Context(), eventlog.Failed, "it broke"); err != nil {
		t.Fatal(err)
	}
	if err := log.DeleteTask(t.Context(), "t-goes"); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Start(t.Context(), "t-new", nil); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	page.live()
	page.card("t-ends", "Failed it broke")
	page.until(`["t-ends", "t-new", "t-stays"].join(" ") === [...document.querySelectorAll(".card")].map(e => e.dataset.task).sort().join(" ")`)
}

// A call of which nothing is heard for long is stuck, silence without one is rest.
func TestWallTellsWhatIsStuck(t *testing.T) {
	s := serve(t)
	s.past("t-stuck", time.Hour, aCall("bash", "c", "make"))
	s.past("t-idle", 2*time.Hour, eventlog.Event{Type: eventlog.TypeAssistant, Data: []byte(`{"content":"So."}`)})
	s.append("t-works", says("hello"))
	page := openTab(t, s.url+"/wall")
	page.live()
	page.card("t-stuck", "stuck? Nothing was heard for 1 h 00 min")
	page.card("t-idle", "idle for 2 h 00 min")
	page.until(onWall + ` === "t-stuck t-works t-idle" && document.getElementById("summary").innerText.startsWith("3 running · 1 stuck?")`)
	s.append("t-stuck", result("bash", "c", "done"))
	page.until(onWall + ` === "t-works t-stuck t-idle" && document.querySelector('[data-task="t-stuck"]').dataset.pace === "working"`)
}

// Where more runs than fits, the newest are shown, and none that waits for a person gives way.
func TestWallIsBounded(t *testing.T) {
	const tasks = 230
	s := serve(t)
	s.stop()
	clock := time.Now().Add(-tasks * time.Second)
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	for n := range tasks {
		clock = clock.Add(time.Second)
		if _, err := log.Start(t.Context(), fmt.Sprintf("t-%03d", n), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	page := openTab(t, s.url+"/wall")
	page.live()
	const has = `document.querySelectorAll(".card").length === 200 && document.getElementById("more").checkVisibility()`
	page.until(has + ` && document.querySelector('[data-task="t-029"]') === null`)
	s.append("t-030", mayI) // the oldest of those that are shown
	page.until(`document.querySelector(".card").dataset.task === "t-030"`)
	for n := range 3 {
		s.append(fmt.Sprintf("t-new-%d", n), says("hello"))
	}
	page.until(has + ` && document.querySelector('[data-task="t-new-2"]') !== null && document.querySelector('[data-task="t-033"]') === null && document.querySelector(".card").dataset.task === "t-030"`)
}

// pendingTimers makes known, in all pages that are opened after it, the delays of the timers
// that are set and have not fired, without those by which a test waits.
var pendingTimers = `
	const pending = new Map();
	globalThis.pendingDelays = () => [...pending.values()].filter((delay) => delay !== ` + fmt.Sprint(patience.Milliseconds()) + `).sort((a, b) => a - b).join(" ");
	for (const [set, clear, again] of [["setTimeout", "clearTimeout", false], ["setInterval", "clearInterval", true]]) {
		const realSet = globalThis[set], realClear = globalThis[clear];
		globalThis[set] = (run, delay, ...args) => {
			const id = realSet(() => { if (!again) pending.delete(id); run(...args); }, delay);
			pending.set(id, delay);
			return id;
		};
		globalThis[clear] = (id) => { pending.delete(id); realClear(id); };
	}`

// A wall on which nothing happens wakes up to show how long it takes, and an empty one only
// to tell the other tabs that it is there.
func TestWallIsQuietWhenNothingHappens(t *testing.T) {
	s := serve(t)
	page := openTab(t, s.url+"/healthz")
	_, err := chromedp.Call(page.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: pendingTimers})
	if err != nil {
		t.Fatal(err)
	}
	page.goTo(s.url + "/wall")
	page.live()
	page.run(`setTimeout(() => {}, 77_000)`) // the control: one that is set is counted
	page.until(`pendingDelays() === "30000 77000"`)
	s.append("t-1", says("hello"))
	page.card("t-1", "Says hello")
	page.until(`pendingDelays() === "10000 30000 77000"`)
	s.delete("/tasks/t-1")
	page.until(`pendingDelays() === "30000 77000"`)
}

// For a screen that nobody operates the wall leads nowhere but to its tasks.
func TestWallForAScreenHasNoNavigation(t *testing.T) {
	s := serve(t)
	s.append("t-1", says("hello"))
	page := openTab(t, s.url+"/wall?kiosk")
	page.live()
	page.card("t-1", "Says hello")
	const links = `[...document.querySelectorAll("a")].filter(e => e.checkVisibility()).map(e => e.getAttribute("href"))`
	if got := evaluate[[]string](page, links); !slices.Equal(got, []string{"tasks/t-1"}) {
		t.Errorf("it leads to %v", got)
	}
	page.goTo(s.url + "/wall") // the control
	page.live()
	if got := strings.Join(evaluate[[]string](page, links), " "); !strings.Contains(got, "wall?kiosk") {
		t.Errorf("the other one leads to %v", got)
	}
}
