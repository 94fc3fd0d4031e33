package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"jrweb/eventlog"
)

// relay passes connections on to a server until it is told to cut them.
type relay struct {
	listener net.Listener

	mu    sync.Mutex
	conns []net.Conn
	down  bool
}

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil || !r.keep(client, server) {
				client.Close()
				continue
			}
			passing.Go(func() { _, _ = io.Copy(server, client); server.Close() })
			passing.Go(func() { _, _ = io.Copy(client, server); client.Close() })
		}
	})
	t.Cleanup(func() { listener.Close(); r.cut(); passing.Wait() })
	return r
}

func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		for _, c := range conns {
			c.Close()
		}
		return false
	}
	r.conns = append(r.conns, conns...)
	return true
}

// cut ends all connections and lets no new one through, as a network that is gone.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

func (r *relay) mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = false
}

// The network is away for a while, as when a laptop sleeps; a lot happens meanwhile.
func TestPageComesBackAfterTheNetworkWasAway(t *testing.T) {
	s := serve(t)
	s.append("t-sleep", says("one"), call("bash", "c", "sleep"))
	network := startRelay(t, s.addr)
	page := openTab(t, "http://"+network.listener.Addr().String()+"/tasks/t-sleep")
	page.live()
	page.showsExactly(2)

	network.cut()
	page.until(`document.body.dataset.state === "reconnecting" && document.title.startsWith("↻")`)
	s.append("t-sleep", result("bash", "c", "slept"))
	for n := 4; n <= 110; n++ {
		s.append("t-sleep", says("event %d", n))
	}
	network.mend()
	page.live()
	page.showsExactly(110)
	session := s.append("t-sleep", says("last")).Session
	s.complete("t-sleep", session)
	page.showsExactly(112)
	page.until(`document.body.dataset.state === "ended" && document.title.startsWith("✓")`)
}

// The reader scrolls up and is left alone; what comes is counted, and one press
// leads to it.
func TestPageFollowsOnlyWhoWantsTo(t *testing.T) {
	s := serve(t)
	session := s.appendMany("t-follow", 60)
	page := openTab(t, s.url+"/tasks/t-follow")
	page.live()
	page.until(atEnd + ` && document.getElementById("jump").hidden`)
	s.append("t-follow", says("event 61"))
	page.has(61)
	page.until(atEnd)

	page.run(`scrollTo(0, 500)`)
	page.until(`!document.getElementById("jump").hidden`)
	s.append("t-follow", says("event 62"), says("event 63"), says("event 64"))
	page.until(`document.getElementById("jump").textContent.includes("(3 new)")`)
	page.has(64)
	if y := evaluate[float64](page, `scrollY`); y != 500 {
		t.Errorf("the page moved to %.0f while somebody read at 500", y)
	}
	page.run(`document.getElementById("jump").click()`)
	page.until(atEnd + ` && document.getElementById("jump").hidden`)
	s.append("t-follow", says("event 65"))
	page.has(65)
	page.until(atEnd)
	page.showsExactly(65)

	// What came last can be jumped to; after that nothing more will come.
	page.run(`scrollTo(0, 500)`)
	page.until(`!document.getElementById("jump").hidden`)
	s.complete("t-follow", session)
	page.until(`document.body.dataset.state === "ended" && document.getElementById("jump").textContent.includes("(1 new)")`)
	page.run(`document.getElementById("jump").click()`)
	page.until(atEnd + ` && document.body.dataset.follow === "true"`)
	page.run(`scrollTo(0, 500)`)
	page.until(`document.body.dataset.follow === "false" && document.getElementById("jump").hidden`)
}

