package router_test

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
)

// part is the part of a timeline that a page shows.
type part struct {
	rows         []string // their ids
	older, newer string   // where the links lead, "" if there is none
}

var (
	rowID   = regexp.MustCompile(`<li class="event[^"]*" id="([^"]*)"`)
	moreURL = regexp.MustCompile(`id="(older|newer)" rel="[a-z]*" href="([^"]*)"`)
)

func (s *server) part(query string) part {
	s.Helper()
	a := s.get("/tasks/t-1"+query, "Accept: text/html").is(200)
	var p part
	for _, m := range rowID.FindAllStringSubmatch(a.body, -1) {
		p.rows = append(p.rows, m[1])
	}
	for _, m := range moreURL.FindAllStringSubmatch(a.body, -1) {
		address := strings.ReplaceAll(m[2], "&amp;", "&")
		if m[1] == "older" {
			p.older = address
		} else {
			p.newer = address
		}
	}
	return p
}

func (p part) String() string {
	if len(p.rows) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s … %s, %d", p.rows[0], p.rows[len(p.rows)-1], len(p.rows))
}

// numbered are the numbers from first to last, as contents of events.
func numbered(first, last int) []string {
	var events []string
	for n := first; n <= last; n++ {
		events = append(events, say(fmt.Sprint(n)))
	}
	return events
}

func ids(prefix string, first, last int) []string {
	var all []string
	for n := first; n <= last; n++ {
		all = append(all, prefix+fmt.Sprint(n))
	}
	return all
}

func TestAPageShowsTheNewestPartOfALongTimeline(t *testing.T) {
	s := serve(t)
	s.append("t-1", numbered(1, 950)...)
	if got := s.part("").String(); got != "751 … 950, 200" {
		t.Errorf("the newest part is %s", got)
	}
	a := s.get("/tasks/t-1", "Accept: text/html").says(`data-newest="true"`).says(`data-events="950"`)
	if !regexp.MustCompile(`data-cursor="[A-Z0-9]+:950"`).MatchString(a.body) {
		t.Error("the page does not tell where its script goes on")
	}
}

func TestLinksLeadThroughAllOfATimeline(t *testing.T) {
	s := serve(t)
	s.append("t-1", numbered(1, 950)...)
	s.append("t-1", complete)
	var parts []part
	for query := "?at=end"; ; {
		p := s.part(query)
		parts = append(parts, p)
		if query = p.older; query == "" {
			break
		}
	}
	slices.Reverse(parts)
	var all []string
	for _, p := range parts {
		all = append(all, p.rows...)
	}
	if want := ids("", 1, 951); !slices.Equal(all, want) {
		t.Errorf("going back from the newest part: %v", parts)
	}
	first := parts[0]
	all = first.rows
	for query := first.newer; query != ""; {
		p := s.part(query)
		all = append(all, p.rows...)
		query = p.newer
	}
	if want := ids("", 1, 951); !slices.Equal(all, want) {
		t.Errorf("going on from the oldest part: %d rows", len(all))
	}
}

// A session that has ended is shown from its start.
func TestAPageOfARunThatIsOverShowsItsOldestPart(t *testing.T) {
	s := serve(t)
	s.append("t-1", numbered(1, 950)...)
	s.append("t-1", complete)
	if got := s.part("").String(); got != "1 … 200, 200" {
		t.Errorf("it opens with %s", got)
	}
	if got := s.part("?at=end").String(); got != "752 … 951, 200" {
		t.Errorf("its end is %s", got)
	}
	s.get("/tasks/t-1?at=middle", "Accept: text/html").problem(400, "at")
}

func TestAPermalinkLandsOnItsEvent(t *testing.T) {
	s := serve(t)
	s.append("t-1", numbered(1, 950)...)
	for place, want := range map[string]string{
		"1": "1 … 100, 100", "50": "1 … 149, 149", "500": "400 … 599, 200", "950": "850 … 950, 101", "951": "851 … 950, 100",
	} {
		if got := s.part("?around=" + place).String(); got != want {
			t.Errorf("around %s: %s, not %s", place, got, want)
		}
	}
}

