package transcript

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"jrweb/eventlog"
)

// promptUsage makes the usage of counts in the way of Google's API: the prompt is
// with what was cached of it, and thoughts come beside the candidates. Adapters of
// other APIs count thoughts twice, which the total gives away.
func promptUsage(prompt, cached, tool, candidates, thoughts, total float64) usage {
	if prompt+tool+candidates+thoughts <= total {
		candidates += thoughts
	}
	return usage{input: max(0, prompt-cached) + tool, output: candidates, cacheRead: cached}
}

// googleParts are the parts of a message, in the shape of Google's API, which
// Gemini CLI and Qwen Code keep on disk.
type googleParts struct {
	thought, text string
	images        json.RawMessage // and other parts that are not text, nil for none
	calls         []object
	responses     []object
}

// partsOfGoogle takes the content of a message: a string, a part, or a list of them.
func partsOfGoogle(raw json.RawMessage) googleParts {
	var p googleParts
	if isObject(raw) {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	var thoughts []string
	var rest []json.RawMessage
	blocks := listOf(raw)
	for _, block := range blocks {
		part := parseObject(block)
		switch {
		case part.isTrue("thought"):
			thoughts = append(thoughts, part.text("text"))
		case part.object("functionCall") != nil:
			p.calls = append(p.calls, part.object("functionCall"))
		case part.object("functionResponse") != nil:
			p.responses = append(p.responses, part.object("functionResponse"))
		default:
			rest = append(rest, block)
		}
	}
	p.thought = strings.Join(thoughts, "\n")
	if blocks == nil {
		p.text, p.images = contentText(raw)
	} else if len(rest) > 0 {
		p.text, p.images = contentText(partsOf(rest))
	}
	return p
}

// responseText returns what a tool gave back: {output}, {error}, or any other object.
func responseText(response object) (text string, parts json.RawMessage) {
	answer := response.object("response")
	text = cmp.Or(answer.text("output", "error", "content"), answer.object("error").text("message"))
	if text == "" && len(answer) > 0 {
		text = string(response.value("response"))
	}
	if more := response.list("parts"); len(more) > 0 {
		_, parts = contentText(response.value("parts"))
	}
	return text, parts
}

// exitCodeOf returns the exit code that stands in the text that a tool tells the
// model of a command. Behind the output, which may be anything, come lines with a
// name: the exit code, the signal and the like.
func exitCodeOf(text string) (code float64, told bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "<untrusted_context>")
	text = strings.TrimSpace(strings.TrimSuffix(text, "</untrusted_context>"))
	if !strings.HasPrefix(text, "Output: ") && !strings.HasPrefix(text, "Command: ") {
		return 0, false // of another tool: what a file says is not a result
	}
	for rest := text; rest != ""; {
		line := rest
		if i := strings.LastIndexByte(rest, '\n'); i >= 0 {
			rest, line = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Exit Code":
			n, err := strconv.Atoi(value)
			return float64(n), err == nil
		case "Error", "Signal", "Background PIDs", "Process Group PGID":
		default:
			return 0, false
		}
	}
	return 0, false
}

// withExitCode adds an exit code to a result. A command that ends with another one
// than 0 has failed, whatever else is said of it.
func (r result) withExitCode(code float64, told bool) result {
	if told {
		r.success = r.success && code == 0
		r.more = r.more.number("exit_code", code)
	}
	return r
}

// saysParts tells what the agent says in a message.
func (out *output) saysParts(p googleParts) {
	out.says(eventlog.TypeThought, p.thought)
	if len(p.images) == 0 {
		out.says(eventlog.TypeAssistant, p.text)
		return
	}
	out.spoke()
	out.add(eventlog.TypeAssistant, "", data(nil).text("content", p.text).raw("parts", p.images))
}
