package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// codexItems tells the items of a thread: commands, changes of files and whatever else
// Codex did. Three of its outputs have them, each with a spelling of its own:
// exec --json (command_execution), the files of paginated threads (CommandExecution)
// and the app server (commandExecution).
type codexItems struct {
	calls   recent[struct{}] // whose call was told, by id
	results recent[struct{}] // and whose result
	todo    string
}

// codexKind is the type of an item in one spelling for all.
func codexKind(item object) string {
	return strings.ToLower(strings.ReplaceAll(item.text("type"), "_", ""))
}

// snake spells a word of several, inProgress or in_progress, in one way.
func snake(word string) string {
	var b strings.Builder
	for i, r := range word {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// tool tells an item that is the use of a tool. It returns false, and tells nothing,
// for any other item.
func (c *codexItems) tool(id string, item object, done bool, out *output) bool {
	r := result{id: id, success: snake(item.text("status")) == "completed", took: codexDuration(item)}
	switch codexKind(item) {
	case "commandexecution":
		r.tool = "shell"
		c.call(id, r.tool, codexCommand(item), out)
		r = codexCommandResult(r, item)
	case "filechange":
		r.tool = "apply_patch"
		c.call(id, r.tool, codexPatch(item), out)
		r.output = cmp.Or(item.text("stderr"), item.text("stdout"), codexChanges(item))
		r.more = data(nil).some("status", snake(item.text("status")))
	case "mcptoolcall":
		r.tool = strings.Trim(item.text("server")+"."+item.text("tool"), ".")
		c.callRaw(id, r.tool, argsOf(item.value("arguments")), out)
		r = codexMCPResult(r, item)
	case "dynamictoolcall":
		r.tool = strings.Trim(item.text("namespace")+"."+item.text("tool"), ".")
		c.callRaw(id, r.tool, argsOf(item.value("arguments")), out)
		text, parts := contentText(cmpRaw(item.value("content_items"), item.value("contentItems")))
		r.output, r.more = cmp.Or(text, codexFailure(item)), data(nil).raw("parts", parts)
		if ok, told := item.truth("success"); told {
			r.success = ok
		}
	case "websearch":
		r.tool, r.success = "web_search", snake(item.text("status")) != "failed"
		if query := codexQuery(item); query != "" || done { // it may start without
			c.call(id, r.tool, data(nil).text("query", query).raw("action", item.value("action")), out)
		}
	case "imageview":
		r.tool, r.success = "view_image", true
		c.call(id, r.tool, data(nil).text("path", filePath(item.text("path"))), out)
	case "imagegeneration":
		r.tool, r.success = "image_generation", snake(item.text("status")) != "failed"
		c.call(id, r.tool, data(nil).some("prompt", cmp.Or(item.text("revised_prompt", "revisedPrompt"))), out)
		r = codexImageResult(r, item)
	case "collabtoolcall", "collabagenttoolcall":
		r.tool = cmp.Or(snake(item.text("tool")), "collab")
		agents := cmpRaw(item.value("receiver_thread_ids"), item.value("receiverThreadIds"))
		c.call(id, r.tool, data(nil).some("prompt", item.text("prompt")).raw("agents", agents), out)
		r.output = string(cmpRaw(item.value("agents_states"), item.value("agentsStates")))
	case "sleep":
		r.tool, r.success = "sleep", true
		c.call(id, r.tool, data(nil).number("duration_ms", item.amount("duration_ms", "durationMs")), out)
	default:
		return false
	}
	if done {
		c.result(r, out)
	}
	return true
}

// call tells a call once, whether its item was seen to start or not.
func (c *codexItems) call(id, tool string, args data, out *output) {
	c.callRaw(id, tool, args.object(), out)
}

func (c *codexItems) callRaw(id, tool string, args json.RawMessage, out *output) {
	if first(&c.calls, id) {
		out.call(id, tool, args)
	}
}

func (c *codexItems) result(r result, out *output) {
	if !first(&c.results, r.id) {
		return
	}
	if name, known := out.tools.get(r.id); known && r.id != "" {
		r.tool = name // as its call was told
	}
	out.result(r)
}

// told reports whether a call was told, by whatever line.
func (c *codexItems) told(id string) bool {
	_, told := c.calls.get(id)
	return told && id != ""
}

// note tells the items that are neither the use of a tool nor a message. Like tool, it
// returns false for others.
func (c *codexItems) note(item object, done bool, out *output) bool {
	switch codexKind(item) {
	case "error":
		if done {
			out.error(codexError(item.text("message")), "")
		}
	case "todolist":
		c.todoList(codexTodo(item.list("items"), "text"), out)
	case "subagentactivity":
		if done {
			who := cmp.Or(item.text("agent_path", "agentPath"), item.text("agent_thread_id", "agentThreadId"))
			out.note(eventlog.TypeStatus, "Subagent "+who+": "+cmp.Or(snake(item.text("kind")), "at work"),
				data(nil).some("agent_thread_id", item.text("agent_thread_id", "agentThreadId")))
		}
	case "enteredreviewmode":
		if done {
			out.status(strings.TrimSpace("Review: " + codexHint(item)))
		}
	default:
		return false
	}
	return true
}

// todoList tells the plan whenever it changes.
func (c *codexItems) todoList(text string, out *output) {
	if text != c.todo && text != "" {
		c.todo = text
		out.status("Plan:" + text)
	}
}

// codexTodo writes a list of things to do, whose texts have the given name.
func codexTodo(entries []json.RawMessage, name string) string {
	var b strings.Builder
	for _, raw := range entries {
		entry, mark := parseObject(raw), "[ ] "
		switch snake(entry.text("status")) {
		case "completed":
			mark = "[x] "
		case "in_progress":
			mark = "[~] "
		}
		if entry.isTrue("completed") {
			mark = "[x] "
		}
		b.WriteString("\n" + mark + entry.text(name))
	}
	return b.String()
}

// codexDuration returns milliseconds, 0 if the item does not tell.
func codexDuration(item object) float64 {
	if d := item.object("duration"); d != nil {
		return d.amount("secs")*1000 + d.amount("nanos")/1e6
	}
	return item.amount("duration_ms", "durationMs")
}

// codexCommand returns the arguments of a command. A shell that only runs it is left out.
func codexCommand(item object) data {
	command := item.text("command")
	if command == "" {
		command = shellCommand(stringsOf(item.list("command")))
	}
	return data(nil).text("command", command).some("cwd", filePath(item.text("cwd")))
}

// shellCommand returns the command that words are.
func shellCommand(words []string) string {
	if len(words) == 3 && (words[1] == "-lc" || words[1] == "-c" || strings.EqualFold(words[1], "-command")) {
		return words[2]
	}
	return strings.Join(words, " ")
}

func stringsOf(list []json.RawMessage) []string {
	var words []string
	for _, raw := range list {
		words = append(words, textOf(raw))
	}
	return words
}

// filePath returns the path that a file URL names, and any other path as it is.
func filePath(path string) string { return strings.TrimPrefix(path, "file://") }

func codexCommandResult(r result, item object) result {
	code, known := item.number("exit_code")
	if !known {
		code, known = item.number("exitCode")
	}
	r.output = item.text("aggregated_output", "aggregatedOutput", "formatted_output")
	if r.output == "" {
		r.output = item.text("stdout") + item.text("stderr")
	}
	r.success = r.success && known && code == 0
	r.more = data(nil).some("status", snake(item.text("status")))
	if known {
		r.more = r.more.number("exit_code", code)
	}
	return r
}

// codexFile is what happened to a file.
type codexFile struct {
	path, kind, to, diff string
}

// codexFiles returns the changes of an item: a list, or an object by path.
func codexFiles(item object) []codexFile {
	var files []codexFile
	for _, raw := range item.list("changes") {
		change := parseObject(raw)
		files = append(files, codexFile{
			path: change.text("path"), kind: cmp.Or(change.text("kind"), change.object("kind").text("type")),
			to: change.object("kind").text("move_path", "movePath"), diff: change.text("diff", "unified_diff"),
		})
	}
	for _, of := range item.object("changes").sorted() {
		change := parseObject(of.value)
		f := codexFile{path: string(of.name), kind: change.text("type"), to: change.text("move_path"), diff: change.text("unified_diff")}
		switch f.kind {
		case "add":
			f.diff = prefixed("+", change.text("content"))
		case "delete":
			f.diff = prefixed("-", change.text("content"))
		}
		files = append(files, f)
	}
	return files
}

// prefixed puts a mark before each line.
func prefixed(mark, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(mark + line)
	}
	return b.String()
}

// codexPatch returns the arguments of a change of files: what the item says, and in
// rollouts, where that is an object by path, a patch as people read it.
func codexPatch(item object) data {
	if item.hasList("changes") {
		return data(nil).raw("changes", item.value("changes"))
	}
	var changes []json.RawMessage
	var patch strings.Builder
	for _, f := range codexFiles(item) {
		changes = append(changes, data(nil).text("path", f.path).text("kind", f.kind).some("move_path", f.to).object())
		from, to := "a/"+strings.TrimPrefix(f.path, "/"), "b/"+strings.TrimPrefix(cmp.Or(f.to, f.path), "/")
		switch f.kind {
		case "add":
			from = "/dev/null"
		case "delete":
			to = "/dev/null"
		}
		patch.WriteString("--- " + from + "\n+++ " + to + "\n" + f.diff)
		if !strings.HasSuffix(f.diff, "\n") {
			patch.WriteByte('\n')
		}
	}
	return data(nil).raw("changes", partsOf(changes)).some("patch", patch.String())
}

func codexChanges(item object) string {
	var lines []string
	for _, f := range codexFiles(item) {
		line := strings.TrimSpace(f.kind + " " + f.path)
		if f.to != "" {
			line += " → " + f.to
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func codexMCPResult(r result, item object) result {
	given := item.object("result")
	text, parts := contentText(given.value("content"))
	if text == "" {
		text = codexFailure(item)
	}
	if structured := cmpRaw(given.value("structured_content"), given.value("structuredContent")); text == "" && len(structured) > 0 && structured[0] != 'n' {
		text = string(structured)
	}
	r.output, r.more = text, data(nil).raw("parts", parts)
	r.success = r.success && !item.has("error") && !given.isTrue("isError") && !given.isTrue("is_error")
	return r
}

// codexFailure returns what an item says of its failure.
func codexFailure(item object) string {
	return cmp.Or(item.object("error").text("message"), item.text("error"))
}

func codexQuery(item object) string {
	action := item.object("action")
	return cmp.Or(item.text("query"), action.text("query", "url", "pattern"), strings.Join(stringsOf(action.list("queries")), "\n"))
}

// codexImageResult adds the image that was made. Its type is known by its first bytes.
func codexImageResult(r result, item object) result {
	encoded, media := item.text("result"), "image/png"
	for start, kind := range map[string]string{"/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"} {
		if strings.HasPrefix(encoded, start) {
			media = kind
		}
	}
	r.output = filePath(item.text("saved_path", "savedPath"))
	if encoded != "" {
		r.output = strings.TrimSpace("[image] " + r.output)
		r.more = data(nil).raw("parts", partsOf([]json.RawMessage{imagePart(media, encoded)}))
	}
	return r
}

// codexHint says what a review is of.
func codexHint(p object) string {
	target := p.object("target")
	return cmp.Or(p.text("user_facing_hint", "review"), target.text("instructions", "branch", "title", "sha"), snake(target.text("type")))
}

// codexReview writes the result of a review as its words.
func codexReview(p object) string {
	texts := []string{p.text("overall_explanation")}
	for _, raw := range p.list("findings") {
		f := parseObject(raw)
		at := f.object("code_location")
		title := "- " + f.text("title")
		if path := at.text("absolute_file_path"); path != "" {
			title += " (" + path + ":" + string(at.object("line_range").value("start")) + ")"
		}
		texts = append(texts, strings.TrimSpace(title+"\n  "+f.text("body")))
	}
	if verdict := p.text("overall_correctness"); verdict != "" {
		texts = append(texts, "Verdict: "+verdict)
	}
	return strings.TrimSpace(strings.Join(texts, "\n\n"))
}

// cmpRaw returns the first of two members that is there.
func cmpRaw(a, b json.RawMessage) json.RawMessage {
	if len(a) > 0 {
		return a
	}
	return b
}
