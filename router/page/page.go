// Package page renders the pages that people look at, and serves their
// style and scripts:
//
//	err := page.List(w, page.ListPage{Tasks: tasks})
//	err := page.Wall(w, page.WallPage{Cards: cards})
//	err := page.Task(w, page.TaskPage{Task: task, Sessions: sessions})
//	err := page.Usage(w, page.UsagePage{Since: since, Until: until, By: by, Rows: rows})
//	row := page.Rows{}.AppendEvent(nil, "t-1", session, &event, false)
//	mux.Handle("/assets/", http.StripPrefix("/assets/", page.Assets()))
//
// What it promises:
//
//   - Every string of a task, a session or an event is shown as text. Markdown
//     becomes elements of a short list; its links lead to http and https, and what
//     it embeds is not loaded.
//   - The pages work under [ContentSecurityPolicy]: no inline script, no inline style.
//   - All URLs are relative, so the pages work under any prefix. List belongs at
//     <mount>/, Wall at <mount>/wall, Usage at <mount>/usage, Task at <mount>/tasks/<id>, Assets at <mount>/assets/.
//   - What a page tells beside its rows is of the whole run ([Outline]).
//   - Without script the pages are static and whole: links lead through all parts
//     of a timeline. [Rows] render what comes later, for the stream.
//   - One event takes a bounded time and makes a bounded piece of a page, whatever
//     an agent printed. What is left out is a link away, and [Export] leaves out nothing.
//
// Caveats: a row knows the events of its own part only. A result whose call is on
// an earlier part stands in a row of its own; the script joins the two.
package page

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// ContentSecurityPolicy is the policy that all pages work under. A program that serves them
// sends it as the Content-Security-Policy header.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// styleSheets are the assets that make a page's looks, in their order.
var styleSheets = []string{"app.css", "syntax.css", "terminal.css"}

// ListPage is what the page of all tasks shows.
type ListPage struct {
	Tasks []eventlog.Task // newest activity first
	// Sessions are the newest sessions of tasks by the task's id, newest first:
	// when they ran and how they ended.
	Sessions map[string][]eventlog.SessionInfo
	// Pulses are of the latest sessions of tasks, by the task's id, see
	// [eventlog.Session.Pulse].
	Pulses map[string][]time.Time
	// Filter are the names and values of what the tasks were looked for by.
	Filter map[string]string
	// Total is how many tasks there are, with those that the page does not show, and
	// AtLeast says that there may be more of them.
	Total   int
	AtLeast bool
	// Next leads to the tasks behind these, "" if there are none. Older says that there
	// are some before them.
	Next  string
	Older bool
	// Person is who looks, if there is a page where people sign in and out; "" for nobody.
	Person string
	// Warning stands at the top, "" for none.
	Warning string
}

// TaskPage is what the page of one task shows.
type TaskPage struct {
	Task     eventlog.Task
	Sessions []eventlog.SessionInfo // newest first
	// Session is the session whose timeline is asked for, zero for the latest.
	Session eventlog.SessionID
	// Whole asks for the timeline of all sessions, one after the other.
	Whole bool
	// Part is the part of the timeline that the page shows.
	Part Part
	// Prices tell what the tokens of one event cost. The totals of task and sessions
	// have their estimates already. Nil: nothing is estimated.
	Prices *price.Table
	// ParentRun is the run that began the one that is shown, if it is in the log.
	ParentRun Run
	// Person says that what the reader says can reach an agent, and Writes that the reader
	// may change the task.
	Person, Writes bool
	// Warning stands at the top, "" for none.
	Warning string
	// Summary is what that session has come to, nil if there is none. Quoted are the
	// events that it asks for, by their sequence.
	Summary *Summary
	Quoted  map[uint64]*eventlog.Event
	// Raws describes output that was not understood, in what the timeline is of.
	Raws Raws
}

// Run names a session of a task.
type Run struct {
	Task    string
	Session eventlog.SessionID
}

// Raws describes an agent's output that was not understood, which its events of type raw keep.
type Raws struct {
	Count int
	First eventlog.Cursor // of the first such event
	// More says that there may be more of them.
	More bool
}

