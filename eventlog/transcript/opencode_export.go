package transcript

import "slices"

func isOpenCodeExport(o object) bool {
	return o.object("info").has("id") && o.hasList("messages") && !o.has("type")
}

// openCodeExport converts what opencode export prints: a session with its messages and
// their parts, as the server's events tell them.
type openCodeExport struct {
	holdsNothing
	server openCodeServer
}

func (c *openCodeExport) object(o object, out *output) bool {
	if !isOpenCodeExport(o) {
		return false
	}
	info := o.object("info")
	out.at = info.object("time").time("created")
	openCodeOrigin(info, out)
	for _, raw := range o.list("messages") {
		c.message(parseObject(raw), info.text("id"), out)
	}
	return true
}

func (c *openCodeExport) message(m object, session string, out *output) {
	info := m.object("info")
	created := info.object("time").time("created")
	ended := info.object("time").time("completed", "created")
	id := info.text("id")
	out.at = created
	c.server.message(info.without("error"), out) // it comes after what was said
	parts := m.list("parts")
	ids := object{}.with("messageID", quote(id)).with("sessionID", quote(session))
	for _, raw := range parts {
		part := parseObject(raw)
		if part == nil {
			continue
		}
		out.at = created
		part = slices.Concat(part, ids)
		if kind := part.text("type"); (kind == "text" || kind == "reasoning") && !part.object("time").has("end") {
			// What is kept is whole.
			part = part.with("time", data(nil).raw("start", part.object("time").value("start")).number("end", 1).object())
		}
		if part.text("type") == "step-finish" {
			out.at = ended
		}
		if !c.server.part(part, out) {
			out.raw(string(raw), "a part of a message of no known type")
		}
	}
	if e := info.object("error"); e != nil {
		out.at = ended
		c.server.failed(session, e, out)
	}
	if len(parts) > 0 && info.text("role") == "assistant" && info.text("finish") == "stop" {
		out.done()
	}
}
