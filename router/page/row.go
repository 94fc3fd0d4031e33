package page

import (
	"fmt"
	"html/template"
	"net/url"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// row is what the templates know of one event.
type row struct {
	Mark     mark
	Template string // which body it has
	Compact  bool
	Hidden   bool // it is known elsewhere on the page
	Clock    string
	Day      string // if it is not the run's first
	Moment   string
	Since    string       // the time since the event before it in the timeline
	Link     template.URL // to this event
	Raw      template.URL // the event as JSON, "" in an export

	Label    string
	Code     string // of an error
	Line     string // what a folded row says
	Prose    *prose
	Pictures []pictureView
	Block    *block
	Steps    []Step // of a plan
	Fields   []fieldView
	Banner   string       // the status that a complete event tells
	Options  []optionView // of a question
	Other    string       // what it means to answer in words of one's own
	Tool     *toolView
	Result   *resultView
	Results  []*row // of a call; one as a rule
	Nested   []*row // what the subagent did that this call started
	Costs    []*row // of this step

	call, tool, parent string
	subagent           *subagentView // what its subagent did in all, if that is known
	caller             *row          // that this one is nested in, at which depth
	depth              int
	time               time.Time
}

// mark is what a script and a style sheet know of an event: its attributes.
type mark struct {
	ID        string
	Sequence  uint64
	Session   eventlog.SessionID
	Change    uint64 // where events of several sessions are in one order, see [eventlog.Place]
	Type      string
	Actor     eventlog.Actor
	Time      string
	Call      string
	Parent    string
	Tool      string
	Outcome   string
	Name      string // by which the event can be withdrawn
	Withdraws string // the names of those that the event withdraws
	Withdrawn bool
	Amount    string // of a cost
	USD       string // that a cost names, or is estimated at
	Cost      string // the message whose cost it is, if its events tell how it grows
	Model     string
	MS        string
	Size      string // of a result's output, in bytes
	Fatal     bool
	Status    string
	For       string // the sequence that an answer or a receipt is about
	State     string // of a receipt
}

// maker makes the row of one event.
type maker struct {
	view  *view
	entry *Entry
	data  fields
	space space
	watch stopwatch
	row   *row
	shown int // pictures
}

// view is what is the same for all rows of a page.
type view struct {
	task string
	// whole: events of several sessions stand in one timeline.
	whole  bool
	prices *price.Table
	// subagents are what those of a session did in all, where that is known.
	subagents map[eventlog.SessionID]Subagents
	// cwd is where the agent works: paths in it are shown from there.
	cwd string
	// started is when the run began: a row of another day says which.
	started time.Time
	// offline: there is no server to ask for what is left out, so nothing is.
	offline bool
}

func (v *view) row(e *Entry) *row {
	m := &maker{view: v, entry: e, data: parseFields(e.Data)}
	m.space = space{left: shownAtMost, endless: v.offline}
	cursor := eventlog.Cursor{Session: e.Session, Sequence: e.Sequence}
	t := eventlog.Time{Time: e.Time}
	m.row = &row{
		Mark: mark{
			Sequence: e.Sequence, Session: e.Session,
			Type: e.Type, Actor: e.Actor, Time: machine(t),
		},
		Template: e.Type,
		Clock:    clock(t), Day: v.day(t), Moment: moment(t), time: e.Time,
	}
	r := m.row
	r.Mark.ID = v.idOf(cursor)
	if v.whole && !v.offline {
		r.Mark.Change = e.Change
	}
	v.link(r, cursor)
	r.Mark.Parent = m.data.text("parent_call_id")
	if r.Mark.Parent == "" {
		r.Mark.Parent = m.data.text("parent_tool_use_id")
	}
	r.parent = r.Mark.Parent
	r.Mark.Name, r.Mark.Withdraws = m.ownName(), m.withdraws()
	m.body()
	return r
}

// idOf is the id of the row of an event.
func (v *view) idOf(c eventlog.Cursor) string {
	if v.whole {
		return c.String()
	}
	return fmt.Sprint(c.Sequence)
}

// day is the day of an event, "" if it is the run's first.
func (v *view) day(t eventlog.Time) string {
	if v.started.IsZero() || t.UTC().Truncate(24*time.Hour).Equal(v.started.UTC().Truncate(24*time.Hour)) {
		return ""
	}
	return t.UTC().Format("Jan 2 ")
}

// link sets the addresses of a row. They are made of ids, which have no character
// that means anything in a URL except the colon of a cursor.
func (v *view) link(r *row, c eventlog.Cursor) {
	if v.offline {
		r.Link = template.URL("#" + r.Mark.ID)
		return
	}
	r.Link = v.address(c)
	before := eventlog.Cursor{Session: c.Session, Sequence: c.Sequence - 1}
	r.Raw = template.URL(fmt.Sprintf("./%s/events?session=%s&after=%s&limit=1", url.PathEscape(v.task), c.Session, before))
}

// address is where a page shows an event.
func (v *view) address(c eventlog.Cursor) template.URL {
	if v.whole {
		return template.URL(fmt.Sprintf("?sessions=all&around=%s#%s", c, c))
	}
	return template.URL(fmt.Sprintf("?session=%s&around=%d#%d", c.Session, c.Sequence, c.Sequence))
}

// parentFields are shown by the place where a row stands.
var parentFields = []string{"parent_call_id", "parent_tool_use_id"}

func (m *maker) body() {
	r := m.row
	switch m.entry.Type {
	case eventlog.TypeAssistant:
		m.says("")
	case eventlog.TypeThought:
		r.Compact = true
		r.Line = firstLine(m.data.text("content"))
		m.says("Thought")
	case eventlog.TypeUser:
		switch m.entry.Actor {
		case eventlog.Human:
			m.says("Person")
		case eventlog.System:
			r.Template, r.Compact = "told", true
			r.Line = firstLine(m.data.text("content"))
			m.says("System")
		default:
			if r.parent != "" {
				m.says("Prompt") // of the agent that started this one
				break
			}
			m.says("User")
		}
	case eventlog.TypeComment:
		if m.entry.Actor == eventlog.Human {
			m.says("Comment by a person")
		} else {
			m.says("Comment")
		}
	case eventlog.TypeStatus:
		m.note("Status")
	case eventlog.TypeCheckpoint:
		m.note("Checkpoint")
	case eventlog.TypeGuardrail:
		m.note("Guardrail")
	case eventlog.TypeQuestion:
		m.question()
	case eventlog.TypeAnswer:
		m.answer()
	case eventlog.TypeReceipt:
		m.receipt()
	case eventlog.TypeSession:
		m.session()
	case TypeRaw:
		m.raw()
	case eventlog.TypeCost:
		m.cost()
	case eventlog.TypeError:
		m.error()
	case eventlog.TypeComplete:
		m.complete()
	case eventlog.TypeToolCall:
		m.toolCall()
	case eventlog.TypeToolResult:
		m.toolResult()
	default:
		m.unknown()
	}
}

func (m *maker) says(label string) {
	r := m.row
	r.Label = label
	left := m.pictures(&r.Pictures)
	r.Prose = m.prose("content")
	left = left.without("content")
	if isPrinted(m.data) {
		left = left.without("format") // its looks tell
	}
	r.Fields = m.fields(left, "")
}

func (m *maker) note(label string) {
	r := m.row
	r.Template, r.Compact, r.Label = "note", true, label
	r.Block = m.block("text", m.data.text("content"), "/content", plain)
	left := m.data.without("content")
	if steps := stepsIn(m.data); steps != nil {
		r.Steps, left = steps, left.without(planLists...)
		r.Block = m.block("text", planLine(steps), "/content", plain)
	} else if steps := stepsInText(m.data.text("content")); steps != nil {
		r.Steps = steps
		r.Block = m.block("text", planLine(steps), "/content", plain)
	}
	if r.Mark.Withdraws != "" {
		left = left.without("withdraws") // the rows show it
	}
	r.Fields = folded(m.fields(left, ""), left)
}

func (m *maker) error() {
	r := m.row
	r.Label = "Error"
	if string(m.data.raw("fatal")) == "true" {
		r.Label, r.Mark.Fatal = "Fatal error", true
	}
	r.Code = shorten(m.data.text("code"))
	r.Prose = m.prose("message")
	r.Fields = m.fields(m.data.without("message", "code", "fatal"), "")
}

var outcomeWords = map[string]string{
	"succeeded": "Succeeded", "failed": "Failed", "canceled": "Canceled", "interrupted": "Interrupted",
}

func (m *maker) complete() {
	r := m.row
	r.Mark.Status = m.data.text("status")
	if r.Banner = outcomeWords[r.Mark.Status]; r.Banner == "" {
		r.Banner = shorten(r.Mark.Status)
	}
	if reason := m.data.text("reason"); reason != "" {
		r.Block = m.block("text", reason, "/reason", plain)
	}
	r.Fields = m.fields(m.data.without("status", "reason", "imported"), "") // which file it was, only the next import wants to know
}

// session has no row of its own: the head of the page tells what is known of the run. Only that
// another model works from here on is told where it happened; who has the events before it
// decides that.
func (m *maker) session() {
	r := m.row
	r.Template, r.Compact, r.Hidden = "note", true, true
	r.Mark.Model = shorten(m.data.text("model"))
	if r.Mark.Model != "" {
		r.Label, r.Block = "Model", m.block("text", r.Mark.Model, "/model", plain)
		return
	}
	r.Label, r.Block = "Run", &block{Class: "text"}
	r.Fields = m.fields(m.data, "")
}

// TypeRaw is the type of an event that keeps a line of an agent's output which was
// not understood, as package transcript makes it.
const TypeRaw = "raw"

func (m *maker) raw() {
	r := m.row
	r.Template, r.Compact, r.Label = "other", true, "Not understood"
	content := m.data.text("content")
	r.Line = firstLine(content)
	if looksLikeJSON(content) {
		r.Block = m.json("text json", []byte(content), "/content")
	} else {
		r.Block = m.block("text", content, "/content", terminalHTML)
	}
	r.Fields = m.fields(m.data.without("content"), "")
}

func (m *maker) unknown() {
	r := m.row
	r.Template, r.Compact, r.Label = "other", true, m.entry.Type
	r.Line = firstLine(m.data.text("content"))
	if r.Line == "" {
		r.Line = firstLine(string(m.entry.Data))
	}
	r.Block = m.json("text json", m.entry.Data, "")
}
