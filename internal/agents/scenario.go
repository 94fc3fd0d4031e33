package agents

import (
	"jrweb/internal/agents/model"
)

// Scenario is what an agent is made to do.
type Scenario struct {
	Name  string // a word or two, with a dash
	About string
	Files map[string]string // that stand in the working directory
	Tools bool              // an MCP server is configured
	Runs  []Run
}

// Run is one start of the agent.
type Run struct {
	Mode   Mode
	Prompt string // names its thread in brackets
	// Threads is what the model says, by thread.
	Threads map[string][]Turn
	// Long says that it may take a quarter of an hour, not minutes.
	Long bool
	// Cut ends the agent in the middle.
	Cut Cut
}

// Mode is how a run is tied to the one before.
type Mode int

// The modes.
const (
	Fresh Mode = iota
	Resume
	Fork
)

// Cut is how a run is ended in the middle: by which signal.
type Cut int

// The cuts.
const (
	NoCut Cut = iota
	Interrupt
	Kill
)

// Turn is one answer of the model.
type Turn struct {
	Thought string
	Text    string
	Calls   []Call
	Tokens  model.Tokens
	// Fills says that the tokens are as many as the agent's window has.
	Fills bool
	Fail  *model.Failure
	Stall bool
}

// Deed is what a call does, whatever the agent calls its tool.
type Deed int

// The deeds.
const (
	Shell    Deed = iota // runs Command
	Write                // makes Path of New
	Read                 // reads Path
	Edit                 // replaces Old by New in Path
	Patch                // applies the patch New
	Look                 // reads the image Path
	Plan                 // writes a todo list: Items
	Remote               // calls Tool of the MCP server
	Delegate             // starts a subagent with Prompt
	Await                // waits for the subagent, where that is a call of its own
	Answer               // ends a subagent with Prompt, where that is a call
	Find                 // looks for Tools, where the agent keeps some of them back
)

// Call is a call of a tool.
type Call struct {
	Do      Deed
	Command string
	Path    string
	Old     string
	New     string
	Items   []string // of a plan, the first is under way
	Moved   bool     // the second is, and the first is done
	Tool    string
	Prompt  string
	Fails   bool
	// Output is a part of what comes out.
	Output string
	// Hangs says that it is still under way when the run is cut.
	Hangs bool
}
