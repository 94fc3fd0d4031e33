package transcript

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"jrweb/eventlog"
)

// isAppend: an event as it is appended, {type, data, actor?, time?}, or as it is
// exported, with its place around it.
func isAppend(o object) bool {
	if o.object("data") == nil || o.text("type") == "" || strings.Contains(o.text("type"), ".") {
		return false
	}
	exported := o.has("sequence") && o.has("task")
	for _, f := range o {
		switch string(f.name) {
		case "type", "data", "actor", "time":
		case "id", "task", "session", "sequence":
			if !exported {
				return false
			}
		default:
			return false
		}
	}
	return o.has("sequence") || o.has("actor") || slices.Contains([]string{
		eventlog.TypeAssistant, eventlog.TypeThought, eventlog.TypeUser, eventlog.TypeToolCall, eventlog.TypeToolResult, eventlog.TypeCost,
		eventlog.TypeError, eventlog.TypeStatus, eventlog.TypeComment, eventlog.TypeCheckpoint, eventlog.TypeGuardrail, eventlog.TypeComplete,
		TypeSession, eventlog.TypeQuestion, eventlog.TypeAnswer, eventlog.TypeReceipt,
	}, o.text("type"))
}

// appended converts events as an append takes them. An event that the log would refuse
// is kept as it is, with the reason.
type appended struct{ holdsNothing }

func (appended) object(o object, out *output) bool {
	e := eventlog.Event{Type: o.text("type"), Actor: eventlog.Actor(o.text("actor")), Time: o.time("time"), Data: o.value("data")}
	if e.Type == "" || !o.has("data") {
		return false
	}
	if o.has("time") && e.Time.IsZero() {
		return out.refuse("the time is none")
	}
	if err := checkAppended(e); err != nil {
		return out.refuse(err.Error())
	}
	out.at = e.Time
	d := parseObject(e.Data)
	if e.Type == eventlog.TypeComplete {
		complete(d, out)
		return true
	}
	appendedSays(e, d, out)
	members := data(bytes.TrimSpace(e.Data))
	out.add(e.Type, e.Actor, slices.Clip(members[1:len(members)-1]))
	return true
}

// checkAppended holds an event to the rules of an append.
func checkAppended(e eventlog.Event) error {
	if !isName(e.Type) || !isName(string(e.Actor)) {
		return errors.New("the type or the actor is no name")
	}
	return eventlog.CheckEvent(&e)
}

func isName(name string) bool {
	for i := range len(name) {
		if b := name[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	return len(name) <= 64
}

// appendedSays follows the run, as other converters do by what they add.
func appendedSays(e eventlog.Event, d object, out *output) {
	if d.has("parent_call_id") {
		return
	}
	switch e.Type {
	case eventlog.TypeUser:
		if e.Actor == eventlog.Human {
			out.prompted(d.text("content"))
			out.told()
		}
	case eventlog.TypeQuestion:
		out.remember(question{id: d.text("call_id"), call: d.text("call_id"), text: d.text("content")})
	case eventlog.TypeAnswer:
		out.answered("")
	case eventlog.TypeAssistant, eventlog.TypeThought:
		out.spoke()
	case eventlog.TypeToolCall:
		if id := d.text("call_id"); id != "" {
			out.tools.put(id, d.text("tool"))
			out.opened(id)
		}
	case eventlog.TypeToolResult:
		out.closed(d.text("call_id"))
	case TypeSession:
		out.origin.Agent = cmp.Or(d.text("agent"), out.origin.Agent)
		out.origin.Version = cmp.Or(d.text("version"), out.origin.Version)
		out.origin.Model = cmp.Or(d.text("model"), out.origin.Model)
		out.origin.Session = cmp.Or(d.text("external_id"), out.origin.Session)
		out.origin.Parent = cmp.Or(d.text("parent_external_id"), out.origin.Parent)
		out.origin.Dir = cmp.Or(d.text("cwd"), out.origin.Dir)
		out.origin.Branch = cmp.Or(d.text("branch"), out.origin.Branch)
		out.origin.Title = cmp.Or(d.text("title"), out.origin.Title)
		out.titles.prompt = cmp.Or(out.titles.prompt, d.text("title"))
	}
}

// complete takes the end of a session, which is for the one who seals it to tell.
func complete(d object, out *output) {
	reason := d.text("reason")
	switch status := eventlog.Status(d.text("status")); status {
	case eventlog.Succeeded, "":
		out.done()
	case eventlog.Failed:
		out.failed(reason)
	case eventlog.Canceled:
		out.canceled(reason)
	default:
		out.reach(eventlog.Interrupted, cmp.Or(reason, reasonMiddle))
	}
}