// Part is a part of a timeline: events that follow each other.
type Part struct {
	Entries []Entry
	// Older and Newer say that there are more events before and behind.
	Older, Newer bool
	// Callers are calls from before the part whose subagents did something in it, the
	// oldest first, and Subagents what those did in all.
	Callers   []Entry
	Subagents map[eventlog.SessionID]Subagents
	// After is the event before the part, if it is known. It matters to a part
	// without entries.
	After eventlog.Place
}

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(formats).ParseFS(templateFiles, "templates/*.html"))

// List writes the page of all tasks.
func List(w io.Writer, p ListPage) error {
	if err := templates.ExecuteTemplate(w, "list.html", newListView(p)); err != nil {
		return fmt.Errorf("page: list: %w", err)
	}
	return nil
}

// Task writes the page of one task.
func Task(w io.Writer, p TaskPage) error {
	if err := templates.ExecuteTemplate(w, "task.html", newTaskView(p)); err != nil {
		return fmt.Errorf("page: task %s: %w", p.Task.ID, err)
	}
	return nil
}

// Overview writes what the page of a task shows of a session above its rows, for a page
// that was made before: what the session came to, and the run as a map.
func Overview(w io.Writer, p TaskPage) error {
	v := taskView{TaskPage: p}
	if len(p.Sessions) > 0 {
		v.Shown = &p.Sessions[0]
	}
	outlined := v.view()
	v.Outcome, v.Map = outlined.outcome(p.Summary, p.Quoted), outlined.runMap(p.Summary)
	if err := templates.ExecuteTemplate(w, "overview", v); err != nil {
		return fmt.Errorf("page: overview of task %s: %w", p.Task.ID, err)
	}
	return nil
}

// Rows renders events one by one. The zero value is good.
type Rows struct {
	// Prices tell what tokens cost. Nil: nothing is estimated.
	Prices *price.Table
}

// AppendEvent appends the row of one event to dst: a list item, as it stands in
// the timeline of a task page. whole says that the timeline is of all sessions,
// where a sequence alone does not name an event. The row of a tool's result is one
// of its own; who has the row of its call joins them.
func (r Rows) AppendEvent(dst []byte, task string, session eventlog.SessionID, e *eventlog.Event, whole bool) []byte {
	v := view{task: task, whole: whole, prices: r.Prices}
	out := appender{dst}
	if err := templates.ExecuteTemplate(&out, "event", v.row(&Entry{session, *e})); err != nil {
		panic("page: the row of an event cannot be rendered: " + err.Error()) // our own template
	}
	return out.bytes
}

// appender is a Writer that appends.
type appender struct{ bytes []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.bytes = append(a.bytes, p...)
	return len(p), nil
}

// taskView is a TaskPage with what its template would otherwise have to look up.
type taskView struct {
	TaskPage
	Shown  *eventlog.SessionInfo // the session of the timeline, nil when there is none yet
	Runs   []run
	Totals eventlog.Totals
	Items  []item
	First  string       // the place of the oldest event of the part
	Cursor string       // of the newest event on the page
	Older  template.URL // where the older events are, "" when there are none
	Newer  template.URL
	// Outcome is what a session that has ended came to, and Map its picture.
	Outcome *outcomeView
	Map     *mapView
}

// RawsLink is where the first event of type raw is.
func (v taskView) RawsLink() template.URL {
	r := view{task: v.Task.ID, whole: v.Whole}
	return r.address(v.Raws.First)
}

// Now is what the agent does in the latest session, or in the one that is asked for.
func (v taskView) Now() Now {
	if v.Summary == nil {
		return NewOutline(nil).Now()
	}
	return v.Summary.Now
}

// Behind says that what stands beside the rows is not of all events yet: there were too
// many to read at once.
func (v taskView) Behind() bool {
	for i := range v.Sessions {
		if v.Summary != nil && v.Sessions[i].ID == v.Summary.Session {
			return v.Summary.UpTo < v.Sessions[i].Head
		}
	}
	return false
}

