package transcript

import (
	"bytes"

	"jrweb/eventlog"
)

// mostText is how much text is put into one event.
const mostText = 32 << 10

// text is the fallback: what a program prints is what the agent says. Lines make
// one event until the output pauses. It is not Markdown, and its events say so.
type text struct {
	lines []byte
}

func (t *text) line(l Line, out *output) {
	if l.isCut() {
		t.flush(out)
		d := data(nil).text("content", string(l.Text)).text("format", string(Text))
		out.add(eventlog.TypeAssistant, "", d, cut{path: "content", bytes: l.Bytes, sha256: l.SHA256})
		return
	}
	if len(t.lines) > 0 && len(t.lines)+len(l.Text) > mostText {
		t.flush(out)
	}
	t.lines = append(append(t.lines, l.Text...), '\n')
}

func (t *text) flush(out *output) {
	out.prints(string(bytes.TrimRight(t.lines, "\n")))
	t.lines = t.lines[:0]
}

func (*text) end(*output) {}

// object is not called: text has no objects.
func (*text) object(object, *output) bool { return false }
