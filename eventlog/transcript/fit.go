package transcript

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// leastText is what is left of a text at least when it is cut.
	leastText = 64
	// mostCuts is how many texts of one event are cut. An event that has more long texts is not
	// one text with a frame around it, and is cut as a whole.
	mostCuts = 64
	// mostOther is how long a member that is not a text may stay when texts are not what makes
	// an event large.
	mostOther = 512
)

// cut says of a text what it was before.
type cut struct {
	path   string // of members and indexes, with slashes between
	bytes  int64
	sha256 [sha256.Size]byte
}

// fit closes the data of an event. If it is larger than limit, its longest texts
// are cut, at any depth, and it is said how long they were:
//
//	{"tool":"write","args":{"content":"The first by…"},"truncated":{"args/content":{"bytes":8388608,"sha256":"9f86…"}}}
//
// What cannot be made small enough by this is replaced as a whole by an object,
// {"cut":"the beginning of its JSON"}.
func fit(members data, limit int, known []cut) json.RawMessage {
	whole := join(members, known)
	if len(whole) <= limit {
		return whole
	}
	for text := limit / 2; text >= leastText; text /= 2 {
		short, cuts := cutTexts(members, text, known)
		if len(cuts) > mostCuts {
			break
		}
		if out := join(short, cuts); len(out) <= limit {
			return out
		}
	}
	members, known = cutOthers(members, known)
	for text := limit / 2; text > leastText; text /= 2 {
		short, cuts := cutTexts(members, text, known)
		if out := join(short, cuts); len(out) <= limit {
			return out
		}
	}
	short, cuts := cutTexts(members, leastText, known)
	return join(short, cuts)
}

func join(members data, cuts []cut) json.RawMessage {
	out := append(append(make(json.RawMessage, 0, len(members)+2+128*len(cuts)), '{'), members...)
	for i, c := range cuts {
		if i == 0 {
			if len(members) > 0 {
				out = append(out, ',')
			}
			out = append(out, `"truncated":{`...)
		} else {
			out = append(out, ',')
		}
		out = append(append(out, quote(c.path)...), `:{"bytes":`...)
		out = strconv.AppendInt(out, c.bytes, 10)
		out = append(out, `,"sha256":"`...)
		out = append(hex.AppendEncode(out, c.sha256[:]), `"}`...)
	}
	if len(cuts) > 0 {
		out = append(out, '}')
	}
	return append(out, '}')
}

// level is an object or array that the cutter of texts is in.
type level struct {
	array bool
	isKey bool // the next string is a member's name
	key   string
	index int
}

// cutTexts cuts the strings that have more than limit bytes, except names of members. What is
// known of a text that was cut before stands.
func cutTexts(members data, limit int, known []cut) (data, []cut) {
	out, copied := data(nil), 0
	cuts := slices.Clone(known)
	stack := []level{{isKey: true}}
	for i := 0; i < len(members); i++ {
		top := &stack[len(stack)-1]
		switch members[i] {
		case '{':
			stack = append(stack, level{isKey: true})
		case '[':
			stack = append(stack, level{array: true})
		case '}', ']':
			stack = stack[:len(stack)-1]
		case ',':
			top.isKey = !top.array
			top.index++
		case '"':
			end := stringEnd(members, i)
			raw := json.RawMessage(members[i:end])
			switch {
			case top.isKey:
				top.key, top.isKey = string(raw), false
			case len(raw)-2 > limit:
				text := textOf(raw)
				if len(text) <= limit {
					break
				}
				if cuts = withCut(cuts, cutOf(pathOf(stack), text)); len(cuts) > mostCuts {
					return nil, cuts
				}
				out = append(out, members[copied:i]...)
				short := beginning(text, limit)
				if isImageData(stack) {
					short = "" // a part of an image is none
				}
				out = append(out, quote(short)...)
				copied = end
			}
			i = end - 1
		}
	}
	return append(out, members[copied:]...), cuts
}

// isImageData reports whether the innermost level is at parts/…/data.
func isImageData(stack []level) bool {
	return len(stack) == 3 && stack[0].key == `"parts"` && stack[2].key == `"data"`
}

// stringEnd returns where the string that begins at i ends, its quotes included.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// pathOf names the place that the innermost level is at. Names are shortened.
func pathOf(stack []level) string {
	parts := make([]string, 0, len(stack))
	for _, l := range stack {
		part := strconv.Itoa(l.index)
		if !l.array {
			part = beginning(textOf(json.RawMessage(l.key)), leastText)
		}
		if parts = append(parts, part); len(parts) == 8 {
			break
		}
	}
	return strings.Join(parts, "/")
}

func cutOf(path, text string) cut {
	return cut{path: path, bytes: int64(len(text)), sha256: sha256.Sum256([]byte(text))}
}

// withCut adds a cut, unless its place has one: what was said first was said of
// the whole text.
func withCut(cuts []cut, c cut) []cut {
	if slices.ContainsFunc(cuts, func(have cut) bool { return have.path == c.path }) {
		return cuts
	}
	return append(cuts, c)
}

// cutOthers replaces the members that are long and no strings.
func cutOthers(members data, known []cut) (data, []cut) {
	var out data
	cuts := slices.Clone(known)
	d := json.NewDecoder(bytes.NewReader(join(members, nil)))
	if _, err := d.Token(); err != nil {
		return members, known
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return members, known
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return members, known
		}
		name, _ := key.(string)
		if len(value) > mostOther && value[0] != '"' {
			text := string(value)
			cuts = append(cuts, cutOf(name, text))
			value = data(nil).text("cut", beginning(text, mostOther/2)).object()
		}
		out = out.raw(name, value)
	}
	return out, cuts
}

func (d data) object() json.RawMessage { return join(d, nil) }

// beginning returns the first bytes of a text, at most limit, whole characters only.
func beginning(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
