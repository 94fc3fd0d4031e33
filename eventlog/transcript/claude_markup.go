package transcript

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// claudeSaid is who says something, and when.
type claudeSaid struct {
	actor eventlog.Actor
	at    time.Time
}

// What Claude Code writes in place of what a person did.
const (
	reasonInterrupted     = "interrupted by a person"
	markInterrupted       = "[Request interrupted by user]"
	markInterruptedAtTool = "[Request interrupted by user for tool use]"
)

// interruption returns the reason of a turn that a person has ended, or "".
func (m *claudeMessages) interruption() string {
	if m.interrupted {
		return reasonInterrupted
	}
	return ""
}

// says converts a text that the agent is told. Claude Code dresses in it, between tags,
// what a person typed that is not a prompt, what commands printed, and what it tells the agent
// itself. Each is told as what it is.
func (m *claudeMessages) says(s claudeSaid, text string, parts []byte, out *output) {
	switch strings.TrimSpace(text) {
	case markInterrupted, markInterruptedAtTool:
		out.status("A person interrupts the agent")
		out.canceled(reasonInterrupted)
		if !out.nested() {
			m.interrupted = true
		}
		return
	}
	pieces := markup(text)
	if len(pieces) == 0 && len(parts) > 0 {
		pieces = []markupPiece{{}}
	}
	for i, p := range pieces {
		if i > 0 {
			parts = nil
		}
		m.piece(s, p, parts, out)
	}
}

func (m *claudeMessages) piece(s claudeSaid, p markupPiece, parts []byte, out *output) {
	switch p.tag {
	case "":
		if s.actor == eventlog.Human && !out.nested() {
			if m.queue.said(p.text) && len(parts) == 0 {
				return
			}
			m.interrupted, m.lastError = false, ""
		}
		out.user(s.actor, p.text, parts)
		m.tells(eventlog.TypeUser, p.text)
	case tagCommand:
		if s.actor == eventlog.Human && !out.nested() && m.queue.said(p.text) {
			return
		}
		m.command(p.text, out)
	case "bash-input":
		if !m.queue.said(p.text) {
			out.typed("!"+p.text, false)
		}
	case "user-memory-input":
		out.typed("#"+p.text, false)
	case "pasted_content":
		out.user(s.actor, p.text, parts)
	case "teammate-message":
		out.user(eventlog.Agent, p.text, parts)
	case "task-notification":
		m.taskNotice(p.text, out)
	default:
		out.user(eventlog.System, p.text, parts)
	}
}

// command converts a slash command. Some are answered by Claude Code itself, without a
// word of the agent: they begin nothing, and make no title.
func (m *claudeMessages) command(text string, out *output) {
	name, _, _ := strings.Cut(text, " ")
	out.typed(text, !slices.Contains(localCommands, name))
}

var localCommands = []string{
	"/add-dir", "/agents", "/clear", "/color", "/config", "/context", "/copy", "/cost", "/doctor", "/effort", "/exit", "/export",
	"/fast", "/feedback", "/help", "/hooks", "/ide", "/login", "/logout", "/mcp", "/memory", "/model", "/new", "/output-style",
	"/permissions", "/plugin", "/privacy-settings", "/quit", "/release-notes", "/rename", "/reset", "/resume", "/rewind", "/skills",
	"/stats", "/status", "/statusline", "/tasks", "/terminal-setup", "/theme", "/todos", "/upgrade", "/usage", "/vim",
}

// typed adds what a person typed that may not be for the agent.
func (out *output) typed(text string, work bool) {
	if work {
		out.user(eventlog.Human, text, nil)
		return
	}
	actor := eventlog.Human
	if out.nested() {
		actor = eventlog.Agent
	}
	out.add(eventlog.TypeUser, actor, data(nil).text("content", text))
}

// taskNotice converts what the agent is told of a background task that has ended. A
// system line may have told the same, but not what the task came to.
func (m *claudeMessages) taskNotice(text string, out *output) {
	if !first(&m.blocks, "notice/"+text) {
		return
	}
	id, status := tagged(text, "task-id"), tagged(text, "status")
	ended := first(&m.taskEnds, id)
	result := tagged(text, "result")
	if !ended && result == "" {
		return
	}
	content := strings.TrimSpace(tagged(text, "summary") + "\n\n" + result)
	if content == "" {
		content = strings.TrimSpace(text)
	}
	d := data(nil).text("content", content).some("task_id", id).some("task_status", status)
	out.inside(tagged(text, "tool-use-id"), func() { out.add(eventlog.TypeUser, eventlog.System, d) })
}

// tagged returns what stands between the first tags of a name.
func tagged(text, tag string) string {
	_, rest, _ := strings.Cut(text, "<"+tag+">")
	inner, _, ok := strings.Cut(rest, "</"+tag+">")
	if !ok {
		return ""
	}
	return strings.TrimSpace(inner)
}

// markupPiece is a part of a text, and the tag that it stands in: "" for none.
type markupPiece struct{ tag, text string }

// tagCommand is the tag of a slash command that has been put together again.
const tagCommand = "command-name"

var claudeTag = regexp.MustCompile(`<(command-name|command-message|command-args|command-contents|local-command-(?:stdout|stderr|caveat)|bash-(?:input|stdout|stderr)|` +
	`system-reminder|task-notification|user-memory-input|user-prompt-submit-hook|teammate-message|pasted_content)(?: [^<>]*)?>`)

// markup takes a text apart at the tags that Claude Code puts around what is not a prompt. A tag
// counts only at the beginning of a line, and with its end: people write of tags.
func markup(text string) (pieces []markupPiece) {
	var name, args string
	isCommand, found := false, false
	plain := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			pieces = append(pieces, markupPiece{"", text})
		}
	}
	rest, from := text, 0
	for range mostTags {
		at := claudeTag.FindStringSubmatchIndex(rest[from:])
		if at == nil {
			break
		}
		begin, end, tag := from+at[0], from+at[1], rest[from+at[2]:from+at[3]]
		inner, after, closed := strings.Cut(rest[end:], "</"+tag+">")
		if tag == "system-reminder" || tag == "task-notification" {
			// Their texts may quote the tag.
			if i := strings.LastIndex(rest[end:], "</"+tag+">"); closed && strings.Count(rest[end:], "<"+tag) == 0 {
				inner, after = rest[end:end+i], rest[end+i+len(tag)+3:]
			}
		}
		if !closed || !startsLine(rest[:begin]) && !isCommand {
			from = end
			continue
		}
		plain(rest[:begin])
		rest, from, found = after, 0, true
		switch inner = strings.TrimSpace(inner); tag {
		case "command-name":
			name, isCommand = inner, true
		case "command-args":
			args, isCommand = inner, true
		case "command-message", "command-contents":
			isCommand = true // the name again, or what it stands for
		default:
			if inner != "" {
				pieces = append(pieces, markupPiece{tag, inner})
			}
		}
	}
	if isCommand && name != "" {
		if !strings.HasPrefix(name, "/") {
			name = "/" + name
		}
		pieces = append([]markupPiece{{tagCommand, strings.TrimSpace(name + " " + args)}}, pieces...)
	}
	if !found {
		if strings.TrimSpace(text) == "" {
			return nil
		}
		return []markupPiece{{"", text}} // byte for byte
	}
	plain(rest)
	return pieces
}

// mostTags bounds how often a text is searched for the end of a tag.
const mostTags = 200

func startsLine(before string) bool {
	before = strings.TrimRight(before, " \t")
	return before == "" || strings.HasSuffix(before, "\n") || strings.HasSuffix(before, ">")
}