// The server has lost what the page has seen, as after an older backup was put back:
// the page says so and shows what is there.
func TestPageStartsAnewAfterAReset(t *testing.T) {
	s := serve(t)
	s.append("t-reset", says("one"), says("two"))
	s.stop()
	backup, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	s.append("t-reset", says("three"), says("four"), says("five"))
	page := openTab(t, s.url+"/tasks/t-reset")
	page.live()
	page.showsExactly(5)

	s.stop()
	if err := os.WriteFile(s.db, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	page.until(`document.querySelector(".reset")?.dataset.reason === "ahead"`)
	page.showsExactly(2)
	page.live()
	s.append("t-reset", says("another three"))
	page.showsExactly(3)
}

// Events that are gone before the page could get them leave a notice.
func TestPageShowsAGap(t *testing.T) {
	s := serve(t)
	answer := s.append("t-gap", says("one"), says("two"))
	page := openTab(t, s.url+"/tasks/t-gap")
	page.live()
	page.showsExactly(2)

	s.append("t-gap", says("three"))
	page.showsExactly(3)
	network := startRelay(t, s.addr)
	away := page.another("http://" + network.listener.Addr().String() + "/tasks/t-gap")
	away.live()
	away.showsExactly(3)
	network.cut()
	away.until(`document.body.dataset.state === "reconnecting"`)
	s.append("t-gap", says("four"), says("five"), says("six"))
	s.stop()
	s.trim("t-gap", answer.Session, 5)
	s.start()
	network.mend()
	away.has(6)
	away.until(`document.querySelector(".gap")?.textContent === "Events 4–5 are no longer kept"`)
	shown := evaluate[string](away, `[...document.querySelectorAll("#timeline > *")].map(e => e.dataset.seq ?? e.className).join(" ")`)
	if shown != "1 2 3 gap 6" {
		t.Errorf("it shows %s", shown)
	}
}

// trim takes events away while the server is stopped.
func (s *server) trim(task, session string, through uint64) {
	s.t.Helper()
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true})
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := eventlog.ParseSessionID(session)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := log.Trim(s.t.Context(), task, id, through); err != nil {
		s.t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// metric returns the value of a metric.
func (s *server) metric(name string) int {
	s.t.Helper()
	res, err := http.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return int(n)
		}
	}
	s.t.Fatalf("no %s in the metrics", name)
	return 0
}

// Eight tabs that show the same share one stream; eight tabs that show different
// tasks leave connections for everything else, and all of them work.
func TestManyTabsShareTheBrowsersConnections(t *testing.T) {
	s := serve(t)
	s.append("t-tabs", says("one"))
	tabs := []*tab{openTab(t, s.url+"/tasks/t-tabs")}
	tabs[0].live()
	for range 7 {
		next := tabs[0].another(s.url + "/tasks/t-tabs")
		next.live()
		tabs = append(tabs, next)
		s.append("t-tabs", says("event %d", len(tabs)))
	}
	for _, page := range tabs {
		page.showsExactly(8)
	}
	if n := s.metric("jrweb_streams_active"); n != 1 {
		t.Errorf("eight tabs of one task hold %d streams", n)
	}

	for i, page := range tabs {
		task := fmt.Sprintf("t-tabs-%d", i)
		s.append(task, says("one"))
		page.goTo(s.url + "/tasks/" + task)
		page.showsExactly(1)
		page.until(`["live", "waiting"].includes(document.body.dataset.state)`)
	}
	if n := s.metric("jrweb_streams_active"); n > 4 {
		t.Errorf("eight tabs of eight tasks hold %d streams", n)
	}
	for i, page := range tabs {
		s.append(fmt.Sprintf("t-tabs-%d", i), says("two"))
		page.showsExactly(2)
	}
}

// What a program prints under jrweb run is shown as a terminal shows it, also where it looks
// like Markdown.
func TestOutputOfAProgramIsNoMarkdown(t *testing.T) {
	s := serve(t)
	printed := "# not a heading\n  *a* _b_\n\x1b[31mred\x1b[0m 10%\r100%\n"
	run := exec.Command(binary, "run", "-url", s.url, "-task", "t-prints", "-spool", t.TempDir(), "--", "printf", "%b", printed)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	page := openTab(t, s.url+"/tasks/t-prints")
	page.until(`document.body.dataset.state === "ended"`)
	for _, place := range []string{"#timeline", "#outcome"} {
		if got := evaluate[string](page, `document.querySelector("%s pre").textContent.trimEnd()`, place); got != "# not a heading\n  *a* _b_\n100%" {
			t.Errorf("%s shows %q", place, got)
		}
	}
	s.append("t-says", says("# a heading")) // the control
	page.goTo(s.url + "/tasks/t-says")
	page.live()
	page.until(`document.querySelector("#timeline .heading")?.textContent === "a heading"`)
}

