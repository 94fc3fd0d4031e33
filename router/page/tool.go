package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// toolView is a tool call, and what its results say about it.
type toolView struct {
	Name     string
	Argument string // the one that tells what the call is about, in one line
	Path     bool   // it names files
	Edited   bool
	Changes  changes
	Command  *block
	Fields   []fieldView
	Diffs    []diffView
	Codes    []fieldView
	Steps    []Step // of a plan
	Asked    []asked
	Word     string // for the outcome, for those who do not see its mark
	Took     string
	Size     string
	Open     bool // unfolded: what failed must not hide, and images are to be seen
}

// diffView is one edit: its lines, or where they are when there are too many.
type diffView struct {
	File  string // "" if the call's summary names it
	Kind  string // in words, if the file was not there before, or is gone now
	path  string // as the call has it
	Lines []diffLine
	Cut   *cut
}

// resultView is what a tool gave back.
type resultView struct {
	Failed   bool
	Title    string
	Output   *block
	Pictures []pictureView
	Fields   []fieldView
	Took     string // as the tool itself says
	Size     string
}

// telling are the arguments that a reader wants to see, the first that is there.
var telling = []string{
	"command", "cmd", "pattern", "path", "file_path", "filePath", "notebook_path", "filename", "file",
	"query", "url", "subject", "description", "prompt", "message", "name", "title",
}

// contents are the arguments that may be the text of a file.
var contents = []string{"content", "contents", "file_text", "text", "code", "new_source"}

func (m *maker) toolCall() {
	r := m.row
	r.Template, r.Compact = "tool", true
	r.call, r.tool = m.data.text("call_id"), m.data.text("tool")
	r.Mark.Call, r.Mark.Tool = r.call, shorten(r.tool)
	r.Tool = &toolView{Name: toolName(r.tool)}
	r.setOutcome("open")

	raw := m.data.raw("args")
	args := parseFields(raw)
	name, argument := tellingArgument(args)
	edits := editsOf(args)
	if r.Tool.Path = slices.Contains(fileNames, name) || name == "pattern" || name == "query"; r.Tool.Path {
		r.Tool.Argument = firstLine(withRange(argument, name, args, m.view.cwd))
	} else {
		r.Tool.Argument = firstLine(argument)
	}
	if files := filesOf(edits, m.view.cwd); files != "" && (name == "" || patchIn(args) != "") {
		r.Tool.Argument, r.Tool.Path, name = files, true, ""
	} else if name == "" && len(args) > 0 {
		r.Tool.Argument = firstLine(membersInLine(args, raw))
	}
	left := args
	switch {
	case r.tool == changesStep:
		r.Tool.Argument = changeLine(args)
	case name == "command" || name == "cmd":
		r.Tool.Command = m.block("text command", argument, "/args/"+name, func(text string) template.HTML {
			return codeHTML(text, lexerOf("bash"), &m.watch)
		})
		left = left.without(name)
	case name != "" && len(argument) <= 80 && !strings.Contains(argument, "\n"):
		left = left.without(name) // the summary shows it whole
	}
	if len(edits) > 0 {
		left = left.without(editFields...)
		for _, e := range edits {
			d := m.diff(e)
			d.path = e.file
			if e.file != "" && (len(edits) > 1 || e.kind != "" && e.kind != "update") && e.file != argument {
				d.File, d.Kind = shorten(shortPath(e.file, m.view.cwd)), kindWords[e.kind]
			}
			r.Tool.Diffs = append(r.Tool.Diffs, d)
			r.Tool.Edited = r.Tool.Edited || e.size() > 0 // else the lines are not told
			if d.Cut != nil {
				break // the rest is there, too
			}
		}
	}
	if isPlanTool(r.tool) {
		if steps := stepsIn(args); steps != nil {
			r.Tool.Steps, r.Tool.Argument = steps, planLine(steps)
			left = left.without(planLists...)
		}
	}
	if r.Tool.Asked = questionsIn(args); r.Tool.Asked != nil {
		left = left.without("questions")
	}
	r.Tool.Codes, left = m.codes(left, args)
	r.Tool.Fields = m.fields(left, "/args")
	r.Fields = m.fields(m.data.without("tool", "args", "call_id"), "")
}

