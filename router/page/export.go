package page

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"iter"
	"strings"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// ExportPage is what the head of an export shows.
type ExportPage struct {
	Task     eventlog.Task
	Sessions []eventlog.SessionInfo // those that are exported, the oldest first
	// Prices tell what the tokens of one event cost, as in a [TaskPage].
	Prices *price.Table
}

// Export writes a run, or the whole history of a task, as one HTML document that
// needs no server, no script and no other file. Nothing is left out of it but base64
// that is not an image. Entries are the events in their one order; an error among them ends the
// document in the middle, and is returned.
//
// It holds no more than a few pages of events in memory, however many there are:
// a result is joined with its call when it comes within holdAtMost events.
func Export(w io.Writer, p ExportPage, entries iter.Seq2[Entry, error]) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := export(out, p, entries); err != nil {
		return fmt.Errorf("page: export of task %s: %w", p.Task.ID, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("page: export of task %s: %w", p.Task.ID, err)
	}
	return nil
}

const (
	// holdAtLeast events are rendered at once.
	holdAtLeast = 100
	// holdAtMost events, or so many bytes of them, wait for the results of calls.
	holdAtMost      = 2000
	holdAtMostBytes = 4 << 20
)

func export(w io.Writer, p ExportPage, entries iter.Seq2[Entry, error]) error {
	v := newExportView(p)
	if err := templates.ExecuteTemplate(w, "export-start", v); err != nil {
		return err
	}
	// Several sessions may have events of the same sequence.
	t := newTimeline(view{task: p.Task.ID, whole: len(p.Sessions) > 1, offline: true, prices: p.Prices}, v.Runs)
	held, size := 0, 0
	write := func() error {
		items := t.items
		t.release()
		held, size = 0, 0
		return templates.ExecuteTemplate(w, "items", items)
	}
	outlined := &exportOutline{v: &t.view, view: v}
	for e, err := range entries {
		if err != nil {
			return err
		}
		if e.Type == TypeRaw {
			v.Raws.saw(eventlog.Cursor{Session: e.Session, Sequence: e.Sequence})
		}
		t.add(e)
		outlined.add(&e)
		held++
		size += len(e.Data)
		full := held >= holdAtMost || size >= holdAtMostBytes
		if full || held >= holdAtLeast && t.waiting() == 0 {
			if err := write(); err != nil {
				return err
			}
		}
	}
	if err := write(); err != nil {
		return err
	}
	v.Outcome, v.Map = outlined.views()
	return templates.ExecuteTemplate(w, "export-end", v)
}

func (r *Raws) saw(at eventlog.Cursor) {
	if r.Count == 0 {
		r.First = at
	}
	r.Count++
}

// RawsLink is where the first event of type raw is, in the document.
func (v exportView) RawsLink() template.URL {
	if len(v.Sessions) > 1 {
		return template.URL("#" + v.Raws.First.String())
	}
	return template.URL(fmt.Sprintf("#%d", v.Raws.First.Sequence))
}

// exportOutline adds up the last of the sessions that are exported. What it came to is
// known at the end only: the style sheet puts it above the rows.
type exportOutline struct {
	v      *view
	view   exportView
	of     eventlog.SessionID
	o      *Outline
	answer *eventlog.Event
	edits  map[uint64]*eventlog.Event // calls that change files, up to quotedAtMost bytes
	size   int
}

// quotedAtMost is how much of the edits the outcome of an export can show.
const quotedAtMost = 1 << 20

func (x *exportOutline) add(e *Entry) {
	if x.view.Shown != nil && e.Session != x.view.Shown.ID {
		return // it may alternate with others
	}
	if x.o == nil || e.Session != x.of {
		x.of, x.o, x.answer = e.Session, NewOutline(x.view.Prices), nil
		x.edits, x.size = map[uint64]*eventlog.Event{}, 0
	}
	x.o.Add(&e.Event)
	if e.Type == eventlog.TypeToolCall && x.size+len(e.Data) <= quotedAtMost && x.o.changesFiles() {
		one := e.Event
		x.edits[e.Sequence] = &one
		x.size += len(e.Data)
	}
	if x.o.answer == e.Sequence {
		one := e.Event
		x.answer = &one
	}
}

func (x *exportOutline) views() (*outcomeView, *mapView) {
	if x.o == nil {
		return nil, nil
	}
	info := &eventlog.SessionInfo{ID: x.of}
	if x.view.Shown != nil {
		info.Cwd = x.view.Shown.Cwd
	}
	s := x.o.Summary(info)
	quoted := x.edits
	if x.answer != nil {
		quoted[x.answer.Sequence] = x.answer
	}
	return x.v.outcome(s, quoted), x.v.runMap(s)
}

// exportView is an ExportPage with what its templates would otherwise look up.
type exportView struct {
	taskView
	Policy string
	Style  template.CSS
}

func newExportView(p ExportPage) exportView {
	v := exportView{taskView: taskView{TaskPage: TaskPage{Task: p.Task, Sessions: p.Sessions, Prices: p.Prices}}, Style: exportStyle}
	v.Policy = exportPolicy
	v.Whole = true // the totals are those of all sessions that are exported
	v.Task.Sessions = len(p.Sessions)
	v.setTotals()
	for i := range p.Sessions {
		v.Runs = append(v.Runs, run{SessionInfo: p.Sessions[i], Number: i + 1})
	}
	if n := len(p.Sessions); n > 0 {
		v.Shown = &p.Sessions[n-1]
	}
	return v
}

var (
	exportStyle = readStyles()
	// exportPolicy lets the one style sheet through and nothing else. Its icons
	// are data: URLs.
	exportPolicy = "default-src 'none'; style-src 'sha256-" + hashOf(exportStyle) + "'; img-src data:; base-uri 'none'; form-action 'none'"
)

func readStyles() template.CSS {
	var b strings.Builder
	for _, name := range styleSheets {
		content, err := fs.ReadFile(assetFiles, "assets/"+name)
		if err != nil {
			panic(err) // embedded: cannot fail once it compiled
		}
		b.Write(content)
	}
	return template.CSS(b.String())
}

func hashOf(style template.CSS) string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}