// Where the browser has no shared workers, each page has a stream of its own.
func TestPageWorksWithoutSharedWorkers(t *testing.T) {
	s := serve(t)
	s.append("t-alone", says("one"))
	page := openTab(t, "about:blank")
	_, err := chromedp.Call(page.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `delete globalThis.SharedWorker`})
	if err != nil {
		t.Fatal(err)
	}
	do(page, chromedp.Navigate(s.url+"/tasks/t-alone"))
	page.live()
	s.append("t-alone", says("two"))
	page.showsExactly(2)
	s.stop()
	page.until(`document.body.dataset.state === "reconnecting"`)
	s.start()
	s.complete("t-alone", s.append("t-alone", says("three")).Session)
	page.showsExactly(4)
	page.until(`document.body.dataset.state === "ended"`)
}

func TestPageSaysThatItsTaskWasDeleted(t *testing.T) {
	s := serve(t)
	s.append("t-gone", says("one"))
	page := openTab(t, s.url+"/tasks/t-gone")
	page.live()
	s.delete("/tasks/t-gone")
	page.until(`document.body.dataset.state === "gone" && document.getElementById("now").innerText.includes("This task was deleted")`)
}

func TestPageShowsTheWholeHistoryOverRetries(t *testing.T) {
	s := serve(t)
	first := s.append("t-retry", says("first try")).Session
	s.complete("t-retry", first)
	second := s.append("t-retry", says("second try")).Session
	page := openTab(t, s.url+"/tasks/t-retry?sessions=all")
	page.live()
	s.append("t-retry", says("still at it"))
	page.until(fmt.Sprintf(`document.getElementById("%s:2") !== null`, second))
	s.complete("t-retry", second)
	third := s.append("t-retry", says("third try")).Session
	page.until(fmt.Sprintf(`document.getElementById("%s:1") !== null`, third))
	want := strings.Join([]string{first + ":1", first + ":2", second + ":1", second + ":2", second + ":3", third + ":1"}, " ")
	if shown := evaluate[string](page, `[...document.querySelectorAll("#timeline .event")].map(e => e.id).join(" ")`); shown != want {
		t.Errorf("it shows %s, want %s", shown, want)
	}
	if breaks := evaluate[int](page, `document.querySelectorAll(".session-break").length`); breaks != 3 {
		t.Errorf("three sessions have %d headings", breaks)
	}
}

func TestPageShowsSessionsThatRunBesideEachOtherInOneOrder(t *testing.T) {
	s := serve(t)
	sessions := [2]string{}
	for i := range sessions {
		var answer struct{ ID string }
		s.post("/tasks/t-beside/sessions", `{"concurrent":true}`, &answer)
		sessions[i] = answer.ID
	}
	var want []string
	say := func(i, n int) {
		var answer appended
		s.post("/tasks/t-beside/sessions/"+sessions[i]+"/events", "["+says("event %d", n)+"]", &answer)
		want = append(want, fmt.Sprintf("%s:%d", sessions[i], n))
	}
	say(1, 1)
	say(0, 1)
	say(1, 2)
	page := openTab(t, s.url+"/tasks/t-beside?sessions=all")
	page.live()
	say(0, 2)
	say(1, 3)
	say(0, 3)
	for _, when := range []string{"live", "after a reload"} {
		page.until(fmt.Sprintf(`document.getElementById("%s") !== null`, want[len(want)-1]))
		shown := evaluate[string](page, `[...document.querySelectorAll("#timeline .event")].map(e => e.id).join(" ")`)
		if shown != strings.Join(want, " ") {
			t.Errorf("%s it shows %s, want %s", when, shown, strings.Join(want, " "))
		}
		if breaks := evaluate[int](page, `document.querySelectorAll(".session-break").length`); breaks != len(want) {
			t.Errorf("%s it has %d headings, want %d", when, breaks, len(want))
		}
		if gaps := evaluate[int](page, `document.querySelectorAll(".gap").length`); gaps != 0 {
			t.Errorf("%s it has %d gaps", when, gaps)
		}
		page = openTab(t, s.url+"/tasks/t-beside?sessions=all")
		page.live()
	}
}