// toolName is a tool as people read it: one of an MCP server with the server's name. Claude
// Code calls it mcp__server__tool, Gemini CLI mcp_server_tool, Codex server.tool, Cline
// server/tool.
func toolName(tool string) string {
	tool = shorten(tool)
	whole, separator := tool, ""
	switch {
	case strings.HasPrefix(tool, "mcp__"):
		whole, separator = tool[len("mcp__"):], "__"
	case strings.HasPrefix(tool, "mcp_"):
		whole, separator = tool[len("mcp_"):], "_"
	case strings.Count(tool, ".") == 1:
		separator = "."
	case strings.Count(tool, "/") == 1:
		separator = "/"
	default:
		return tool
	}
	server, name, found := strings.Cut(whole, separator)
	if !found || server == "" || name == "" {
		return tool
	}
	return server + " · " + name
}

// withRange adds to what a call is about the lines that it reads, or where it looks.
func withRange(argument, name string, args fields, cwd string) string {
	if name == "pattern" || name == "query" {
		where, _ := args.str("path")
		if files, _ := either(args, "glob", "include"); files != "" {
			where = path.Join(where, files)
		}
		if where == "" || where == "." {
			return argument
		}
		return argument + " in " + shortPath(where, cwd)
	}
	argument = shortPath(argument, cwd)
	from, hasFrom := firstNumber(args, "offset", "start_line", "startLine", "line")
	to, hasTo := firstNumber(args, "end_line", "endLine")
	if n, ok := firstNumber(args, "limit"); ok && !hasTo {
		to, hasTo = max(from, 1)+n-1, true
	}
	switch {
	case hasTo:
		return fmt.Sprintf("%s:%.0f–%.0f", argument, max(from, 1), to)
	case hasFrom:
		return fmt.Sprintf("%s:%.0f", argument, from)
	}
	return argument
}

func firstNumber(args fields, names ...string) (float64, bool) {
	for _, name := range names {
		if n, ok := args.number(name); ok && n >= 0 && n < 1e9 {
			return n, true
		}
	}
	return 0, false
}

