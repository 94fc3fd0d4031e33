package transcript

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"jrweb/eventlog"
)

// Options are for [New]. The zero value is good.
type Options struct {
	// MaxEventBytes is how large the data of an event may be, as in
	// [eventlog.Options]. 0: 4 MiB. Less than 16 KiB is taken as that.
	MaxEventBytes int
	// Parent is the id of the call whose subagent wrote the lines, where a subagent
	// has a file of its own. All events then have it as parent_call_id, or the call of
	// the subagent's own subagent. What such lines say of a title, of where the run
	// stands and of its end is not of the run, and left out.
	Parent string
	// Caller is the agent's id of the run that Parent is a call of, where the place of
	// the lines tells it: what the subagent cost is a part of what that run did.
	Caller string
	// Apart reports whether the lines of a subagent, named by the agent's id of it,
	// are converted by another converter: what this file repeats of them is left out.
	// Nil: none is.
	Apart func(agent string) bool
}

// Stats count lines that are not blank, and what became of them.
type Stats struct {
	Lines  int
	Events int
	// Raw counts the events of type [TypeRaw].
	Raw int
	// Silent counts the lines that by themselves made no event: pieces of a message
	// that comes as a whole later, and bookkeeping that is known to say nothing.
	Silent int
	// Cut counts the lines that were too long, and Mended those that were not
	// UTF-8: each wrong byte became U+FFFD.
	Cut, Mended int
}

// Until the format is known, so many lines or bytes are held back.
const (
	mostHeldLines = 64
	mostHeldBytes = 256 << 10
)

// Converter makes events of the lines of one run. Use one for each process and
// for each file. It is not safe for concurrent use.
//
// The same lines make the same events, whenever they come; only [Converter.Flush]
// makes a difference to what is grouped. So a program that converts a file again
// from its start, because it has grown, can skip as many events as it recorded
// before, except for those of [Converter.End]: they may be others once there are
// more lines.
type Converter struct {
	format  Format
	decoder decoder // nil until the format is known
	out     output
	stats   Stats
	begun   bool
	held    []Line // copies, until the format is known
	bytes   int
	seen    int    // lines before the format was known
	values  values // of the lines, in the formats that are JSON
	probe   values // of the lines that are held, to find the format
	found   Format // what the probe found, "" for nothing
	prelude text
}

// New returns a converter for a format. It fails for names that are not formats.
func New(format Format, o *Options) (*Converter, error) {
	c := &Converter{format: format, out: output{format: format, limit: 4 << 20}}
	if o != nil {
		c.out.root, c.out.caller, c.out.apart = o.Parent, o.Caller, o.Apart
		if o.MaxEventBytes > 0 {
			c.out.limit = max(o.MaxEventBytes, 16<<10)
		}
	}
	if format == Auto {
		return c, nil
	}
	var err error
	c.decoder, err = newDecoder(format)
	return c, err
}

// Line converts one line. The events, which may be none, keep nothing of it. An
// event has a time if the line tells one; the others follow the event before
// them, in a file, or have just happened, in a live run.
func (c *Converter) Line(l Line) []eventlog.Event {
	if !l.isCut() {
		l.Bytes = 0 // what is taken off a whole line must not make it a cut one
	}
	if !c.begun {
		c.begun = true
		l.Text = bytes.TrimPrefix(l.Text, []byte("\ufeff"))
	}
	if c.decoder == nil {
		return c.detect(l)
	}
	c.convert(l)
	return c.take()
}

// Flush returns what is held back only to make one event of several lines. Call
// it when the output has been silent for a moment, so that live readers need not
// wait for the next line.
func (c *Converter) Flush() []eventlog.Event {
	if c.decoder == nil {
		if c.probe.open {
			return nil // the rest of a JSON document comes
		}
		// The lines so far may belong to a program that prints text. They are shown
		// as that, and what comes may still tell a format.
		for _, l := range c.held {
			c.count(l)
			c.prelude.line(c.mend(l), &c.out)
		}
		c.held, c.bytes = nil, 0
		c.prelude.flush(&c.out)
		return c.take()
	}
	c.decoder.flush(&c.out)
	return c.take()
}

// End returns what is still held back, when the output or the file has ended: of
// messages that were broken off, too. It does not mean that the run ended, which
// only the process can tell. No line may follow.
func (c *Converter) End() []eventlog.Event {
	if c.decoder == nil {
		c.settle(Text)
	}
	c.values.end(c.taker())
	c.decoder.flush(&c.out)
	c.decoder.end(&c.out)
	return c.take()
}

// Format returns the format that lines are read as: [Auto] until it is found out.
func (c *Converter) Format() Format { return c.format }

// Origin returns what is known about the run.
func (c *Converter) Origin() Origin { return c.out.origin }

// Outcome returns how the run ended, as far as its lines tell. It is for the caller that seals
// the session, and decides nothing by itself: ask it after [Converter.End].
func (c *Converter) Outcome() Outcome { return c.out.outcome(c.values.cutOff) }

// Over reports whether the agent has told its own end, and nothing since: a run that goes on
// with the thread starts again.
func (c *Converter) Over() bool { return c.out.progress.over }

// Stats returns what was counted so far.
func (c *Converter) Stats() Stats {
	s := c.stats
	s.Raw = c.out.raws
	return s
}

