package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in a real Chromium, and what it did.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	errors   []string
	budget   chan struct{} // told when the page's clock has been moved forward
}

// chromium is one browser for all tests: to start it takes longer than most of them. Closed by
// closeChromium.
var chromium struct {
	ctx   context.Context
	close func()
}

func startChromium(t *testing.T) {
	t.Helper()
	if chromium.ctx != nil {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needs(t, "chromium")),
		chromedp.NoSandbox, // Chromium refuses its sandbox to root
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Each window has pages for the suggestions of its address bar, which nobody uses here, and
		// which take longer than most of ours.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"),
		// In a headless browser every tab counts as seen: what moves for ever is drawn in each.
		chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.WindowSize(1280, 900),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil { // starts it, without a bound of its own
		end()
		t.Fatal(err)
	}
	chromium.ctx = ctx
	chromium.close = func() {
		cancel()
		end()
	}
}

// closeChromium ends the browser, if a test has started it.
func closeChromium() {
	if chromium.ctx != nil {
		chromium.close()
	}
}

// openTab opens a tab that shares nothing with those of other tests: no cookies, no storage,
// no workers and no connections.
func openTab(t *testing.T, url string) *tab {
	t.Helper()
	startChromium(t)
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return newTab(t, ctx, url)
}

// another opens one more tab in the browser of this one.
func (b *tab) another(url string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return newTab(b.t, ctx, url)
}

func newTab(t *testing.T, ctx context.Context, url string) *tab {
	t.Helper()
	b := &tab{t: t, ctx: ctx, budget: make(chan struct{}, 1)}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.Method+" "+e.Request.URL)
		case *cdpruntime.EventExceptionThrown:
			b.errors = append(b.errors, fmt.Sprintf("%s (line %d)", e.ExceptionDetails.Text, e.ExceptionDetails.LineNumber+1))
		case *emulation.EventVirtualTimeBudgetExpired:
			b.budget <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.errors) > 0 {
			t.Errorf("the page's script failed: %s", strings.Join(b.errors, "\n"))
		}
	})
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdpruntime.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	do(b, chromedp.Navigate(url))
	return b
}

