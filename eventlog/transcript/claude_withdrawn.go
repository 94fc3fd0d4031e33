package transcript

import (
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// Claude Code withdraws answers: after a refusal another model answers, or a call could
// not be read. It names the lines that it takes back. Events stay as they are once they
// are told, so a status event says what does not stand any more:
//
//	{"content":"Withdrawn: I cannot help with","withdraws":[{"type":"assistant","content":"I cannot help with"}]}
//
// Each of withdraws has the type of an event before, and the beginning of its content,
// or its call_id.

// mostWithdrawn is how much of a text names an event, in bytes.
const mostWithdrawn = 200

// keep remembers what a line told, in case it is withdrawn.
func (m *claudeMessages) keep(uuid string, events []eventlog.Event) {
	if uuid == "" {
		return
	}
	var told []claudeTold
	for _, e := range events {
		switch e.Type {
		case eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeUser:
			o := parseObject(e.Data)
			told = append(told, claudeTold{e.Type, beginning(o.text("call_id"), mostWithdrawn), beginning(o.text("content"), mostWithdrawn)})
		}
	}
	if len(told) > 0 {
		m.told.put(uuid, told)
	}
}

// supersede tells which events are withdrawn, by the uuids of their lines. Two lines
// may say it of the same, and of lines that were never seen.
func (m *claudeMessages) supersede(uuids []json.RawMessage, out *output) {
	m.withdraw("", uuids, nil, out)
}

// withdraw tells the same with a reason, which stands also if nothing is withdrawn.
func (m *claudeMessages) withdraw(reason string, uuids []json.RawMessage, more data, out *output) {
	var names []string
	var events []json.RawMessage
	for _, raw := range uuids {
		uuid := textOf(raw)
		told, known := m.told.get(uuid)
		if !known || !first(&m.withdrawn, uuid) {
			continue
		}
		for _, t := range told {
			d := data(nil).text("type", t.kind)
			if t.id != "" {
				d = d.text("call_id", t.id)
			} else {
				d = d.text("content", t.text)
			}
			events = append(events, d.object())
			if t.text != "" {
				names = append(names, t.text)
			}
		}
		m.texts = nil // a result line does not say it again
	}
	content := reason
	if len(events) > 0 {
		content = strings.TrimSpace("Withdrawn: " + strings.Join(names, "\n") + "\n" + reason)
	}
	if content != "" {
		out.note(eventlog.TypeStatus, content, more.raw("withdraws", partsOf(events)))
	}
}
