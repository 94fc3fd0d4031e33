package steer

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"jrweb/eventlog/transcript"
)

// claude is Claude Code with --input-format stream-json, and what speaks like it. A
// message is read while it works. It ends when its input does and it has nothing to do.
type claude struct {
	prompts
	json bool // our own input is what Claude Code reads
	any  bool // something was said to it
	busy bool // something was said since the last result
	// unread are the events that it has not taken note of, by their uuid, and replays says
	// that it tells when it has.
	unread  map[string]uint64
	replays bool
	asked   map[string]*claudeRequest
}

// claudeRequest is a question of Claude Code's: it waits for one answer to each part.
type claudeRequest struct {
	id          string
	input       json.RawMessage
	suggestions json.RawMessage
	questions   []string // of the tool AskUserQuestion
	answers     map[string]string
}

func newClaude(typed bool) *claude {
	return &claude{prompts: prompts{typed: typed}, unread: map[string]uint64{}, asked: map[string]*claudeRequest{}}
}

func (*claude) Asks() bool { return true }

func (*claude) Format() transcript.Format { return transcript.Auto } // Qwen Code speaks like it

func (c *claude) Begin() Does { return Does{} }

func (c *claude) Input(line []byte) Does {
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) && len(c.text) == 0 {
		c.json = true
	}
	if c.json {
		c.any, c.busy = true, true
		return Does{Write: []Parcel{{Bytes: line}}}
	}
	if text := c.line(line); text != "" {
		return c.Say(Message{Text: text})
	}
	return Does{}
}

func (c *claude) InputEnded() Does {
	if text := c.end(); text != "" {
		return c.Say(Message{Text: text})
	}
	return c.idle(Does{})
}

func (c *claude) Say(m Message) Does {
	id := newUUID()
	c.any, c.busy = true, true
	if m.Sequence != 0 {
		c.unread[id] = m.Sequence
	}
	return Does{Write: []Parcel{{Of: m.Sequence, Bytes: jsonLine(map[string]any{
		"type": "user", "uuid": id, "parent_tool_use_id": nil,
		"message": map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": m.Text}}},
	})}}}
}

// idle closes the input when nothing is to be done, and nobody else says anything.
func (c *claude) idle(d Does) Does {
	d.Close = c.ended && c.any && !c.busy && (!c.replays || len(c.unread) == 0)
	return d
}

func (c *claude) Hear(line []byte) Does {
	var o struct {
		Type        string `json:"type"`
		UUID        string `json:"uuid"`
		IsReplay    bool   `json:"isReplay"`
		CommandUUID string `json:"command_uuid"`
		State       string `json:"state"`
		RequestID   string `json:"request_id"`
		Request     struct {
			Subtype     string          `json:"subtype"`
			Tool        string          `json:"tool_name"`
			Input       json.RawMessage `json:"input"`
			Description string          `json:"description"`
			Suggestions json.RawMessage `json:"permission_suggestions"`
			Call        string          `json:"tool_use_id"`
		} `json:"request"`
	}
	if json.Unmarshal(line, &o) != nil {
		return Does{}
	}
	switch {
	case o.Type == "user" && o.IsReplay:
		c.replays = true
		d := c.read(o.UUID)
		d.Hide = len(d.Read) > 0 // it is an event already
		return d
	case o.Type == "command_lifecycle": // which says nothing that is not told elsewhere
		d := Does{}
		if o.State == "completed" {
			d = c.read(o.CommandUUID)
		}
		d.Hide = true
		return d
	case o.Type == "result":
		c.busy = false
		return c.idle(Does{})
	case o.Type == "control_cancel_request":
		for id, request := range c.asked {
			if request.id == o.RequestID {
				delete(c.asked, id)
			}
		}
	case o.Type == "control_request" && o.Request.Subtype == "can_use_tool":
		r := &claudeRequest{id: o.RequestID, input: o.Request.Input, suggestions: o.Request.Suggestions, answers: map[string]string{}}
		if o.Request.Tool == "AskUserQuestion" {
			return c.askUser(r, o.Request.Call)
		}
		return c.askPermission(r, o.Request.Tool, o.Request.Description, o.Request.Call)
	}
	return Does{}
}

