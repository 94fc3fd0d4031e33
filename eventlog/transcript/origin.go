package transcript

import (
	"strings"

	"jrweb/eventlog"
)

// Origin is what the lines so far tell about the run. What they do not tell is empty.
type Origin struct {
	Agent   string // "Claude Code"
	Version string
	Model   string // the latest, if it changed
	Session string // the agent's own id of the session or thread, to resume it with
	Parent  string // the agent's id of the thread that this one works for
	Dir     string // the working directory
	Branch  string // of git
	Title   string // the agent's own if it has one, else the person's first words
}

// TypeSession is the type of an event that tells what is known of the run.
const TypeSession = "session"

// Who made a title.
const (
	titleByAgent  = "agent"
	titleByPrompt = "prompt"
)

// mostName is how long what a session is called by may be, in bytes.
const mostName = 1 << 10

// mostTitle is how much of a person's first words makes a title, in bytes.
const mostTitle = 120

// begin tells which agent is at work, and again when that changes. What o leaves empty
// stays as it was. Titles have a method of their own.
func (out *output) begin(o Origin) {
	was := out.origin
	for _, f := range []struct{ to, from *string }{
		{&out.origin.Agent, &o.Agent}, {&out.origin.Version, &o.Version}, {&out.origin.Model, &o.Model},
		{&out.origin.Session, &o.Session}, {&out.origin.Parent, &o.Parent},
		{&out.origin.Dir, &o.Dir}, {&out.origin.Branch, &o.Branch},
	} {
		if *f.from != "" {
			*f.to = beginning(strings.ToValidUTF8(*f.from, "\uFFFD"), mostName)
		}
	}
	now := out.origin
	if now == was {
		return
	}
	out.tell(data(nil).some("agent", now.Agent).some("version", now.Version).some("model", now.Model).
		some("cwd", now.Dir).some("branch", now.Branch).some("external_id", now.Session).some("parent_external_id", now.Parent))
}

// title tells what the agent calls the run. The newest counts.
func (out *output) title(text string) {
	if text = titleOf(text, mostName); text != "" && text != out.titles.agent {
		out.titles.agent = text
		out.origin.Title = text
		out.tell(data(nil).text("title", text).text("title_by", titleByAgent))
	}
}

// prompted takes the person's first words, which are the title of a run that has no other.
func (out *output) prompted(text string) {
	if out.titles.prompt != "" {
		return
	}
	if out.titles.prompt = titleOf(text, mostTitle); out.titles.prompt == "" {
		return
	}
	if out.origin.Title == "" {
		out.origin.Title = out.titles.prompt
	}
	out.tell(data(nil).text("title", out.titles.prompt).text("title_by", titleByPrompt))
}

// tell adds a session event. It is of the run, not of a subagent.
func (out *output) tell(d data) {
	if out.root != "" {
		return
	}
	defer func(parent string) { out.parent = parent }(out.parent)
	out.parent = ""
	out.add(TypeSession, eventlog.System, d)
}

// titles are those that were told.
type titles struct{ agent, prompt string }

// titleOf returns the first line that says something, without the spaces around it.
func titleOf(text string, most int) string {
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			if short := beginning(line, most); short != line {
				return strings.TrimSpace(beginning(line, most-len("…"))) + "…"
			}
			return line
		}
	}
	return ""
}
