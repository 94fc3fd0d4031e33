package transcript

import "bytes"

// Subagents finds which call started which subagent, where an agent keeps its
// subagents in files of their own, as Claude Code and Gemini CLI do. Give it the lines of all files
// of a run, in any order, and then convert each file with [Options.Parent]. The zero
// value is ready.
type Subagents struct {
	calls   map[string]string // by the agent's id of the subagent
	started recent[string]    // calls by the prompt that they gave
	prompts map[string]string // of subagents that no line has named the call of
}

// Line takes a line of one of the files. It may be any text.
func (s *Subagents) Line(text []byte) {
	// Most lines have neither, and long ones are costly to take apart.
	if !bytes.Contains(text, []byte(`"agentId"`)) && !bytes.Contains(text, []byte(`"prompt"`)) {
		return
	}
	o := parseObject(text)
	if o == nil {
		return
	}
	for agent, call := range claudeSubagents(o) {
		s.tell(agent, call)
	}
	s.gemini(o)
	for call, prompt := range promptsOf(o.object("message")) {
		s.started.put(prompt, call)
	}
	agent := o.text("agentId")
	if _, known := s.prompts[agent]; known || agent == "" || o.has("parentUuid") || o.text("type") != "user" {
		return
	}
	if s.prompts == nil {
		s.prompts = map[string]string{}
	}
	prompt, _ := contentText(o.object("message").value("content"))
	s.prompts[agent] = keyOf(prompt)
}

// Meta takes what the agent keeps beside the file of a subagent (agent-ID.meta.json),
// which names its call in newer versions.
func (s *Subagents) Meta(agent string, text []byte) {
	s.tell(agent, parseObject(text).text("toolUseId", "tool_use_id"))
}

func (s *Subagents) tell(agent, call string) {
	if agent == "" || call == "" || s.calls[agent] != "" {
		return // a subagent that is resumed keeps the call that started it
	}
	if s.calls == nil {
		s.calls = map[string]string{}
	}
	s.calls[agent] = call
}

// gemini takes a line of Gemini CLI's, which names the subagents of calls once these
// have ended.
func (s *Subagents) gemini(o object) {
	for _, raw := range o.list("toolCalls") {
		c := parseObject(raw)
		s.tell(c.text("agentId"), c.text("id"))
	}
	for _, state := range []object{o, o.object("$set")} {
		for _, raw := range state.list("messages") {
			if m := parseObject(raw); m.has("toolCalls") {
				s.gemini(m)
			}
		}
	}
}

// Call returns the id of the call that started a subagent. If nothing tells it, it is
// the subagent's own id, so that what it did stays together.
func (s *Subagents) Call(agent string) string {
	if call, known := s.Called(agent); known {
		return call
	}
	return agent
}

// Called is [Subagents.Call], but reports whether anything tells the call.
func (s *Subagents) Called(agent string) (call string, known bool) {
	if call := s.calls[agent]; call != "" {
		return call, true
	}
	return s.started.get(s.prompts[agent])
}

// promptsOf yields the calls of a message that give a prompt.
func promptsOf(message object) func(yield func(call, prompt string) bool) {
	return func(yield func(call, prompt string) bool) {
		if !bytes.Contains(message.value("content"), []byte(`"prompt"`)) {
			return
		}
		for _, raw := range message.list("content") {
			block := parseObject(raw)
			if block.text("type") != "tool_use" {
				continue
			}
			if prompt := block.object("input").text("prompt"); prompt != "" && !yield(block.text("id"), prompt) {
				return
			}
		}
	}
}

// claudeSubagents yields the subagents whose calls a line of Claude Code's files
// names: the result of a call, or what the subagent does in the caller's file.
func claudeSubagents(o object) func(yield func(agent, call string) bool) {
	return func(yield func(agent, call string) bool) {
		if agent := o.object("data").text("agentId"); agent != "" && o.text("type") == "progress" {
			if !yield(agent, o.text("parentToolUseID")) {
				return
			}
		}
		if !bytes.Contains(o.value("toolUseResult"), []byte(`"agentId"`)) {
			return // it may be long
		}
		agent := o.object("toolUseResult").text("agentId")
		if agent == "" {
			return
		}
		for _, raw := range o.object("message").list("content") {
			if block := parseObject(raw); block.text("type") == "tool_result" {
				yield(agent, block.text("tool_use_id"))
				return
			}
		}
	}
}
