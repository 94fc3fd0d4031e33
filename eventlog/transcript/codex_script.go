package transcript

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// codexScript is a call of Codex's exec tool: a program that calls other tools. What
// the tools did is told by items of their own, and then the script is only the frame
// around them. It waits here until it is known whether there are any.
type codexScript struct {
	call, input string
	at          time.Time
	cell        string // the name it runs on under, when it goes on in the background
	items       int
	lines       map[string]struct{} // what the items told as output
	views       []result            // images that were viewed: their bytes come with the output
	aborted     string              // what was said when it was broken off
}

// mostScripts bounds the scripts that wait. They end one by one.
const mostScripts = 100

// mostScriptLines bounds what is remembered of their output.
const mostScriptLines = 2000

// script takes the call of a script.
func (c *codexRollout) script(id, input string, out *output) {
	if !first(&c.items.calls, id) {
		return
	}
	if len(c.scripts) == mostScripts {
		c.endScript(c.scripts[0], out)
	}
	c.scripts = append(c.scripts, &codexScript{call: id, input: input, at: out.at, lines: map[string]struct{}{}})
	out.opened(id)
}

// scriptOf returns the script that an item is of, nil if the model called the tool
// itself: the script that the item began under, one that spells what it did, or else
// the one that began last.
func (c *codexRollout) scriptOf(item object) *codexScript {
	if s, known := c.scripted.get(item.text("id")); known && slices.Contains(c.scripts, s) {
		return s
	}
	if len(c.scripts) == 0 || c.items.told(item.text("id")) {
		return nil
	}
	if words := stringsOf(item.list("command")); len(words) > 0 {
		spelled := strings.Trim(string(quote(words[len(words)-1])), `"`)
		for _, s := range c.scripts {
			if strings.Contains(s.input, spelled) {
				return s
			}
		}
	}
	return c.scripts[len(c.scripts)-1]
}

// scriptItem tells an item of a script.
func (c *codexRollout) scriptItem(s *codexScript, p, item object, done bool, out *output) bool {
	id := item.text("id")
	if !c.items.told(id) {
		if !c.itemCall(p, item, out) {
			return false
		}
		s.items++
		c.scripted.put(id, s)
	}
	if !done {
		return true
	}
	if codexKind(item) == "imageview" {
		s.views = append(s.views, result{id: id, tool: "view_image", success: true})
		return true
	}
	for line := range strings.Lines(item.text("aggregated_output", "stdout", "formatted_output") + "\n" + item.text("stderr")) {
		if len(s.lines) < mostScriptLines {
			s.lines[keyOf(strings.TrimSpace(line))] = struct{}{}
		}
	}
	c.items.tool(id, item, true, out)
	if s.aborted != "" {
		c.endScript(s, out)
	}
	return true
}

var scriptHead = regexp.MustCompile(`\A(Script (?:completed|failed|terminated|running with cell ID (\S+)))[^\n]*(?:\n|\z)(?:Wall time[^\n]*(?:\n|\z))?(?:Output:[^\n]*(?:\n|\z))?\n?`)

// scriptOutput takes what came back from a script, or from waiting for one.
func (c *codexRollout) scriptOutput(s *codexScript, raw json.RawMessage, out *output) {
	text, parts := contentText(withoutImageTags(raw))
	m := scriptHead.FindStringSubmatch(text)
	if m == nil {
		if s.items == 0 && strings.HasPrefix(text, "aborted") {
			// What it was at may still come.
			s.aborted = text
			return
		}
		c.finishScript(s, !isCodexRefusal(text), text, parts, out)
		return
	}
	rest := strings.TrimPrefix(text[len(m[0]):], "Script error:\n")
	if m[2] != "" {
		s.cell = m[2]
		c.scriptPrinted(s, rest, parts, out)
		return
	}
	c.finishScript(s, m[1] == "Script completed", rest, parts, out)
}

