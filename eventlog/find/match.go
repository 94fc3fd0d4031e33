package find

import (
	"bytes"
	"encoding/json"

	"jrweb/eventlog/event"
)

// wall is the length from which a text without a blank is not readable text, but the bytes of an
// image or the like.
const wall = 1000

// Matcher matches events with a query. It keeps memory from one event to the next: only one
// goroutine may use it at a time.
type Matcher struct {
	q    *Query
	text text
}

// NewMatcher returns a matcher of a query.
func NewMatcher(q *Query) *Matcher { return &Matcher{q: q, text: text{folded: true}} }

// May reports whether an event with this data may match. It is fast, and says yes to some
// events that do not.
func (m *Matcher) May(data []byte) bool {
	for i := range m.q.words {
		if !m.q.words[i].may(data) {
			return false
		}
	}
	return true
}

// keepText is the largest memory that is kept from one event to the next.
const keepText = 1 << 20

// Match reports whether an event matches.
func (m *Matcher) Match(e *event.Event) bool {
	if !m.q.Kind(e.Time, e.Type) || len(m.q.tools) > 0 && !m.tool(e.Data) {
		return false
	}
	if len(m.q.words) == 0 {
		return true
	}
	if cap(m.text.bytes) > keepText {
		m.text.bytes = nil
	}
	m.text.bytes = m.text.bytes[:0]
	values(e.Data, func(raw []byte) bool {
		m.text.addValue(raw)
		return true
	})
	for i := range m.q.words {
		if !bytes.Contains(m.text.bytes, []byte(m.q.words[i].folded)) {
			return false
		}
	}
	return true
}

// addValue adds a value, and a character that no word has. It leaves out a wall.
func (t *text) addValue(raw []byte) (added []byte) {
	from := len(t.bytes)
	t.addRaw(raw)
	if added = t.bytes[from:]; len(added) >= wall && bytes.IndexByte(added[:wall], ' ') < 0 {
		t.bytes, added = t.bytes[:from], nil
	}
	t.bytes = append(t.bytes, 0)
	return added
}

// tool reports whether the event is of one of the tools.
func (m *Matcher) tool(data []byte) bool {
	var of struct {
		Tool string `json:"tool"`
	}
	return json.Unmarshal(data, &of) == nil && anyPart(m.q.tools, of.Tool)
}
