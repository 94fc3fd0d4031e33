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

// tells says which event a line makes, and keep remembers it with the line's uuid, in
// case it is withdrawn.
func (m *claudeMessages) tells(kind, name string) {
	if name = beginning(name, mostWithdrawn); strings.TrimSpace(name) != "" {
		m.telling = append(m.telling, claudeTold{kind, name})
	}
}

func (m *claudeMessages) keep(uuid string) {
	if uuid != "" && len(m.telling) > 0 {
		m.told.put(uuid, m.telling)
	}
	m.telling = nil
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
			switch t.kind {
			case eventlog.TypeToolCall, eventlog.TypeToolResult:
				d = d.text("call_id", t.name)
			default:
				d = d.text("content", t.name)
				names = append(names, t.name)
			}
			events = append(events, d.object())
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