// finishScript tells what the items of a script did not: its failure, what it printed
// besides, or all of it if there were no items.
func (c *codexRollout) finishScript(s *codexScript, success bool, text string, parts json.RawMessage, out *output) {
	images := listOf(parts)
	for i, view := range s.views {
		if i < len(images) {
			view.output, view.more = "[image]", data(nil).raw("parts", partsOf(images[i:i+1]))
		}
		c.items.result(view, out)
	}
	images = images[min(len(images), len(s.views)):]
	s.views = nil
	switch {
	case s.items == 0 || !success:
		c.tellScript(s, out)
		r := printedBy(text, success)
		r.id, r.more = s.call, r.more.raw("parts", partsOf(images))
		c.items.result(r, out)
	default:
		c.scriptPrinted(s, text, partsOf(images), out)
	}
	c.dropScript(s, out)
}

// scriptPrinted tells what a script printed that no item has told.
func (c *codexRollout) scriptPrinted(s *codexScript, text string, parts json.RawMessage, out *output) {
	text = s.unknown(text)
	if text == "" && len(parts) == 0 || s.items == 0 {
		return
	}
	out.note(eventlog.TypeStatus, "The script printed:\n"+text, data(nil).raw("parts", parts))
}

// unknown returns the text without the lines that items told.
func (s *codexScript) unknown(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if _, told := s.lines[keyOf(line)]; told || line == "" || line == "[image]" || isToolJSON(line) || strings.Contains(line, "truncated") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// isToolJSON reports whether a line is what a tool gave back to the script.
func isToolJSON(line string) bool {
	o := parseObject([]byte(line))
	return o != nil && (len(o) == 0 || o.has("exit_code") || o.has("chunk_id") || o.has("wall_time_seconds") || o.has("content") || o.has("image_url"))
}

// printedBy makes the result of a script without items. Older files do not tell what a
// script's commands did, but the script may have printed what they gave back.
func printedBy(text string, success bool) result {
	r := result{success: success, output: text}
	var commands []object
	for line := range strings.Lines(text) {
		if o := parseObject([]byte(strings.TrimSpace(line))); o.has("exit_code") && o.has("output") {
			commands = append(commands, o)
		}
	}
	for _, o := range commands {
		code, _ := o.number("exit_code")
		r.success = r.success && code == 0
		if len(commands) == 1 && strings.TrimSpace(text)[0] == '{' && parseObject([]byte(text)) != nil {
			r.output, r.took, r.more = o.text("output"), o.amount("wall_time_seconds")*1000, data(nil).number("exit_code", code)
		}
	}
	return r
}

// tellScript tells the call of a script, as the call of the only tool that it names if
// that can be read.
func (c *codexRollout) tellScript(s *codexScript, out *output) {
	defer func(at time.Time) { out.at = at }(out.at)
	if !s.at.IsZero() {
		out.at = s.at
	}
	tool, args := scriptCall(s.input)
	out.call(s.call, tool, args)
}

// endScript tells what is left of a script of which nothing more is heard.
func (c *codexRollout) endScript(s *codexScript, out *output) {
	for _, view := range s.views {
		c.items.result(view, out)
	}
	if s.items == 0 {
		c.tellScript(s, out)
		if s.aborted != "" {
			c.items.result(result{id: s.call, output: s.aborted}, out)
		}
	}
	c.dropScript(s, out)
}

func (c *codexRollout) dropScript(s *codexScript, out *output) {
	c.scripts = slices.DeleteFunc(c.scripts, func(one *codexScript) bool { return one == s })
	s.lines = nil
	if s.items > 0 {
		out.closed(s.call)
	}
}

var toolOfScript = regexp.MustCompile(`\btools\.([A-Za-z_]\w*)\(`)

// scriptCall returns the tool that a script calls, with its arguments, if there is
// only one and they are written out. Else it is the script that was called.
func scriptCall(input string) (tool string, args json.RawMessage) {
	whole := data(nil).text("input", input).object()
	calls := toolOfScript.FindAllStringSubmatchIndex(input, 2)
	if len(calls) != 1 {
		return "exec", whole
	}
	tool = codexTool("", input[calls[0][2]:calls[0][3]])
	if value, ok := literal(input[calls[0][1]:]); ok {
		return tool, codexArgs(tool, value)
	}
	return tool, whole
}

// codexTool names a tool as exec --json does: all that run commands are the shell, and
// one of an MCP server is server.tool.
func codexTool(namespace, name string) string {
	switch name {
	case "exec_command", "shell_command", "container.exec", "local_shell":
		return "shell"
	}
	if rest, isMCP := strings.CutPrefix(namespace+"__"+name, "mcp__"); isMCP && namespace != "" {
		return strings.Replace(rest, "__", ".", 1)
	}
	if rest, isMCP := strings.CutPrefix(name, "mcp__"); isMCP && strings.Contains(rest, "__") {
		return strings.Replace(rest, "__", ".", 1)
	}
	return name
}

// codexArgs gives the command that the shell is to run the name that it has elsewhere.
func codexArgs(tool string, args json.RawMessage) json.RawMessage {
	args = argsOf(args)
	o := parseObject(args)
	if tool != "shell" || !o.has("cmd") || o.has("command") {
		return args
	}
	d := data(nil).raw("command", o.value("cmd"))
	for _, f := range o.sorted() {
		if name := quote(string(f.name)); string(f.name) != "cmd" {
			d = d.raw(string(name[1:len(name)-1]), f.value)
		}
	}
	return d.object()
}

// literal reads the value at the beginning of JavaScript as JSON: names may stand
// without quotes, and strings in quotes of any kind. What is not a literal is not read.
func literal(script string) (json.RawMessage, bool) {
	var b []byte
	var depth int
	i := 0
	for i < len(script) {
		switch ch := script[i]; {
		case ch == '"' || ch == '\'' || ch == '`':
			text, end, ok := jsString(script[i:])
			if !ok {
				return nil, false
			}
			b = append(b, quote(text)...)
			i += end
		case ch == '{' || ch == '[':
			depth++
			b = append(b, ch)
			i++
		case ch == '}' || ch == ']':
			depth--
			if n := len(b); n > 0 && b[n-1] == ',' {
				b = b[:n-1]
			}
			b = append(b, ch)
			i++
		case ch == ',' || ch == ':':
			b = append(b, ch)
			i++
		case isSpace(ch):
			i++
			continue
		default:
			end := i
			for end < len(script) && !strings.ContainsRune(" \t\r\n,:{}[]()\"'`", rune(script[end])) {
				end++
			}
			word := script[i:end]
			if end == i {
				return nil, false
			}
			if strings.HasPrefix(strings.TrimLeft(script[end:], " \t\r\n"), ":") {
				b = append(b, quote(word)...)
			} else {
				b = append(b, word...)
			}
			i = end
		}
		if depth == 0 {
			break
		}
	}
	rest := strings.TrimLeft(script[i:], " \t\r\n")
	return b, len(b) > 0 && json.Valid(b) && (strings.HasPrefix(rest, ")") || strings.HasPrefix(rest, ","))
}

// jsString reads a string of JavaScript, and returns where it ends.
func jsString(script string) (text string, end int, ok bool) {
	var b strings.Builder
	mark := script[0]
	for i := 1; i < len(script); i++ {
		switch ch := script[i]; {
		case ch == mark:
			return b.String(), i + 1, true
		case ch == '$' && mark == '`' && strings.HasPrefix(script[i:], "${"):
			return "", 0, false
		case ch != '\\' || i+1 == len(script):
			b.WriteByte(ch)
		default:
			i++
			switch escaped := script[i]; escaped {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case 'u', 'x', 'b', 'f', 'v', '0':
				n, decoded := jsEscape(script[i-1:])
				if n == 0 {
					return "", 0, false
				}
				b.WriteString(decoded)
				i += n - 2
			default:
				b.WriteByte(escaped)
			}
		}
	}
	return "", 0, false
}

// jsEscape reads an escape that JSON knows, too, and returns its length.
func jsEscape(script string) (n int, decoded string) {
	n = 2
	if script[1] == 'u' {
		n = 6
		if len(script) >= 12 && (script[2] == 'd' || script[2] == 'D') && script[6] == '\\' {
			n = 12 // a pair
		}
	}
	if len(script) < n || json.Unmarshal([]byte(`"`+script[:n]+`"`), &decoded) != nil {
		return 0, ""
	}
	return n, decoded
}