func (c *Converter) take() []eventlog.Event {
	events := c.out.take()
	c.stats.Events += len(events)
	return events
}

// detect holds a line back until the format is known.
func (c *Converter) detect(l Line) []eventlog.Event {
	c.seen++
	c.bytes += len(l.Text)
	l.Text = slices.Clone(l.Text)
	c.held = append(c.held, l)
	if text := clean(l.Text); len(bytes.TrimSpace(text)) > 0 && !l.isCut() {
		c.probe.line(Line{Text: text}, taker{object: c.recognise, other: func(Line) {}})
	}
	most := mostHeldBytes
	if c.probe.open {
		most = mostDocument
	}
	switch {
	case c.found != "":
		c.settle(c.found)
	case c.seen >= mostHeldLines && !c.probe.open || c.bytes >= most:
		c.settle(Text)
	}
	return c.take()
}

func (c *Converter) recognise(o object, _ []byte) {
	if c.found == "" {
		c.found, _ = detect(o)
	}
}

func (c *Converter) settle(format Format) {
	d, err := newDecoder(format)
	if err != nil {
		panic(err) // the table of formats names it
	}
	c.decoder, c.format, c.out.format = d, format, format
	held := c.held
	c.held, c.probe = nil, values{}
	for _, l := range held {
		c.convert(l)
	}
}

// convert adds the events of a line to the output.
func (c *Converter) convert(l Line) {
	if t, isText := c.decoder.(*text); isText {
		c.count(l)
		t.line(c.mend(l), &c.out)
		return
	}
	if len(bytes.TrimSpace(l.Text)) == 0 && !l.isCut() {
		return
	}
	c.count(l)
	before := len(c.out.events)
	c.values.line(c.mend(l), c.taker())
	if len(c.out.events) == before {
		c.stats.Silent++
	}
}

// taker converts what the values of the lines are.
func (c *Converter) taker() taker { return taker{object: c.object, other: c.other} }

func (c *Converter) object(o object, text []byte) {
	c.out.at, c.out.parent = time.Time{}, ""
	if !c.decoder.object(o, &c.out) {
		reason := c.out.refusal
		if reason == "" {
			reason = unknown(o)
		}
		c.keep(Line{Text: text}, reason)
		c.out.refusal = ""
	}
}

// other takes a line, or a piece of one, that is not a JSON object.
func (c *Converter) other(l Line) {
	c.out.at, c.out.parent = time.Time{}, ""
	switch {
	case l.isCut():
		c.keep(l, "the line is too long")
	case isFraming(l.Text) && serverSentFormats[c.format]:
		if name, found := sentAs(l.Text); found {
			c.out.sent = name
		}
	case announces(c.decoder, l.Text):
	default:
		c.keep(l, "this is no JSON object")
	}
}

// announces reports whether a line that is not an object belongs to the format, and only says
// that an object follows.
func announces(d decoder, line []byte) bool {
	f, may := d.(interface{ framing(line []byte) bool })
	return may && f.framing(line)
}

// keep adds a line as it is, after what was said before it.
func (c *Converter) keep(l Line, reason string) {
	c.decoder.flush(&c.out)
	if l.isCut() {
		c.out.raw(string(l.Text), reason, cut{path: "content", bytes: l.Bytes, sha256: l.SHA256})
		return
	}
	c.out.raw(string(l.Text), reason)
}

// unknown says what a decoder did not know.
func unknown(o object) string {
	names := []string{o.text("type", "kind", "method")}
	for _, sub := range []string{
		o.text("subtype"), o.object("event").text("type"), o.object("item").text("type"), o.object("payload").text("type"),
		o.object("payload").object("item").text("type"), o.object("params").object("item").text("type"),
		o.object("data").text("type"), o.object("request").text("subtype"),
		o.object("part").text("type"), o.object("properties").object("part").text("type"), o.object("message").text("role"),
	} {
		if sub != "" {
			names = append(names, sub)
		}
	}
	name := strings.Trim(strings.Join(names, "/"), "/")
	if name == "" {
		return "a JSON object of no known type"
	}
	return fmt.Sprintf("type %q is not known", beginning(name, 100))
}

func (c *Converter) count(l Line) {
	if len(bytes.TrimSpace(l.Text)) > 0 {
		c.stats.Lines++
	}
	if l.isCut() {
		c.stats.Cut++
	}
}

// mend makes a line UTF-8 without a carriage return at its end. What is the
// beginning of a longer line stays that.
func (c *Converter) mend(l Line) Line {
	if l.isCut() {
		l.Text = wholeCharacters(l.Text)
	}
	length := len(l.Text)
	l.Text = bytes.TrimSuffix(l.Text, []byte("\r"))
	if !utf8.Valid(l.Text) {
		c.stats.Mended++
		l.Text = bytes.ToValidUTF8(l.Text, []byte("\uFFFD"))
	}
	if !l.isCut() {
		return Line{Text: l.Text}
	}
	l.Text = []byte(beginning(string(l.Text), length))
	return l
}

// wholeCharacters drops the beginning of a character at the end of a text.
func wholeCharacters(text []byte) []byte {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}

func clean(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !utf8.Valid(line) {
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
	}
	return line
}
