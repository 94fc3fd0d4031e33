package transcript

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// mostDocument is how long a JSON value may be that goes over several lines.
const mostDocument = 64 << 20

// values finds the JSON objects in lines. Most lines are one. But agents also print
// several on a line, or a warning and an object on one, or, with indentation, one
// object or an array of them over many lines.
type values struct {
	held  []Line // of a value that has not ended, copies
	bytes int
	scan  scanner
	part  []byte // the value in hand, of the lines held
	array bool   // the elements of an array are the values
	// cutOff says that the last line ends inside a value.
	cutOff bool
}

// taker takes what is found, in order: object each object, with its text, and other
// what is none. The texts are valid until it returns.
type taker struct {
	object func(o object, text []byte)
	other  func(l Line)
}

// line takes a line that is not blank, and UTF-8.
func (v *values) line(l Line, t taker) {
	v.cutOff = false
	if len(v.held) == 0 {
		if l.isCut() {
			t.other(l)
			return
		}
		if o := parseObject(l.Text); o != nil {
			t.object(o, l.Text)
			return
		}
	}
	v.feed(l, t)
}

// feed takes a line that is not one object.
func (v *values) feed(l Line, t taker) {
	if len(v.held) == 0 && !opensValue(l.Text) {
		v.mixed(l, t)
		return
	}
	if l.isCut() || v.bytes+len(l.Text) > mostDocument {
		v.giveUp(t)
		v.line(l, t)
		return
	}
	first := len(v.held) == 0
	if first {
		v.reset()
	}
	rest, ok := v.advance(l.Text, t)
	switch {
	case !ok && first && l.Text[bytes.IndexAny(l.Text, "{[")] == '[':
		v.reset()
		v.mixed(l, t) // "[warning] {…}"
	case !ok && first:
		v.cutOff = v.scan.quoted
		v.reset()
		t.other(l)
	case !ok:
		v.giveUp(t)
		v.line(l, t)
	case v.scan.whole():
		v.reset()
		if rest = bytes.TrimSpace(rest); len(rest) > 0 {
			v.line(Line{Text: rest}, t)
		}
	default:
		v.held = append(v.held, Line{Text: bytes.Clone(l.Text)})
		v.bytes += len(l.Text) + 1
		v.cutOff = true
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func opensValue(text []byte) bool {
	text = bytes.TrimLeft(text, " \t")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// advance scans a line and gives the values that end in it. It returns what
// follows the value, and false if the line cannot go on with it.
func (v *values) advance(text []byte, t taker) (rest []byte, ok bool) {
	for i, b := range text {
		before := len(v.scan.depth)
		if !v.scan.step(b) {
			return nil, false
		}
		if before == 0 && b == '[' {
			v.array = true
			continue
		}
		if v.array && before == 1 && len(v.scan.depth) == 1 && b != ',' && !isSpace(b) {
			return nil, false // an element that is no object: this is no transcript
		}
		if v.array && before == 1 && (b == ',' || b == ']') && !v.scan.quoted {
			v.element(t)
			if v.scan.whole() {
				return text[i+1:], true
			}
			continue
		}
		v.part = append(v.part, b)
		if !v.array && v.scan.whole() {
			o := parseObject(v.part)
			if o == nil {
				return nil, false
			}
			t.object(o, v.part)
			return text[i+1:], true
		}
	}
	if v.scan.quoted {
		return nil, false // no string goes over a line's end
	}
	v.part = append(v.part, '\n')
	v.scan.step('\n')
	return nil, true
}

// element gives the element of an array that has ended.
func (v *values) element(t taker) {
	text := bytes.TrimSpace(v.part)
	v.part = nil
	if len(text) == 0 {
		return
	}
	if o := parseObject(text); o != nil {
		t.object(o, text)
	} else {
		t.other(Line{Text: text}) // an array in the array
	}
	// What was given will not be given again.
	v.held, v.bytes = append(v.held[:0], Line{}), 0
}

// mixed gives the objects of a line that other text stands before, and that text.
func (v *values) mixed(l Line, t taker) {
	for from, tries := 0, 0; !l.isCut() && tries < 16; from, tries = from+1, tries+1 {
		i := bytes.IndexByte(l.Text[from:], '{')
		if i < 0 {
			break
		}
		from += i
		d := json.NewDecoder(bytes.NewReader(l.Text[from:]))
		var o object
		if err := d.Decode(&o); errors.Is(err, io.ErrUnexpectedEOF) {
			v.cutOff = true
			break // what stands inside of it is no value of its own
		} else if err != nil || len(o) == 0 {
			continue
		}
		if before := bytes.TrimSpace(l.Text[:from]); len(before) > 0 && string(before) != "data:" { // of server-sent events
			t.other(Line{Text: before})
		}
		end := from + int(d.InputOffset())
		t.object(o, l.Text[from:end])
		if rest := bytes.TrimSpace(l.Text[end:]); len(rest) > 0 {
			v.line(Line{Text: rest}, t)
		}
		return
	}
	t.other(l)
}

// giveUp gives the lines that are held, each by itself: they are not the beginning
// of a value.
func (v *values) giveUp(t taker) {
	held := v.held
	v.reset()
	for _, l := range held {
		if len(bytes.TrimSpace(l.Text)) > 0 {
			t.other(l)
		}
	}
}

// end gives what is left when no line follows.
func (v *values) end(t taker) {
	cut := v.cutOff
	v.giveUp(t)
	v.cutOff = cut
}

func (v *values) reset() {
	v.held, v.bytes, v.part, v.array, v.scan = nil, 0, nil, false, scanner{}
}

// open reports whether lines are held.
func (v *values) open() bool { return len(v.held) > 0 }
