package streamer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"jrweb/eventlog"
)

// format is a form of frames.
type format struct {
	name  string
	frame frameFunc
	slow  bool // it does more than copy
}

var (
	jsonFormat     = format{name: "json", frame: jsonFrame}
	envelopeFormat = format{name: "envelope", frame: envelopeFrame}
)

// htmlFormat is the format of HTML fragments; see [HTMLFunc].
func htmlFormat(render HTMLFunc, all bool) format {
	if all {
		return format{"html of all sessions", htmlFrame(render, all), true}
	}
	return format{"html", htmlFrame(render, all), true}
}

// origin is the task and session that events come from.
type origin struct {
	task    string
	session eventlog.SessionID

	line     []byte // the first line of the last frame
	digits   int    // where its sequence begins
	sequence uint64
}

func newOrigin(task string, session eventlog.SessionID) origin {
	line := []byte("id: " + session.String() + ":")
	return origin{task: task, session: session, line: line, digits: len(line)}
}

// appendID appends the first line of the frame of an event.
func (o *origin) appendID(dst []byte, e *eventlog.Event) []byte {
	if e.Sequence != o.sequence+1 || !o.count() {
		o.line = append(strconv.AppendUint(o.line[:o.digits], e.Sequence, 10), '\n')
	}
	o.sequence = e.Sequence
	return append(dst, o.line...)
}

// count adds one to the sequence in the line. It returns false if that takes another digit.
func (o *origin) count() bool {
	for i := len(o.line) - 2; i >= o.digits; i-- {
		if o.line[i] != '9' {
			o.line[i]++
			return true
		}
		o.line[i] = '0'
	}
	return false
}

// frameFunc appends the frame of an event to dst. The data of an event is
// compact JSON, in which every line break is escaped, so one data line is enough.
type frameFunc func(dst []byte, from *origin, e *eventlog.Event) []byte

func jsonFrame(dst []byte, from *origin, e *eventlog.Event) []byte {
	dst = from.appendID(dst, e)
	dst = append(dst, "event: "...)
	dst = append(dst, e.Type...)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, e.Data...)
	return append(dst, "\n\n"...)
}

// envelopeFrame has no event line: EventSource has no listener for every type, but
// onmessage gets all frames without a name.
func envelopeFrame(dst []byte, from *origin, e *eventlog.Event) []byte {
	dst = from.appendID(dst, e)
	dst = append(dst, "data: "...)
	dst = eventlog.AppendEnvelope(dst, from.task, from.session, e)
	return append(dst, "\n\n"...)
}

// HTMLFunc appends an event to dst as an HTML fragment. all says that the stream has all
// sessions of the task. It may be called concurrently.
type HTMLFunc func(dst []byte, task string, session eventlog.SessionID, e *eventlog.Event, all bool) []byte

// htmlFrame returns a function that makes frames of HTML fragments. They have no event
// line, for the same reason as in envelopeFrame.
func htmlFrame(render HTMLFunc, all bool) frameFunc {
	return func(dst []byte, from *origin, e *eventlog.Event) []byte {
		dst = from.appendID(dst, e)
		dst = appendData(dst, render(nil, from.task, from.session, e, all))
		return append(dst, '\n')
	}
}

// appendData appends text as data lines. Everything that ends a line for a client must also
// end a data line. Otherwise the client would read the rest as another field of the frame.
func appendData(dst, text []byte) []byte {
	for {
		end := bytes.IndexAny(text, "\r\n")
		if end < 0 {
			break
		}
		dst = append(append(append(dst, "data: "...), text[:end]...), '\n')
		if bytes.HasPrefix(text[end:], []byte("\r\n")) {
			end++
		}
		text = text[end+1:]
	}
	return append(append(append(dst, "data: "...), text...), '\n')
}

// control writes a frame about the stream itself. It has no id, because an id would move
// the client's cursor.
func (s *socket) control(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic("streamer: a control frame cannot be encoded: " + err.Error()) // our own types
	}
	buf := s.buffer()
	*buf = append(append(*buf, "event: "...), name...)
	*buf = append(append(*buf, "\ndata: "...), text...)
	*buf = append(*buf, "\n\n"...)
}

type resetData struct {
	Reason      string `json:"reason"`
	LastEventID string `json:"last_event_id"`
}

type gapData struct {
	Session eventlog.SessionID `json:"session"`
	After   uint64             `json:"after"`
	Next    uint64             `json:"next"`
}

type caughtUpData struct {
	Session  eventlog.SessionID `json:"session"`
	Sequence uint64             `json:"sequence"`
}

// maxLastEventID is how much of a bad cursor a reset frame repeats, in bytes.
const maxLastEventID = 256

// clip cuts text to at most n bytes, not within a UTF-8 sequence.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
