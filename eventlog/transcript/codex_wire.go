package transcript

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// wire converts what went to the model and came back: one of the logs in a rollout.
func (c *codexRollout) wire(p object, out *output) bool {
	id := p.text("call_id", "id")
	switch p.text("type") {
	case "message":
		c.wireMessage(p, out)
	case "agent_message":
		c.agentMessage(p, out)
	case "reasoning":
		for _, raw := range append(p.list("summary"), p.list("content")...) {
			c.say(logWire, eventlog.TypeThought, parseObject(raw).text("text"), out)
		}
	case "function_call":
		c.functionCall(id, p, out)
	case "custom_tool_call":
		if p.text("name") == "exec" && p.text("input") != "" {
			c.script(id, p.text("input"), out)
		} else {
			c.items.callRaw(id, codexTool(p.text("namespace"), p.text("name")), p.value("input"), out)
		}
	case "local_shell_call":
		c.items.callRaw(id, "shell", p.value("action"), out)
	case "tool_search_call":
		c.items.callRaw(id, "tool_search", p.value("arguments"), out)
	case "tool_search_output":
		var names []string
		for _, raw := range p.list("tools") {
			names = append(names, parseObject(raw).text("name"))
		}
		c.items.result(result{id: id, tool: "tool_search", success: p.text("status") != "failed", output: strings.Join(names, "\n")}, out)
	case "web_search_call":
		c.webSearch(id, p, out)
	case "image_generation_call":
		c.items.tool(id, withType(p, "imagegeneration"), p.text("status") != "in_progress", out)
	case "function_call_output", "custom_tool_call_output":
		c.wireOutput(id, p.value("output"), out)
	case "additional_tools", "ghost_snapshot", "compaction", "compaction_summary", "compaction_trigger", "context_compaction", "other":
	default:
		return false
	}
	return true
}

// withType returns an object with another type.
func withType(o object, kind string) object {
	return o.with("type", quote(kind))
}

func (c *codexRollout) wireMessage(p object, out *output) {
	switch p.text("role") {
	case "assistant":
		text, _ := contentText(p.value("content"))
		if _, plan, found := strings.Cut(text, "<proposed_plan>"); found {
			plan, _, _ = strings.Cut(plan, "</proposed_plan>")
			c.mirrors(logWire, "plan", plan)
		}
		c.assistant(logWire, text, p.text("phase"), out)
	case "user":
		meta := p.object("internal_chat_message_metadata_passthrough")
		c.user(logWire, codexPieces(p.value("content"), stringsOf(meta.list("content_item_kinds"))), out)
	default:
		text, parts := contentText(p.value("content"))
		out.user(eventlog.System, text, parts)
	}
}

// agentMessage converts what one agent says to another, or, in files of the desktop
// program, an agent to the person.
func (c *codexRollout) agentMessage(p object, out *output) {
	var texts []string
	for _, raw := range p.list("content") {
		block := parseObject(raw)
		text := block.text("text")
		if secret := block.text("encrypted_content"); secret != "" {
			if text = "[encrypted]"; strings.ContainsAny(secret, " \n") {
				text = secret // a provider that encrypts nothing
			}
		}
		texts = append(texts, text)
	}
	text := strings.Join(texts, "")
	author := p.text("author")
	if author == "" || author == c.path {
		c.assistant(logWire, text, p.text("phase"), out)
		return
	}
	if head := agentMail.FindString(text); head != "" && head != text {
		text = text[len(head):]
	}
	if !c.mirrors(logWire, "mail", text) {
		c.begins(out)
		out.user(eventlog.Agent, text, nil)
	}
}

// agentMail stands before the words of another agent.
var agentMail = regexp.MustCompile(`\AMessage Type: [^\n]*\n(?:[^\n]*\n){0,4}?Payload:\n`)

func (c *codexRollout) functionCall(id string, p object, out *output) {
	tool := codexTool(p.text("namespace"), p.text("name"))
	given := codexArgs(tool, p.value("arguments"))
	args := parseObject(given)
	switch tool {
	case "update_plan":
		c.mirrors(logWire, "todo", codexTodo(args.list("plan"), "step"))
	case "wait":
		if cell := args.text("cell_id"); cell != "" {
			for _, s := range c.scripts {
				if s.cell == cell && first(&c.items.calls, id) {
					c.waits.put(id, s)
					return
				}
			}
		}
	}
	c.items.callRaw(id, tool, given, out)
}

func (c *codexRollout) webSearch(id string, p object, out *output) {
	if c.mirrors(logWire, "search", codexQuery(p)) {
		return
	}
	c.items.callRaw(id, "web_search", p.value("action"), out)
	if status := p.text("status"); status == "completed" || status == "failed" {
		c.items.result(result{id: id, tool: "web_search", success: status == "completed"}, out)
	}
}

