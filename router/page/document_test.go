package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"jrweb/eventlog"
	"jrweb/router/page"
)

func yieldAll(entries []page.Entry) iter.Seq2[page.Entry, error] {
	return func(yield func(page.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func exported(t *testing.T, p page.ExportPage, entries []page.Entry) string {
	t.Helper()
	var b strings.Builder
	if err := page.Export(&b, p, yieldAll(entries)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// exportOf is the head of an export of one session.
func exportOf(t *testing.T, text string) page.ExportPage {
	t.Helper()
	return page.ExportPage{Task: taskWith(text), Sessions: sessionsWith(t, text)[:1]}
}

func TestAnExportNeedsNoOtherFileAndNoServer(t *testing.T) {
	p := exportOf(t, "x")
	var entries []page.Entry
	for i, row := range rows {
		entries = append(entries, page.Entry{Session: p.Sessions[0].ID, Event: event(uint64(i+1), row.kind, row.by, row.data)})
	}
	got := exported(t, p, entries)
	document, err := html.Parse(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	style, policy, images := "", "", 0
	for n := range document.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "img":
			images++
			if src := attribute(n, "src"); src != "data:image/png;base64,"+imageData {
				t.Errorf("an image from %q", src)
			}
		case "script", "link", "iframe", "object", "base", "form":
			t.Errorf("a %s in the export", n.Data)
		case "style":
			style = n.FirstChild.Data
		case "meta":
			if attribute(n, "http-equiv") == "Content-Security-Policy" {
				policy = attribute(n, "content")
			}
		case "a":
			if href := attribute(n, "href"); !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "https://example.org/") {
				t.Errorf("a link to %q", href)
			}
		}
	}
	if images != 5 || !strings.Contains(policy, "img-src data:") {
		t.Errorf("%d images, policy %s", images, policy)
	}
	sum := sha256.Sum256([]byte(style))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
		t.Errorf("the policy %q does not let the style through: %s", policy, want)
	}
	for _, forbidden := range []string{"unsafe", "*", "http", "'self'"} {
		if strings.Contains(policy, forbidden) {
			t.Errorf("the policy allows %s: %s", forbidden, policy)
		}
	}
	if found := regexp.MustCompile(`url\("?(?:[^"d]|d[^a])|@import`).FindString(style); found != "" {
		t.Errorf("the style asks for a file: %s", found)
	}
	for i, row := range rows {
		if row.kind == eventlog.TypeSession || row.name == "cost_of_a_thread" {
			continue // the head tells it
		}
		if !strings.Contains(got, fmt.Sprintf(` data-seq="%d" `, i+1)) {
			t.Errorf("event %d is not in the export", i+1)
		}
	}
}

func TestAnExportLeavesNothingOut(t *testing.T) {
	p := exportOf(t, "x")
	var long strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&long, "line %d of the text\n", i)
	}
	text := quote(t, long.String())
	got := exported(t, p, timeline(t, p.Sessions[0].ID,
		`assistant {"content":`+text+`}`, `status {"content":`+text+`}`,
		`tool_call {"tool":"x","args":{"command":`+text+`,"old_str":`+text+`,"new_str":"b"}}`, `tool_result {"tool":"x","success":true,"output":`+text+`}`,
	))
	if strings.Contains(got, "left out") {
		t.Error("something was left out")
	}
	if n := strings.Count(got, "line 20000 of the text"); n < 5 {
		t.Errorf("the middle is there %d times of 5", n)
	}
}

func TestHostileTextsInAnExport(t *testing.T) {
	for _, attack := range attacks {
		p := page.ExportPage{Task: taskWith(attack), Sessions: sessionsWith(t, attack)}
		var entries []page.Entry
		for _, e := range hostileEvents(t, attack) {
			entries = append(entries, page.Entry{Session: p.Sessions[0].ID, Event: e})
		}
		document, err := html.Parse(strings.NewReader(exported(t, p, entries)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range document.Descendants() {
			switch {
			case n.Type != html.ElementNode:
			case attribute(n, "id") == "timeline":
				checkNode(t, n, attack)
			case n.Data == "script" || n.Data == "style" && n.Parent.Data != "head":
				t.Errorf("%q made a %s", attack, n.Data)
			}
		}
	}
}

// A long run is never in memory at once: what was yielded is soon written.
func TestAnExportWritesWhileItReads(t *testing.T) {
	const events = 20_000
	p := exportOf(t, "x")
	var written rowCounter
	err := page.Export(&written, p, func(yield func(page.Entry, error) bool) {
		for n := 1; n <= events; n++ {
			kind, data := "status", `{"content":"x"}`
			if n%5000 == 0 { // a call that never gets its result holds up what follows
				kind, data = "tool_call", `{"tool":"x","args":{}}`
			}
			if !yield(page.Entry{Session: p.Sessions[0].ID, Event: event(uint64(n), kind, eventlog.Agent, data)}, nil) {
				return
			}
			if held := n - written.rows; held > page.HoldAtMost+500 { // and a buffer of 64 KiB
				t.Fatalf("%d of %d events are held back", held, n)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if written.rows != events {
		t.Errorf("%d of %d events were written", written.rows, events)
	}
}

// rowCounter counts the rows that are written to it.
type rowCounter struct {
	rows int
	rest []byte
}

func (c *rowCounter) Write(p []byte) (int, error) {
	all := append(c.rest, p...)
	end := bytes.LastIndexByte(all, '\n') + 1
	c.rows += bytes.Count(all[:end], []byte(`<li class="event`))
	c.rest = append([]byte(nil), all[end:]...)
	return len(p), nil
}

func TestAnExportThatFailsSaysSo(t *testing.T) {
	broken := errors.New("connection lost")
	err := page.Export(&strings.Builder{}, exportOf(t, "x"), func(yield func(page.Entry, error) bool) {
		yield(page.Entry{}, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	err = page.Export(failing{broken}, exportOf(t, "x"), yieldAll(nil))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func ExampleExport() {
	session := eventlog.SessionID{1}
	p := page.ExportPage{
		Task:     eventlog.Task{ID: "my-task"},
		Sessions: []eventlog.SessionInfo{{ID: session, Status: eventlog.Succeeded}},
	}
	entries := func(yield func(page.Entry, error) bool) { // of a log, or a client
		yield(page.Entry{Session: session, Event: eventlog.Event{
			Sequence: 1, Type: eventlog.TypeAssistant, Data: []byte(`{"content":"Hello"}`),
		}}, nil)
	}
	file, err := os.CreateTemp("", "my-task-*.html")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	fmt.Println(page.Export(file, p, entries), file.Close())
	// Output: <nil> <nil>
}