func (c *claude) read(uuid string) Does {
	sequence, unread := c.unread[uuid]
	if !unread {
		return Does{}
	}
	delete(c.unread, uuid)
	return c.idle(Does{Read: []uint64{sequence}})
}

func (c *claude) askPermission(r *claudeRequest, tool, description, call string) Does {
	c.asked[r.id] = r
	options := []Option{{"allow", "Allow once"}}
	if len(r.suggestions) > 2 { // neither null nor empty
		options = append(options, Option{"always", "Allow from now on"})
	}
	options = append(options, Option{"deny", "Deny"})
	content := "May I use " + tool + "?"
	if description != "" {
		content += " " + description
	}
	return Does{Hide: true, Asks: []Question{{
		ID: r.id, Content: content + "\n\n" + fenced(r.input), Options: options, Other: "Deny, and say why", Call: call,
	}}}
}

// askUser asks what the agent asks, one question after the other.
func (c *claude) askUser(r *claudeRequest, call string) Does {
	var input struct {
		Questions []struct {
			Question string `json:"question"`
			Options  []struct {
				Label       string `json:"label"`
				Description string `json:"description"`
			} `json:"options"`
		} `json:"questions"`
	}
	if json.Unmarshal(r.input, &input) != nil || len(input.Questions) == 0 {
		return c.askPermission(r, "AskUserQuestion", "", call)
	}
	d := Does{Hide: true}
	for i, q := range input.Questions {
		id := fmt.Sprintf("%s/%d", r.id, i)
		c.asked[id] = r
		r.questions = append(r.questions, q.Question)
		var options []Option
		for _, o := range q.Options {
			label := o.Label
			if o.Description != "" {
				label += ": " + o.Description
			}
			options = append(options, Option{o.Label, label})
		}
		d.Asks = append(d.Asks, Question{ID: id, Content: q.Question, Options: options, Other: "Another answer", Call: call})
	}
	return d
}

func (c *claude) Answer(question string, m Message) Does {
	r := c.asked[question]
	if r == nil {
		return Does{}
	}
	delete(c.asked, question)
	if r.questions == nil {
		return c.respond(r, permission(r, m.Text), m)
	}
	_, number, _ := strings.Cut(question, "/")
	for i, asked := range r.questions {
		if number == fmt.Sprint(i) {
			r.answers[asked] = m.Text
		}
	}
	if len(r.answers) < len(slices.Compact(slices.Sorted(slices.Values(r.questions)))) {
		return Does{Write: []Parcel{{Of: m.Sequence}}} // it is kept until all are there
	}
	var input map[string]any
	if json.Unmarshal(r.input, &input) != nil {
		return Does{}
	}
	input["answers"] = r.answers
	return c.respond(r, map[string]any{"behavior": "allow", "updatedInput": input}, m)
}

// permission is the answer to a question for permission. An answer that is not one of the
// options is said to the agent as the reason why not.
func permission(r *claudeRequest, value string) map[string]any {
	switch value {
	case "allow":
		return map[string]any{"behavior": "allow", "updatedInput": r.input}
	case "always":
		return map[string]any{"behavior": "allow", "updatedInput": r.input, "updatedPermissions": r.suggestions}
	case "deny":
		return map[string]any{"behavior": "deny", "message": "A person has denied it."}
	}
	return map[string]any{"behavior": "deny", "message": value}
}

func (c *claude) respond(r *claudeRequest, response map[string]any, m Message) Does {
	return Does{Write: []Parcel{{Of: m.Sequence, Bytes: jsonLine(map[string]any{
		"type": "control_response", "response": map[string]any{"subtype": "success", "request_id": r.id, "response": response},
	})}}}
}

func (c *claude) Next(int) ([]string, []uint64) { return nil, nil }

// jsonLine is a value that is always JSON, in a line.
func jsonLine(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		panic("steer: " + err.Error())
	}
	return append(line, '\n')
}

// fenced shows JSON as code.
func fenced(text json.RawMessage) string {
	var indented bytes.Buffer
	if json.Indent(&indented, text, "", "  ") != nil {
		return ""
	}
	return fence("json", indented.String())
}

// fence is text as a block of Markdown that nothing in it can end: what an agent wants to
// do never looks like what it says of it.
func fence(language, text string) string {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	return marks + language + "\n" + text + "\n" + marks
}

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