// do runs an action in the page and returns its value.
func do[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// until waits for a condition in the page. When another document takes the place
// of the one that was asked, the new one is asked.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
	for leftDocument(err) {
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
	}
	if err != nil {
		shown, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.dataset.state + ": " + document.body.innerText.slice(0, 2000)`))
		b.t.Fatalf("%s never held (%v); the page shows %s", expression, err, shown)
	}
}

// leftDocument tells whether a script ended because its document was left.
func leftDocument(err error) bool {
	var refused *cdproto.Error
	return errors.As(err, &refused) && refused.Code == -32000 // of scripts, the only reason that has this number
}

// showsExactly checks that the page shows the events 1 … last, each once, in order.
func (b *tab) showsExactly(last int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector('[data-seq="%d"]') !== null`, last))
	shown := do(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll('[data-seq]')].map(e => e.dataset.seq)`))
	seen := map[string]int{}
	for _, sequence := range shown {
		seen[sequence]++
	}
	for n := 1; n <= last; n++ {
		if got := seen[fmt.Sprint(n)]; got != 1 {
			b.t.Errorf("event %d is shown %d times", n, got)
		}
	}
	if len(shown) != last {
		b.t.Errorf("%d events are shown, there are %d: %v", len(shown), last, shown)
	}
}

// requested returns what the page has requested so far.
func (b *tab) requested() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

// letTimePass moves the page's clock: every timer that would fire in that time fires.
func (b *tab) letTimePass(d time.Duration) {
	b.t.Helper()
	budget := float64(d.Milliseconds())
	_, err := chromedp.Call(b.ctx, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{
		Policy: emulation.VirtualTimePolicyAdvance, Budget: &budget,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	select {
	case <-b.budget:
	case <-time.After(patience):
		b.t.Fatal("the page's clock does not move")
	}
}

func call(tool, id, argument string) string {
	return fmt.Sprintf(`{"type":"tool_call","data":{"tool":%q,"args":{"path":%q},"call_id":%q}}`, tool, argument, id)
}

func result(tool, id, output string) string {
	return fmt.Sprintf(`{"type":"tool_result","data":{"tool":%q,"success":true,"output":%q,"call_id":%q}}`, tool, output, id)
}

// The page in a real browser: what exists, then what comes, over a restart of
// the server, each event once, and silence after the end.
func TestPageFollowsARunToItsEnd(t *testing.T) {
	s := serve(t)
	s.append("t-page", says("I will look at the parser."), call("read_file", "c1", "parser.go"))
	page := openTab(t, s.url+"/tasks/t-page")
	page.showsExactly(2)
	page.until(`document.body.dataset.state === "live"`)

	s.append("t-page", result("read_file", "c1", "package parser"), says("Found it."))
	page.showsExactly(4)

	// The server goes away and comes back; events come while the page is away.
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	s.append("t-page", says("five"), says("six"))
	page.showsExactly(6)
	page.until(`document.body.dataset.state === "live"`)

	// Once more, and nothing new is appended before it comes back.
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	page.until(`document.body.dataset.state === "live"`)
	page.showsExactly(6)

	session := s.append("t-page", says("seven")).Session
	s.complete("t-page", session)
	page.showsExactly(8)
	page.until(`document.body.dataset.state === "ended"`)
	before := page.requested()
	page.letTimePass(10 * time.Minute)
	if after := page.requested(); len(after) != len(before) {
		t.Errorf("after the end the page still requests: %v", after[len(before):])
	}
}

// The control of the test above: a page whose run goes on does make requests
// when its connection is cut, and a request that waits for a timer is seen, too.
func TestRequestsOfAPageAreCounted(t *testing.T) {
	s := serve(t)
	s.append("t-open", says("one"))
	page := openTab(t, s.url+"/tasks/t-open")
	page.showsExactly(1)
	before := len(page.requested())
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	page.until(`document.body.dataset.state === "live"`)
	// The browser reports a request beside what it answers about the page, maybe later.
	for asked := 0; len(page.requested()) == before; asked++ {
		if asked == 1000 {
			t.Fatal("the page came back, and no request was counted")
		}
		page.until(`true`)
	}

	do(page, chromedp.Evaluate[chromedp.Void](`void setTimeout(() => fetch("/healthz"), 9 * 60 * 1000)`))
	page.letTimePass(10 * time.Minute)
	if last := page.requested()[len(page.requested())-1]; !strings.HasSuffix(last, "/healthz") {
		t.Errorf("time passed, and the last request is %s", last)
	}
}

func TestPageOfAFinishedRunShowsAllOfItAndAsksNoMore(t *testing.T) {
	s := serve(t)
	session := s.append("t-done", says("one"), says("two")).Session
	s.complete("t-done", session)
	page := openTab(t, s.url+"/tasks/t-done")
	page.showsExactly(3)
	page.until(`document.body.dataset.state === "ended"`)
	before := len(page.requested())
	page.letTimePass(10 * time.Minute)
	if after := page.requested(); len(after) != before {
		t.Errorf("the page still requests: %v", after[before:])
	}
}

func TestListShowsNewTasksLive(t *testing.T) {
	s := serve(t)
	page := openTab(t, s.url+"/")
	page.until(`document.body.dataset.state === "live"`)
	s.append("t-first", says("hello"))
	page.until(`document.querySelector('[data-task="t-first"]') !== null`)
	if ids := evaluate[string](page, `document.querySelector('[data-task="t-first"] .ids').innerText`); ids != "" {
		t.Errorf("below the id, which stands in the title's place, stands %q", ids)
	}
	s.append("t-second", says("hello"))
	page.until(`document.querySelector('[data-task]').dataset.task === "t-second"`)
	s.append("t-first", says("again"))
	page.until(`document.querySelector('[data-task]').dataset.task === "t-first"`)
	s.delete("/tasks/t-second")
	page.until(`document.querySelector('[data-task="t-second"]') === null`)

	// The server comes back with what it had.
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	page.until(`document.body.dataset.state === "live"`)
	page.until(`document.querySelectorAll('[data-task]').length === 1`)
}

// What an agent prints is text, whatever it looks like.
func TestPageRunsNoScriptFromEvents(t *testing.T) {
	s := serve(t)
	const hostile = `<img src=x onerror=\"document.title='owned';window.owned=1\"><script>window.owned=1</script>`
	s.append("t-hostile",
		`{"type":"assistant","data":{"content":"`+hostile+`"}}`,
		`{"type":"tool_call","data":{"tool":"`+hostile+`","args":{"path":"`+hostile+`","command":"javascript:alert(1)"},"call_id":"`+hostile+`"}}`,
		`{"type":"tool_result","data":{"tool":"`+hostile+`","success":false,"output":"`+hostile+`","call_id":"`+hostile+`"}}`,
		`{"type":"error","data":{"message":"`+hostile+`","code":"`+hostile+`"}}`,
		`{"type":"cost","data":{"usd":0.1,"model":"`+hostile+`"}}`,
		`{"type":"anything","data":{"`+hostile+`":"`+hostile+`"}}`,
	)
	page := openTab(t, s.url+"/tasks/t-hostile")
	page.showsExactly(6)
	if do(page, chromedp.Evaluate[bool](`window.owned === 1 || document.querySelector('#timeline img, #timeline script') !== null`)) {
		t.Error("an event became markup")
	}
}
