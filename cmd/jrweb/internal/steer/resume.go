package steer

import (
	"encoding/json"
	"slices"
	"strings"

	"jrweb/eventlog/transcript"
)

// resume is an agent that works on one prompt and ends: codex exec and opencode run. What
// is said to it meanwhile is the prompt of a command that goes on with its thread. The
// last argument of the command is its prompt.
type resume struct {
	command []string
	name    string
	thread  string
	queue   []Message
	unread  []uint64
}

func (*resume) Asks() bool { return false }

func (*resume) Format() transcript.Format { return transcript.Auto }

// Begin closes the input of a command that was given its prompt by us.
func (r *resume) Begin() Does { return Does{Close: r.unread != nil} }

func (r *resume) Input(line []byte) Does { return Does{Write: []Parcel{{Bytes: line}}} }

func (r *resume) InputEnded() Does { return Does{Close: true} }

func (r *resume) Say(m Message) Does {
	r.queue = append(r.queue, m)
	return Does{}
}

func (r *resume) Answer(string, Message) Does { return Does{} }

func (r *resume) Hear(line []byte) Does {
	var o struct {
		Thread  string `json:"thread_id"`
		Session string `json:"sessionID"`
	}
	if json.Unmarshal(line, &o) != nil {
		return Does{}
	}
	if r.thread == "" {
		r.thread = o.Thread + o.Session
	}
	d := Does{Read: r.unread}
	r.unread = nil
	return d
}

func (r *resume) Next(code int) (command []string, told []uint64) {
	if len(r.queue) == 0 || r.thread == "" || code != 0 {
		return nil, nil
	}
	var texts []string
	for _, m := range r.queue {
		texts, told = append(texts, m.Text), append(told, m.Sequence)
	}
	r.queue, r.unread = nil, told
	// What a person says is never taken for a flag.
	return append(r.again(), "--", strings.Join(texts, "\n\n")), told
}

// again is the command that goes on with the thread, without its prompt.
func (r *resume) again() []string {
	command := slices.Clone(r.command)
	if marked := len(command) - 2; marked > 0 && command[marked] == "--" {
		command = command[:marked]
	} else if last := len(command) - 1; !strings.HasPrefix(command[last], "-") {
		command = command[:last]
	}
	switch {
	case r.name == "codex" && !slices.Contains(command, "resume"):
		return append(command, "resume", r.thread)
	case r.name == "opencode" && !slices.Contains(command, "--session") && !slices.Contains(command, "-s"):
		return append(command, "--session", r.thread)
	}
	return command
}
