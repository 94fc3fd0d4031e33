package page

import (
	"cmp"
	"encoding/json"
)

// What passes between an agent and the people who watch it. A script tells at a question
// whether it can be answered, and at a message what became of it.

// optionView is an answer that an agent offers.
type optionView struct {
	Value, Label string
}

// mostOptions is how many answers are offered as buttons.
const mostOptions = 20

func (m *maker) question() {
	if m.data.text("content") == "" {
		m.unknown() // nothing has checked it
		return
	}
	m.says("Question")
	left := m.data.without("content", "call_id", "other", "request")
	m.row.Other = shorten(m.data.text("other"))
	var options []struct{ Value, Label, Description string }
	if json.Unmarshal(m.data.raw("options"), &options) == nil && len(options) <= mostOptions {
		left = left.without("options")
		for _, o := range options {
			label := cmp.Or(o.Label, o.Value)
			if o.Description != "" {
				label += ": " + o.Description
			}
			m.row.Options = append(m.row.Options, optionView{o.Value, shorten(label)})
		}
	}
	m.row.Fields = m.fields(left, "")
}

func (m *maker) answer() {
	r := m.row
	r.Template, r.Label = "note", "Answer"
	r.Mark.For = shorten(textOf(m.data.raw("for")))
	r.Block = m.block("text", m.data.text("value"), "/value", plain)
	r.Fields = m.fields(m.data.without("for", "value"), "")
}

// receipt has no row of its own: a script shows at the message what became of it. Without a
// script, it has a row.
func (m *maker) receipt() {
	r := m.row
	r.Template, r.Compact, r.Hidden = "note", true, !m.view.offline
	r.Mark.For, r.Mark.State = shorten(textOf(m.data.raw("for"))), shorten(m.data.text("state"))
	r.Label = "Message #" + r.Mark.For + " " + r.Mark.State
	r.Block = m.block("text", m.data.text("reason"), "/reason", plain)
	r.Fields = m.fields(m.data.without("for", "state", "reason"), "")
}