// filesOf names the files of edits in one line.
func filesOf(edits []edit, cwd string) string {
	var files []string
	for _, e := range edits {
		if file := shortPath(e.file, cwd); file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return firstLine(strings.Join(files, ", "))
}

// tellingArgument returns the name and the text of the argument that tells most.
func tellingArgument(args fields) (name, text string) {
	for _, name := range telling {
		if text, ok := args.str(name); ok && text != "" {
			return name, text
		}
		if words := elements(args.raw(name)); len(words) > 0 {
			texts := make([]string, len(words))
			for i, word := range words {
				texts[i] = textOf(word)
			}
			return name, strings.Join(texts, " ")
		}
	}
	if questions := questionsIn(args); questions != nil {
		return "questions", questions[0].Text
	}
	return "", ""
}

// membersInLine is an object in one line: as names and values if they are short, else as
// it is.
func membersInLine(args fields, raw json.RawMessage) string {
	var parts []string
	for _, f := range args {
		text := textOf(f.value)
		if len(parts) == 4 || len(text) > 40 || f.value[0] == '{' || f.value[0] == '[' {
			return string(raw)
		}
		parts = append(parts, f.name+" "+text)
	}
	return strings.Join(parts, " · ")
}

// elements returns the elements of a JSON array, nil for anything else.
func elements(raw json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	return all
}

// codes takes the texts of whole files out of the arguments, to show them as the
// language that the file's name tells.
func (m *maker) codes(left, args fields) (codes []fieldView, rest fields) {
	file, _ := either(args, "path", "file_path", "notebook_path", "filename", "file")
	if file == "" {
		return nil, left
	}
	for _, name := range contents {
		text, ok := left.str(name)
		if !ok || !strings.Contains(text, "\n") {
			continue
		}
		lexer := lexerOfFile(file)
		codes = append(codes, fieldView{
			Name: name + " · " + plural(lineCount(text), "line"),
			Long: m.block("text code", text, "/args/"+name, func(text string) template.HTML {
				return codeHTML(text, lexer, &m.watch)
			}),
		})
		left = left.without(name)
	}
	return codes, left
}

// mostDiffLines is how many lines of edits one call shows.
const mostDiffLines = 2000

func (m *maker) diff(e edit) diffView {
	tool := m.row.Tool
	if !m.space.endless {
		shown := len(tool.Diffs) // an edit has a price beside its lines
		for _, d := range tool.Diffs {
			shown += len(d.Lines)
		}
		if e.size() > max(m.space.left, shownAtLeast) || shown+e.lineCount() > mostDiffLines {
			args := m.data.raw("args")
			return diffView{Cut: m.cut(excerpt{omitted: e.size()}, string(args), "/args")}
		}
	}
	m.space.left -= e.size()
	lines := e.lines()
	tool.Changes.count(lines)
	return diffView{Lines: lines}
}

func (m *maker) toolResult() {
	r := m.row
	r.Template, r.Compact = "tool", true
	r.call, r.tool = m.data.text("call_id"), m.data.text("tool")
	r.Mark.Call, r.Mark.Tool = r.call, shorten(r.tool)
	outcome := "ok"
	if string(m.data.raw("success")) == "false" {
		outcome = "failed"
	}
	var pictures []pictureView
	left := m.pictures(&pictures)
	output := m.withoutPlaceholders(m.data.text("output"))
	res := &resultView{Failed: outcome == "failed", Size: byteSize(len(output)), Pictures: pictures}
	r.Mark.Size = strconv.Itoa(len(output))
	if ms, ok := m.data.number("duration_ms"); ok && ms >= 0 {
		r.Mark.MS = string(m.data.raw("duration_ms"))
		res.Took = took(milliseconds(ms))
	}
	switch {
	case output == "" && len(pictures) > 0:
		res.Title, res.Size = "Output · "+plural(len(pictures), "image"), ""
	case output == "":
		res.Title, res.Size = "No output", ""
	case looksLikeJSON(output):
		res.Output = m.json("text output json", []byte(output), "/output")
	default:
		res.Output = m.block("text output", output, "/output", terminalHTML)
	}
	if output != "" {
		res.Title = fmt.Sprintf("Output · %s, %s", plural(lineCount(output), "line"), res.Size)
	}
	res.Fields = m.fields(left.without("tool", "success", "output", "call_id", "duration_ms"), "")
	r.Result = res
	r.Tool = &toolView{Name: toolName(r.tool), Took: res.Took, Size: res.Size}
	r.setOutcome(outcome)
	r.Tool.Open = r.Tool.Open || len(pictures) > 0
}

// milliseconds is a duration that an agent told, within reason.
func milliseconds(ms float64) time.Duration {
	const most = 1e12
	return time.Duration(min(ms, most) * float64(time.Millisecond))
}

var outcomeMarks = map[string]string{"open": "running", "ok": "ok", "failed": "failed", "none": "no result", "later": "its result comes later"}

func (r *row) setOutcome(outcome string) {
	r.Mark.Outcome = outcome
	r.Tool.Word = outcomeMarks[outcome]
	r.Tool.Open = outcome == "failed"
	switch outcome {
	case "none":
		r.Tool.Took = "no result"
	case "later":
		r.Tool.Took = "goes on"
	}
}

// finish joins a result to its call.
func (r *row) finish(result *row) {
	r.Results = append(r.Results, result)
	r.setOutcome(result.Mark.Outcome)
	r.Tool.Open = r.Tool.Open || result.Tool.Open
	r.Tool.Size = result.Result.Size
	r.Tool.Took = result.Result.Took
	if r.Tool.Took == "" {
		r.Tool.Took = took(result.time.Sub(r.time))
	}
}
