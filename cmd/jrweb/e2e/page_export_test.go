package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// export writes the page of a task into a file, as a user does, and returns its path.
func (s *server) export(task string) string {
	s.t.Helper()
	var html, stderr bytes.Buffer
	cmd := exec.Command(binary, "export", "-url", s.url, "-format", "html", task)
	cmd.Stdout, cmd.Stderr = &html, &stderr
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%v: %s", err, stderr.String())
	}
	path := filepath.Join(s.t.TempDir(), task+".html")
	if err := os.WriteFile(path, html.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// An exported page opens from the disk while the network and the server are away:
// every event of every session is there once, in order, whole, and it asks for
// nothing and runs nothing.
func TestExportedPageOpensOffline(t *testing.T) {
	s := serve(t)
	const n = 1100 // more than a page of the API, and more than a part of the timeline
	first := s.appendMany("t-export", n)
	var events []string
	for _, text := range hostile {
		events = append(events, everyType(text)...)
	}
	s.append("t-export", events...)
	s.append("t-export", call("bash", "c", "make"), result("bash", "c", "start "+strings.Repeat("0123456789", 50_000)+" end"))
	s.complete("t-export", first)
	second := s.append("t-export", says("second try"), call("bash", "open", "make")).Session
	path := s.export("t-export")
	s.stop()

	page := openTab(t, "about:blank")
	if _, err := chromedp.Call(page.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: true}); err != nil {
		t.Fatal(err)
	}
	do(page, chromedp.Navigate("file://"+path))
	page.until(`document.readyState === "complete"`)

	last := n + len(events) + 3
	type place struct {
		Session  string
		Sequence int
	}
	shown := evaluate[[]place](page, `[...document.querySelectorAll("#timeline [data-seq]")].map(e => ({session: e.dataset.session, sequence: Number(e.dataset.seq)}))`)
	seen := map[place]int{}
	for _, p := range shown {
		seen[p]++
	}
	for sequence := range last {
		if got := seen[place{first, sequence + 1}]; got != 1 {
			t.Errorf("event %d of the first session is shown %d times", sequence+1, got)
		}
	}
	if seen[place{second, 1}] != 1 || seen[place{second, 2}] != 1 || len(shown) != last+2 {
		t.Errorf("%d events are shown, there are %d", len(shown), last+2)
	}
	long := evaluate[int](page, `Math.max(...[...document.querySelectorAll("#timeline pre")].map(e => e.textContent.length))`)
	if long != 500_010 {
		t.Errorf("the longest output has %d characters", long)
	}
	if title := evaluate[string](page, `document.querySelector("h2").textContent`); !strings.HasPrefix(title, fmt.Sprintf("Timeline (%d)", last+2)) {
		t.Errorf("its head says %q of %d events", title, last+2)
	}
	if moving := evaluate[int](page, `document.getAnimations().length`); moving > 0 {
		t.Errorf("%d things move, and nothing will come", moving)
	}
	for _, request := range page.requested() {
		_, url, _ := strings.Cut(request, " ")
		if url != "file://"+path && url != "about:blank" && !strings.HasPrefix(url, "data:image/svg+xml,") {
			t.Errorf("it asks for %s", request)
		}
	}
	// It has no script of its own, so what is a script came out of an event.
	if bad := evaluate[int](page, `document.querySelectorAll("script, iframe, object, embed, img, svg:not(#map svg), form, base, [onclick], [onload], [onerror]").length`); bad > 0 || evaluate[bool](page, `window.owned === 1`) {
		t.Errorf("events became %d pieces of markup", bad)
	}

	// Links to events work, and lead to one of that session.
	page.run(`location.hash = "#" + %q + ":700"`, first)
	page.until(`document.querySelector(":target")?.dataset.seq === "700" && Math.abs(document.querySelector(":target").getBoundingClientRect().top) < innerHeight`)
}