func (c *codexRollout) wireOutput(id string, raw json.RawMessage, out *output) {
	for _, s := range c.scripts {
		if waited, isWait := c.waits.get(id); s.call == id || isWait && waited == s {
			c.scriptOutput(s, raw, out)
			return
		}
	}
	r, runs := codexResult(raw)
	r.id = id
	if end, known := c.ends.get(id); known {
		r.success, r.took = end.success, cmp.Or(end.took, r.took)
		if end.coded {
			r.more = withCode(r.more, end.code)
		}
	}
	if _, isWait := c.waits.get(id); isWait {
		return // the script it waited for has ended
	}
	if runs && c.paginated {
		// Its item comes when it has ended.
		if len(c.running) == mostScripts {
			c.items.result(c.running[0], out)
			c.running = c.running[1:]
		}
		c.running = append(c.running, r)
		return
	}
	c.items.result(r, out)
}

// withCode adds an exit code, unless there is one.
func withCode(d data, code float64) data {
	if strings.Contains(string(d), `"exit_code":`) {
		return d
	}
	return d.number("exit_code", code)
}

// codexResult returns what a tool gave back, and whether it goes on running.
func codexResult(raw json.RawMessage) (r result, runs bool) {
	o := parseObject(raw)
	if o == nil {
		o = parseObject([]byte(textOf(raw)))
	}
	if o.has("output") || o.has("content") {
		text, parts := contentText(withoutImageTags(cmpRaw(o.value("output"), o.value("content"))))
		r = result{success: true, output: text, more: data(nil).raw("parts", parts)}
		if ok, told := o.truth("success"); told {
			r.success = ok
		}
		meta := o.object("metadata")
		if code, told := meta.number("exit_code"); told {
			r.success, r.more = code == 0, r.more.number("exit_code", code)
		}
		r.took = meta.amount("duration_seconds") * 1000
		return r, false
	}
	text, parts := contentText(withoutImageTags(raw))
	head := readHead(text)
	r = result{success: !isCodexRefusal(text), output: text, took: head.took, more: data(nil).raw("parts", parts)}
	if head.coded {
		r.success, r.more = head.code == 0, r.more.number("exit_code", head.code)
	}
	if head.size > 0 && !head.runs {
		r.output = text[head.size:]
	}
	return r, head.runs
}

// codexHead is what stands before the output of a command.
type codexHead struct {
	size  int // of the head, up to the output; 0 if there is none
	took  float64
	code  float64
	coded bool
	runs  bool
}

var headLine = regexp.MustCompile(`\A(Chunk ID|Wall time|Exit code|Process exited with code|Process running with session ID|Original token count|Total output lines|Output):? ?([^\n]*)(?:\n|\z)`)

func readHead(text string) (h codexHead) {
	for at := 0; ; {
		m := headLine.FindStringSubmatch(text[at:])
		if m == nil {
			return h
		}
		at += len(m[0])
		switch value := m[2]; m[1] {
		case "Wall time":
			seconds, err := strconv.ParseFloat(strings.TrimSuffix(value, " seconds"), 64)
			if err == nil {
				h.took = seconds * 1000
			}
		case "Exit code", "Process exited with code":
			code, err := strconv.Atoi(value)
			h.code, h.coded = float64(code), err == nil
		case "Process running with session ID":
			h.runs = true
		case "Output":
			if value == "" {
				h.size = at
			}
			return h
		}
	}
}

// isCodexRefusal reports whether a text, which is all that is known of a call's end,
// tells that it failed.
func isCodexRefusal(text string) bool {
	line := strings.ToLower(titleOf(text, 300))
	for _, start := range []string{
		"aborted", "unsupported call", "unsupported custom tool call", "apply_patch verification failed", "unable to ", "failed to ",
		"exec_command failed", "write_stdin failed", "execution error", "script failed", "tool call error", "command timed out", "err:", "error:",
	} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return strings.Contains(line, "rejected by user") || strings.HasPrefix(line, "wall time") && strings.Contains(text, "\naborted by user")
}

// withoutImageTags leaves out the tags that stand around images in a content.
func withoutImageTags(raw json.RawMessage) json.RawMessage {
	blocks := listOf(raw)
	if blocks == nil {
		return raw
	}
	kept := make([]json.RawMessage, 0, len(blocks))
	for _, block := range blocks {
		if !imageTag.MatchString(strings.TrimSpace(parseObject(block).text("text"))) {
			kept = append(kept, block)
		}
	}
	if len(kept) == 0 {
		return json.RawMessage("[]")
	}
	return partsOf(kept)
}