func TestAPartWithLargeEventsHasFewOfThem(t *testing.T) {
	s := serve(t)
	var large []string
	for range 12 {
		large = append(large, saying(600<<10))
	}
	s.append("t-1", large...)
	for query, want := range map[string]string{
		"": "10 … 12, 3", "?before=10": "7 … 9, 3", "?after=3": "4 … 6, 3", "?around=6": "5 … 6, 2",
	} {
		if got := s.part(query).String(); got != want {
			t.Errorf("%q: %s, not %s", query, got, want)
		}
	}
}

func TestTheWholeHistoryIsOneTimeline(t *testing.T) {
	s := serve(t)
	var want []string
	for range 3 {
		session := s.append("t-1", append(numbered(1, 149), complete)...)
		want = append(want, ids(session+":", 1, 150)...)
	}
	s.start("t-1")
	var all []string
	for query := "?sessions=all"; query != ""; {
		p := s.part(query)
		all = append(slices.Clone(p.rows), all...)
		query = p.older
	}
	if !slices.Equal(all, want) {
		t.Errorf("going back: %d rows, not %d", len(all), len(want))
	}
	all = nil
	for query := "?sessions=all&after=" + strings.Replace(want[0], ":1", ":0", 1); query != ""; {
		p := s.part(query)
		all = append(all, p.rows...)
		query = p.newer
	}
	if !slices.Equal(all, want) {
		t.Errorf("going on: %d rows, not %d", len(all), len(want))
	}
	if p := s.part("?sessions=all&around=" + want[150]); p.String() != fmt.Sprintf("%s … %s, 200", want[50], want[249]) {
		t.Errorf("around the start of the second session: %s", p)
	}
	if before, at := s.part("?sessions=all&around="+strings.Replace(want[0], ":1", ":0", 1)), s.part("?sessions=all&around="+want[0]); before.String() != at.String() {
		t.Errorf("around the place before the first event: %s, around the first event: %s", before, at)
	}
	a := s.get("/tasks/t-1?sessions=all", "Accept: text/html").says(`data-all="true"`)
	if got := strings.Count(a.body, `class="session-break"`); got != 1 {
		t.Errorf("%d sessions begin on the newest part, not 1", got)
	}
}

func TestAPlaceThatIsNoneIsRefused(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", numbered(1, 3)...)
	html := "Accept: text/html"
	for query, field := range map[string]string{
		"before=x": "before", "before=0": "before", "around=-1": "around", "after=": "after", "after=18446744073709551616": "after",
		"sessions=some": "sessions", "sessions=all&session=" + session: "sessions",
		"sessions=all&before=3": "before", "sessions=all&around=" + session + ":01": "around",
		"elsewhere=1": "elsewhere",
	} {
		s.get("/tasks/t-1?"+query, html).problem(400, field)
	}
	s.get("/tasks/t-1?before=2&after=1", html).is(400)
	unknown := eventlog.Cursor{Session: eventlog.SessionID{1}, Sequence: 1}.String()
	s.get("/tasks/t-1?sessions=all&before="+unknown, html).problem(404, "")
	s.get("/tasks/t-1?before=2", "Accept: application/json").problem(400, "before")
	for query, want := range map[string]string{
		"?before=1": "nothing", "?after=3": "nothing", "?after=18446744073709551615": "nothing",
		"?before=18446744073709551615": "1 … 3, 3", "?around=18446744073709551615": "1 … 3, 3",
	} {
		if got := s.part(query).String(); got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
	}
}

// The rows of a page and those of the stream are the same.
func TestTheStreamHasTheRowsOfThePage(t *testing.T) {
	s := serve(t)
	s.append("t-1", say("a **b**"), complete)
	rows := s.get("/tasks/t-1", "Accept: text/html").is(200).body
	res, err := s.client.Get(s.http.URL + "/tasks/t-1/events/stream?format=html")
	s.ok(err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	s.ok(err)
	for line := range strings.SplitSeq(string(all), "\n") {
		row, isData := strings.CutPrefix(line, "data: ")
		if isData && !strings.Contains(rows, row) {
			t.Errorf("the page has no %s", row)
		}
	}
}
