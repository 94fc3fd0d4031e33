package transcript

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// mostDocument is how long a JSON value may be that goes over several lines.
const mostDocument = 64 << 20

// mostOnLine is how many values are looked for on one line. The events of a line are in
// memory together, and small values make events that are larger than they are.
const mostOnLine = 100_000

// values finds the JSON objects in lines. Most lines are one. But agents also print
// several on a line, or a warning and an object on one, or, with indentation, one
// object or an array of them over many lines, or put each into a server-sent event.
// The time it takes grows with the length of the lines, whatever they are.
type values struct {
	open  bool   // a value has not ended
	text  []byte // of the open value: its lines, of an array what follows the element given last
	scan  scanner
	array bool // the elements of the array are the values
	sent  bool // the value stands behind "data:"
	taken int  // values of the line
	// cutOff says that the last line ends inside a value.
	cutOff bool
}

// taker takes what is found, in order: object takes each object, with its text, and other the
// rest. The texts are valid until it returns.
type taker struct {
	object func(o object, text []byte)
	other  func(l Line)
}

// line takes a line that is not blank, and UTF-8.
func (v *values) line(l Line, t taker) {
	v.taken = 0
	for more := true; more; {
		v.taken++
		l, more = v.next(l, t)
	}
}

// next takes what stands first on a line, and returns the rest if there is any.
func (v *values) next(l Line, t taker) (rest Line, more bool) {
	v.cutOff = false
	switch {
	case v.open && (l.isCut() || len(v.text)+len(l.Text) > mostDocument):
		v.giveUp(t)
		return l, true
	case v.open:
		return v.goOn(l, t)
	case l.isCut() || v.taken > mostOnLine:
		t.other(l)
		return Line{}, false
	}
	if o := ownObject(l.Text); o != nil {
		t.object(o, l.Text)
		return Line{}, false
	}
	body, sent := serverSent(l.Text)
	if sent {
		if o := ownObject(body); o != nil {
			t.object(o, l.Text)
			return Line{}, false
		}
	}
	if !opensValue(body) {
		return v.mixed(l, t)
	}
	v.reset()
	v.sent = sent
	return v.begin(l, body, t)
}

// begin takes a line that begins with a value, which may go on on the next one.
func (v *values) begin(l Line, body []byte, t taker) (rest Line, more bool) {
	from, found := v.advance(body, t)
	switch {
	case found == goesOn:
		v.open, v.cutOff = true, true
		return Line{}, false
	case found == isWhole || from > 0:
		v.reset()
		return restOf(body[from:])
	}
	isArray := v.array
	v.reset()
	v.cutOff = found == isCutOff
	if isArray {
		return v.mixed(l, t) // "[warning] {…}"
	}
	t.other(l)
	return Line{}, false
}

// goOn takes the next line of an open value.
func (v *values) goOn(l Line, t taker) (rest Line, more bool) {
	body := l.Text
	if v.sent {
		body, _ = serverSent(l.Text)
	}
	from, found := v.advance(body, t)
	switch {
	case found == goesOn:
		v.cutOff = true
		return Line{}, false
	case found == isWhole:
		v.reset()
	default: // the lines are not the beginning of a value
		v.giveUp(t)
		if from == 0 {
			return l, true
		}
	}
	return restOf(body[from:])
}

func restOf(text []byte) (rest Line, more bool) {
	text = bytes.TrimSpace(text)
	return Line{Text: text}, len(text) > 0
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

func opensValue(text []byte) bool {
	text = bytes.TrimLeft(text, " \t")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// progress through a value.
type advanced byte

const (
	goesOn   advanced = iota // on the next line
	isWhole                  // it has ended
	isBroken                 // this is not JSON
	isCutOff                 // a string does not end
)

// advance scans a line and gives the objects that end in it. It returns how far what
// it gave reaches.
func (v *values) advance(line []byte, t taker) (given int, found advanced) {
	for i := 0; i < len(line); i++ {
		if v.scan.quoted {
			if i += v.scan.skip(line[i:]); i == len(line) {
				break
			}
		}
		b, depth := line[i], len(v.scan.depth)
		if !v.scan.step(b) || v.taken > mostOnLine {
			return given, isBroken
		}
		switch {
		case depth == 0 && b == '[':
			v.array = true
		case v.array && depth == 1 && (b == ',' || b == ']'):
			v.element(line[given:i], t)
			given = i + 1
			if v.scan.whole() {
				return given, isWhole
			}
		case v.array && depth == 1 && len(v.scan.depth) == 1 && !isSpace(b):
			return given, isBroken // an element that is not an object: this is not a transcript
		case !v.array && v.scan.whole():
			before := len(v.text)
			text := v.join(line[given : i+1])
			o := ownObject(text)
			if o == nil {
				v.text = v.text[:before]
				return given, isBroken
			}
			t.object(o, bytes.TrimSpace(text))
			return i + 1, isWhole
		}
	}
	if v.scan.quoted {
		return given, isCutOff
	}
	v.text = append(append(v.text, line[given:]...), '\n')
	v.scan.step('\n')
	return len(line), goesOn
}

// join returns the text of the open value with what ends it.
func (v *values) join(end []byte) []byte {
	if len(v.text) == 0 {
		return end
	}
	v.text = append(v.text, end...)
	return v.text
}

// element gives the element of an array that has ended.
func (v *values) element(end []byte, t taker) {
	v.taken++
	text := v.join(end)
	v.text = v.text[:0]
	if i := bytes.IndexByte(text, '{'); i >= 0 {
		if o := ownObject(text[i:]); o != nil {
			t.object(o, bytes.TrimSpace(text[i:]))
			return
		}
	}
	if text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("["))); len(text) > 0 {
		t.other(Line{Text: text}) // an array in the array
	}
}

// mixed gives the first object of a line that other text stands before, and that text.
func (v *values) mixed(l Line, t taker) (rest Line, more bool) {
	for from, tries := 0, 0; tries < 16; from, tries = from+1, tries+1 {
		i := bytes.IndexByte(l.Text[from:], '{')
		if i < 0 {
			break
		}
		from += i
		d := json.NewDecoder(bytes.NewReader(l.Text[from:]))
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.ErrUnexpectedEOF) {
			v.cutOff = true
			break // what stands inside of it is not a value of its own
		} else if err != nil {
			continue
		}
		o := parseObject(value)
		if len(o) == 0 {
			continue
		}
		if before := bytes.TrimSpace(l.Text[:from]); len(before) > 0 && string(before) != "data:" { // of server-sent events
			t.other(Line{Text: before})
		}
		end := from + int(d.InputOffset())
		t.object(o, l.Text[from:end])
		return restOf(l.Text[end:])
	}
	t.other(l)
	return Line{}, false
}

// giveUp gives the lines of the open value, each by itself: they are not a value.
func (v *values) giveUp(t taker) {
	text := v.text
	v.reset()
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSuffix(line, []byte("\n")); len(bytes.TrimSpace(line)) > 0 {
			t.other(Line{Text: line})
		}
	}
}

// end gives what is left when no line follows.
func (v *values) end(t taker) {
	cut := v.cutOff
	v.giveUp(t)
	v.cutOff = cut
}

// reset keeps nothing of a value, however large it was.
func (v *values) reset() { *v = values{cutOff: v.cutOff, taken: v.taken} }
