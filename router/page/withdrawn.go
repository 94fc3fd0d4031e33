package page

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	"jrweb/eventlog"
)

// An agent may take back what it said: a status event names the events that do not
// stand any more, by their type and the beginning of their content, or their call_id.
// Rows carry such names in short, so that a script finds them as well.

// mostNamed is how much of its content names an event, in bytes.
const mostNamed = 200

// nameOf is the name of an event in short.
func nameOf(kind, name string) string {
	if strings.TrimSpace(name) == "" {
		return ""
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %s", kind, name[:runeStart(name, min(len(name), mostNamed))])
	return fmt.Sprintf("%08x", h.Sum32())
}

// ownName is the name by which the event can be withdrawn, "" if it has none.
func (m *maker) ownName() string {
	switch m.entry.Type {
	case eventlog.TypeAssistant, eventlog.TypeThought:
		return nameOf(m.entry.Type, m.data.text("content"))
	case eventlog.TypeToolCall, eventlog.TypeToolResult:
		return nameOf(m.entry.Type, m.data.text("call_id"))
	}
	return ""
}

// withdraws are the names of the events that the event takes back.
func (m *maker) withdraws() string {
	var list []struct {
		Type    string `json:"type"`
		Content string `json:"content"`
		CallID  string `json:"call_id"`
	}
	if m.entry.Type != eventlog.TypeStatus || json.Unmarshal(m.data.raw("withdraws"), &list) != nil {
		return ""
	}
	var names []string
	for i, e := range list {
		if i == mostFields {
			break
		}
		if name := nameOf(e.Type, e.Content+e.CallID); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// withdraw marks the latest rows that have the names.
func (t *timeline) withdraw(names string) {
	for name := range strings.FieldsSeq(names) {
		if r := t.named[name]; r != nil {
			r.Mark.Withdrawn = true
		}
	}
}
