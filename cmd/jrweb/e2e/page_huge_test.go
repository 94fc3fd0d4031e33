package e2e

import (
	"fmt"
	"testing"
)

// loaded is what a page has fetched, with what its script asked for, and without
// its stream.
type loaded struct {
	Requests int
	Bytes    int // of bodies, as if nothing was in the browser's cache
}

func (b *tab) loaded() loaded {
	b.t.Helper()
	return evaluate[loaded](b, `(() => {
		const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
		return {requests: entries.length, bytes: entries.reduce((sum, e) => sum + e.encodedBodySize, 0)};
	})()`)
}

// opened is what it took until the page of a task can be read and goes on live.
type opened struct {
	loaded
	Streamed, Rows int
}

func (s *server) opens(task string, events int) (*tab, opened) {
	s.t.Helper()
	const streamed = "jrweb_stream_bytes_sent_total"
	before := s.metric(streamed)
	page := openTab(s.t, s.url+"/tasks/"+task)
	page.live()
	page.has(events)
	page.until(atEnd)
	rows := evaluate[int](page, `document.querySelectorAll("#timeline [data-seq]").length`)
	return page, opened{page.loaded(), s.metric(streamed) - before, rows}
}

// smallAsOneOf fails the test when a page costs more than that of a small run: more
// requests, more rows, or more bytes than longer numbers take.
func (o opened) smallAsOneOf(t *testing.T, small opened) {
	t.Helper()
	t.Logf("a small run: %+v, this one: %+v", small, o)
	if o.Requests > small.Requests || o.Rows > small.Rows || o.Bytes > small.Bytes*11/10 || o.Streamed > small.Streamed+1000 {
		t.Error("to open it costs more than to open a small run")
	}
	if small.Bytes > 500_000 {
		t.Errorf("to open a small run takes %d bytes", small.Bytes)
	}
}

// Who scrolls through a whole run, to its start and back to its end, sees every
// event, in order, in every view without a hole or a double, and at no time are
// there many rows in the page.
func TestReadingARunToItsStartAndBack(t *testing.T) {
	events, most := 1800, 1400
	if torture() {
		events = 100_000
	}
	s := serve(t)
	s.appendMany("t-read", events)
	page := openTab(t, s.url+"/tasks/t-read")
	page.live()
	page.has(events)

	look := func() (first, last int) {
		t.Helper()
		first, last = page.shows()
		if rows := last - first + 1; rows > most {
			t.Fatalf("there are %d rows, of the events %d–%d", rows, first, last)
		}
		return first, last
	}
	first, last := look()
	for first > 1 {
		page.run(`scrollTo(0, 0)`)
		page.until(fmt.Sprintf(`Number(document.querySelector("#timeline [data-seq]").dataset.seq) < %d`, first))
		before := first
		if first, last = look(); last < before-1 {
			t.Fatalf("nobody saw the events %d–%d", last+1, before-1)
		}
	}
	if last == events {
		t.Fatal("nothing has left the page")
	}
	for last < events {
		page.run(`scrollTo(0, document.documentElement.scrollHeight)`)
		page.until(fmt.Sprintf(`Number([...document.querySelectorAll("#timeline [data-seq]")].at(-1).dataset.seq) > %d`, last))
		before := last
		if first, last = look(); first > before+1 {
			t.Fatalf("nobody saw the events %d–%d", before+1, first-1)
		}
	}

	// At the end it is live again.
	s.append("t-read", says("one more"))
	page.run(`scrollTo(0, document.documentElement.scrollHeight)`)
	page.has(events + 1)
	look()
}

// Who holds the key that leads to the end comes there, part by part: the place where a part
// is asked for is in view all the time. A part that could not be had is asked for again.
func TestReadingOnWithoutAPause(t *testing.T) {
	const events = 2000
	s := serve(t)
	s.complete("t-on", s.appendMany("t-on", events))
	relay := startRelay(t, s.addr)
	page := openTab(t, "http://"+relay.listener.Addr().String()+"/tasks/t-on?around=300#300")
	page.until(`document.body.dataset.state === "ended" && document.querySelector(".target") !== null`)
	relay.cut()
	page.run(`(() => {
		const down = () => { scrollTo(0, document.documentElement.scrollHeight); requestAnimationFrame(down); };
		down();
	})()`)
	page.until(`performance.getEntriesByType("resource").some(e => e.name.includes("after=") && e.responseStatus === 0)`)
	relay.mend()
	page.has(events + 1)
}