// LoopLink is where the agent began to go round in circles.
func (v taskView) LoopLink() template.URL {
	r := view{task: v.Task.ID, whole: v.Whole}
	return r.address(eventlog.Cursor{Session: v.Summary.Session, Sequence: v.Summary.Now.LoopAt})
}

// run is a session with its place among all sessions of its task.
type run struct {
	eventlog.SessionInfo
	Number int // 1 is the first that started
	Shown  bool
}

func newTaskView(p TaskPage) taskView {
	v := taskView{TaskPage: p}
	for i := range p.Sessions {
		s := &p.Sessions[i]
		shown := s.ID == p.Session || p.Session.IsZero() && i == 0
		if shown {
			v.Shown = s
		}
		v.Runs = append(v.Runs, run{SessionInfo: *s, Number: max(p.Task.Sessions, len(p.Sessions)) - i, Shown: shown && !p.Whole})
	}
	v.setTotals()
	v.setPart()
	outlined := v.view()
	v.Outcome, v.Map = outlined.outcome(p.Summary, p.Quoted), outlined.runMap(p.Summary)
	return v
}

// view is what is the same for all rows.
func (v *taskView) view() view {
	one := view{task: v.Task.ID, whole: v.Whole, prices: v.Prices}
	if v.Shown != nil {
		one.cwd = v.Shown.Cwd
	}
	return one
}

func (v *taskView) setTotals() {
	switch {
	case !v.Whole:
		if v.Shown != nil {
			v.Totals = v.Shown.Totals
		}
	case len(v.Sessions) < v.Task.Sessions:
		v.Totals = v.Task.Totals
	default: // they stand for the same moment as the timeline
		for i := range v.Sessions {
			t := &v.Sessions[i].Totals
			v.Totals.Events += t.Events
			v.Totals.USD += t.USD
			v.Totals.InputTokens += t.InputTokens
			v.Totals.OutputTokens += t.OutputTokens
			v.Totals.CacheReadTokens += t.CacheReadTokens
			v.Totals.CacheWriteTokens += t.CacheWriteTokens
			v.Totals.EstimatedUSD += t.EstimatedUSD
			v.Totals.Unpriced = v.Totals.Unpriced || t.Unpriced
		}
	}
}

// placeText is what the script compares with others: the cursor, and behind @ the change,
// which tells the order of the events of several sessions. See assets/cursor.js.
func (v *taskView) placeText(p eventlog.Place) string {
	if !v.Whole || p.Change == 0 {
		return p.String()
	}
	return p.String() + "@" + strconv.FormatUint(p.Change, 10)
}

func (v *taskView) setPart() {
	base := "?"
	switch {
	case v.Whole:
		base = "?sessions=all&"
	case v.Shown != nil:
		base = "?session=" + v.Shown.ID.String() + "&"
		v.Cursor = eventlog.Cursor{Session: v.Shown.ID}.String()
	}
	place := func(e *Entry) string {
		if v.Whole {
			return eventlog.Cursor{Session: e.Session, Sequence: e.Sequence}.String()
		}
		return strconv.FormatUint(e.Sequence, 10)
	}
	if !v.Part.After.Session.IsZero() {
		v.Cursor = v.placeText(v.Part.After)
	}
	if n := len(v.Part.Entries); n > 0 {
		first, last := &v.Part.Entries[0], &v.Part.Entries[n-1]
		v.First = v.placeText(eventlog.PlaceOf(first.Session, &first.Event))
		v.Cursor = v.placeText(eventlog.PlaceOf(last.Session, &last.Event))
		if v.Part.Older {
			v.Older = template.URL(base + "before=" + place(first)) // ids and numbers
		}
		if v.Part.Newer {
			v.Newer = template.URL(base + "after=" + place(last))
		}
	} else if v.Part.Older || v.Part.Newer { // nobody was led here: back to where the events are
		v.Newer = template.URL(base[:len(base)-1])
	}
	all := v.view()
	all.subagents = v.Part.Subagents
	t := newTimeline(all, v.Runs)
	t.older = v.Part.Older
	t.addCallers(v.Part.Callers)
	for _, e := range v.Part.Entries {
		t.add(e)
	}
	if v.Part.Newer {
		t.leave()
	}
	v.Items = t.items
}
