package transcript

import (
	"encoding/json"
	"slices"
	"strings"

	"jrweb/eventlog"
)

func isCodexRollout(o object) bool {
	switch o.text("type") {
	case "session_meta", "turn_context", "response_item", "event_msg", "compacted", "token_usage_record", "world_state":
		return o.object("payload") != nil
	}
	return false
}

// codexRollout converts the files that Codex keeps of its threads. They are several
// logs in one, so that nearly everything stands there more than once: what went over
// the wire (response_item), what was shown (event_msg), and in the files of paginated
// threads the items of the thread (item_completed).
type codexRollout struct {
	items codexItems
	spent codexAccount
	fork  codexFork

	subagent bool   // the thread works for another one: no person speaks in it
	path     string // the agent's name among others, "/root"

	said     []*mirrored
	ends     recent[codexEnd] // of calls, by id
	reviewed string           // what a review that was told begins with
	summary  string           // what the model answered to be asked for a summary

	paginated bool                 // items tell how calls ended
	scripts   []*codexScript       // that have not ended
	scripted  recent[*codexScript] // by the id of an item of one
	waits     recent[*codexScript] // by the id of a call that waits for one
	running   []result             // of calls that go on

	turnOpen bool   // a turn has begun, and its end will be told
	spoke    bool   // something was said in the turn
	ended    bool   // the last turn has ended: what comes is late
	failure  string // of the turn
}

// The logs of a file.
const (
	logWire = 1 << iota
	logShown
	logItem
)

// mirrored is a text that one of the logs has told, and others may tell, too.
type mirrored struct {
	logs       int
	kind, text string
	images     bool
}

// mostMirrored is how many texts wait for their mirrors, which follow closely.
const mostMirrored = 64

// codexEnd is what is shown of a call's end.
type codexEnd struct {
	success bool
	code    float64
	coded   bool
	took    float64
}

func (c *codexRollout) object(o object, out *output) bool {
	out.at = o.time("timestamp")
	p := o.object("payload")
	kind := o.text("type")
	if kind != "session_meta" {
		c.fork.line(kind, p, out.at)
	}
	switch kind {
	case "session_meta":
		c.meta(p, out)
	case "turn_context":
		c.ended = false
		out.begin(Origin{Agent: "Codex", Model: p.text("model"), Dir: p.text("cwd")})
	case "compacted":
		c.compacted(p.text("message"), out)
	case "response_item":
		if o.object("metadata").isTrue("compaction_output") && p.text("role") == "assistant" {
			c.summary, _ = contentText(p.value("content")) // comes again with the compaction
			return true
		}
		return c.wire(p, out)
	case "event_msg":
		return c.shown(p, out)
	case "token_usage_record", "usage_record":
		c.usageRecord(p, out)
	case "inter_agent_communication":
		c.agentMessage(withContent(p), out)
	case "world_state", "inter_agent_communication_metadata", "retained_context", "security_risk_score", "rollout_reference", "realtime_item":
	default:
		return false
	}
	return true
}

// withContent gives a message whose content is a string the blocks that others have.
func withContent(p object) object {
	blocks := partsOf([]json.RawMessage{data(nil).text("type", "text").text("text", p.text("content")).object()})
	return withType(p, "agent_message").with("content", blocks)
}

// meta takes what a file says of its thread. A fork's file may have the line of its
// parent, too, with what it repeats.
func (c *codexRollout) meta(p object, out *output) {
	id := p.text("id", "session_id")
	if c.spent.thread != "" && id != c.spent.thread {
		return
	}
	source := p.object("source").object("subagent")
	parent := p.text("parent_thread_id")
	if parent == "" {
		parent = source.object("thread_spawn").text("parent_thread_id")
	}
	c.subagent = parent != "" || p.object("source").has("subagent") || p.text("thread_source") == "subagent"
	if c.path = p.text("agent_path"); c.path == "" {
		c.path = "/root"
	}
	from, base := p.text("forked_from_id"), p.object("history_base").text("thread_id")
	if c.spent.thread == "" && (from != "" && from != id || base != "" && base != id) {
		c.spent.fork = true
		c.fork = newCodexFork(p, out.at)
	}
	c.spent.thread = id
	c.paginated = p.text("history_mode") == "paginated"
	out.begin(Origin{
		Agent: "Codex", Version: p.text("cli_version"), Session: id, Parent: parent,
		Dir: p.text("cwd"), Branch: p.object("git").text("branch"),
	})
}

// compacted tells that the conversation was replaced by a summary of it.
func (c *codexRollout) compacted(summary string, out *output) {
	if c.summary != "" && !strings.Contains(summary, c.summary) {
		out.says(eventlog.TypeAssistant, c.summary)
	}
	c.summary = ""
	out.note(eventlog.TypeStatus, "The conversation was compacted", data(nil).some("summary", summary))
}

