// Package steer speaks to agents that run, each in the way that it understands:
//
//		agent, err := steer.Choose([]string{"claude", "-p", "--input-format", "stream-json"}, steer.Options{})
//		does := agent.Say(steer.Message{Sequence: 12, Text: "Use tabs."})
//		// write does.Write to the agent's input
//
//	  - An [Agent] does nothing by itself: it says what is to be done. So it waits for
//	    nobody, and needs no locks; its methods may not be called concurrently.
//	  - What a person said is told once.
package steer

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"jrweb/eventlog/transcript"
)

// Message is what a person said to the agent.
type Message struct {
	// Sequence is that of the event. 0: it is not an event, but came by our own input.
	Sequence uint64
	Text     string
}

// Does is what is to be done.
type Does struct {
	// Hide says that the line that was heard does not belong to the record.
	Hide bool
	// Write are what the agent's input is to get.
	Write []Parcel
	// Close says that nothing more comes to the agent's input.
	Close bool
	// Read are the messages that the agent has taken note of.
	Read []uint64
	// Asks are what the agent wants to know.
	Asks []Question
}

// Parcel is what is written together.
type Parcel struct {
	Bytes []byte
	// Of is the event that is delivered with it, 0 for none.
	Of uint64
}

// Question is what an agent asks. It waits for the answer.
type Question struct {
	ID      string
	Content string
	Options []Option
	// Other is what it means to answer in words of one's own, "" if only Options are
	// understood. Without Options any text is an answer.
	Other string
	// Call is the agent's call that it is about, "" for none.
	Call string
}

// Option is an answer that the agent knows.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Agent knows how an agent is spoken to.
type Agent interface {
	// Format is what the agent prints, as package transcript names it; Auto if that is to
	// be found out.
	Format() transcript.Format
	// Asks reports whether all that the agent asks comes as Does.Asks. Then what its output
	// shows of it besides is the same once more.
	Asks() bool
	// Begin is called when the agent's process has started.
	Begin() Does
	// Input takes a line of our own input.
	Input(line []byte) Does
	// InputEnded is called at the end of our own input.
	InputEnded() Does
	// Say takes a message of a person.
	Say(m Message) Does
	// Answer takes the answer of a person to a question.
	Answer(question string, m Message) Does
	// Hear takes a line that the agent printed.
	Hear(line []byte) Does
	// Next is called when the agent's process has ended. It returns the command that is to
	// run next, nil for none, and the messages that this command is given.
	Next(code int) (command []string, told []uint64)
}

// Options are the settings of [Choose].
type Options struct {
	// Lines says that each message is a line of the command's input.
	Lines bool
	// Typed says that a person types our own input: each line of it is a message.
	Typed bool
	// Cwd is the working directory.
	Cwd string
}

// ErrUnknown is returned for a command that nobody knows how to speak to.
var ErrUnknown = errors.New("it is not known how to speak to this command while it works")

// ErrFlags is returned for Claude Code without the flags that let it listen.
var ErrFlags = errors.New("claude listens with -p --input-format stream-json --output-format stream-json --verbose --replay-user-messages --permission-prompt-tool stdio, and takes its first prompt from standard input")

// Choose returns what knows how a command is spoken to.
func Choose(command []string, o Options) (Agent, error) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(command, func(arg string) bool { return slices.Contains(names, arg) })
	}
	switch {
	case o.Lines:
		return &plain{}, nil
	case follows(command, "--input-format", "stream-json"):
		return newClaude(o.Typed), nil
	case has("acp", "--acp", "--experimental-acp"):
		return newACP(o.Typed, o.Cwd), nil
	}
	for i, arg := range command {
		switch name := filepath.Base(arg); {
		case name == "codex" && slices.Contains(command[i:], "app-server"):
			return newCodexServer(o.Typed, o.Cwd), nil
		case name == "codex" && slices.Contains(command[i:], "exec"), name == "opencode" && slices.Contains(command[i:], "run"):
			return &resume{command: command, name: name}, nil
		case name == "claude":
			return nil, ErrFlags
		}
	}
	return nil, ErrUnknown
}

// follows reports whether a flag has a value.
func follows(command []string, flag, value string) bool {
	for i, arg := range command {
		if arg == flag && i+1 < len(command) && command[i+1] == value || arg == flag+"="+value {
			return true
		}
	}
	return false
}

// prompts makes messages of our own input: one of each line that a person types, else
// one of all of it.
type prompts struct {
	typed bool
	text  []byte
	ended bool
}

func (p *prompts) line(line []byte) string {
	if p.typed {
		return strings.TrimSpace(string(line))
	}
	p.text = append(p.text, line...)
	return ""
}

func (p *prompts) end() string {
	p.ended = true
	text := bytes.TrimSpace(p.text)
	p.text = nil
	return string(text)
}
