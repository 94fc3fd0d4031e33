package transcript

import (
	"slices"
	"time"
)

// pieces gathers a text that comes in pieces and not again as a whole, such as a
// message that is streamed. What is not a piece of it ends it. The zero value is empty.
type pieces struct {
	kind, id, parent string // kind is an event's type
	text             []byte
	at               time.Time // of the first piece
}

// add adds a piece, and tells the text before it if that is another one. Pieces of one
// text have the same id; where there are no ids, all pieces that follow each other.
func (p *pieces) add(kind, id, piece string, out *output) {
	if p.kind != kind || p.id != id || p.parent != out.parent || len(p.text) == 0 || len(p.text) > mostPartial {
		p.flush(out)
		p.kind, p.id, p.parent, p.at = kind, id, out.parent, out.at
	}
	p.text = append(p.text, piece...)
}

// flush tells what has come so far.
func (p *pieces) flush(out *output) { p.tell(out, nil) }

// cut tells what has come so far of a text whose end will not come.
func (p *pieces) cut(out *output) { p.tell(out, data(nil).flag("partial", true)) }

func (p *pieces) tell(out *output, more data) {
	text := string(p.text)
	p.text = p.text[:0]
	if isBlank(text) {
		return
	}
	at, parent := out.at, out.parent
	out.at, out.parent = p.at, p.parent
	out.spoke()
	text, images := pictures(text)
	out.add(p.kind, "", withPictures(slices.Concat(data(nil).text("content", text), comma(more)), images))
	out.at, out.parent = at, parent
}

// said returns what has come so far, of some kind.
func (p *pieces) said(kind string) string {
	if p.kind != kind {
		return ""
	}
	return string(p.text)
}

// drop forgets what has come so far: it came again as a whole.
func (p *pieces) drop() { p.text = p.text[:0] }