func (c *codexRollout) tokenCount(info object, out *output) {
	total, added := codexUsage(info.object("total_token_usage")), codexUsage(info.object("last_token_usage"))
	if c.fork.repeating {
		c.spent.inherited(total)
		return
	}
	if !info.has("total_token_usage") {
		total = c.spent.last.plus(added)
	}
	c.spent.total(total, added, out)
}

// usageRecord takes what a response has cost, or, where none is named, what the thread has.
func (c *codexRollout) usageRecord(p object, out *output) {
	u := codexUsage(p.object("usage"))
	if total := p.object("thread_token_usage"); p.text("response_id") == "" && total != nil && !c.fork.repeating {
		c.spent.total(codexUsage(total), u, out)
		return
	}
	c.spent.response(p.text("thread_id"), p.text("response_id"), u, out)
}

// mirrors reports whether another log has told a text before, and remembers it if not.
func (c *codexRollout) mirrors(log int, kind, text string) bool {
	return c.mirror(log, kind, text) != nil
}

func (c *codexRollout) mirror(log int, kind, text string) *mirrored {
	text = keyOf(squash(text))
	for _, m := range c.said {
		if m.logs&log == 0 && m.kind == kind && m.text == text {
			m.logs |= log
			return m
		}
	}
	if len(c.said) == mostMirrored {
		c.said = slices.Delete(c.said, 0, 1)
	}
	c.said = append(c.said, &mirrored{logs: log, kind: kind, text: text})
	return nil
}

// squash leaves out spaces, which the logs do not keep alike, and names of images.
func squash(text string) string {
	return strings.Join(strings.Fields(imageNames.Replace(text)), "")
}

var imageNames = strings.NewReplacer("[image]", "", "[local_image]", "")

// say tells a text of the agent, unless another log has told it.
func (c *codexRollout) say(log int, kind, text string, out *output) {
	c.spoke = c.spoke || kind == eventlog.TypeAssistant && !isBlank(text)
	if strings.TrimSpace(text) != "" && !c.mirrors(log, kind, text) {
		c.late(out, func() { out.says(kind, text) })
	}
}

// assistant tells a message of the agent. It is the last one for now where that is said
// of it, or where files tell no ends of turns.
func (c *codexRollout) assistant(log int, text, phase string, out *output) {
	if c.reviewed != "" && strings.HasPrefix(squash(text), c.reviewed) {
		c.reviewed = ""
		return
	}
	c.say(log, eventlog.TypeAssistant, text, out)
	if strings.TrimSpace(text) != "" && !c.ended && (!c.turnOpen || phase == "final_answer") {
		out.rested()
	}
}

// user tells the pieces of a message to the agent, those that no other log has told.
func (c *codexRollout) user(log int, pieces []codexPiece, out *output) {
	for _, piece := range pieces {
		if piece.context {
			if !c.mirrors(log, "context", piece.text) {
				out.user(eventlog.System, piece.text, nil)
			}
			continue
		}
		actor := eventlog.Human
		if c.subagent {
			actor = eventlog.Agent
		}
		text := piece.text
		hasBytes := strings.Contains(string(piece.parts), `"sha256":`)
		if m := c.mirror(log, eventlog.TypeUser, text); m != nil {
			if m.images || !hasBytes {
				continue
			}
			m.images = true
			text = "[image]" // the words were told, but not the images
		} else {
			c.said[len(c.said)-1].images = hasBytes
		}
		c.begins(out)
		out.user(actor, text, piece.parts)
	}
}

// begins says that something new is under way.
func (c *codexRollout) begins(out *output) {
	for len(c.scripts) > 0 && c.scripts[0].aborted != "" {
		c.endScript(c.scripts[0], out)
	}
	c.ended = false
	out.working()
}

func (c *codexRollout) turnEnded() { c.turnOpen, c.ended = false, true }

// late tells something that changes nothing about an end that was told before: a
// command in the background may end after its turn.
func (c *codexRollout) late(out *output, tell func()) {
	before := out.progress
	tell()
	if c.ended {
		out.progress.status, out.progress.reason = before.status, before.reason
	}
}

func (c *codexRollout) flush(*output) {}

// end tells what waits for more of its own.
func (c *codexRollout) end(out *output) {
	c.late(out, func() {
		for len(c.scripts) > 0 {
			c.endScript(c.scripts[0], out)
		}
		for _, r := range c.running {
			c.items.result(r, out)
		}
		out.says(eventlog.TypeAssistant, c.summary)
	})
}
