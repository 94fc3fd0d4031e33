package agents

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"jrweb/internal/agents/model"
)

// Agent is a coding agent.
type Agent struct {
	Name    string // short, as in file names
	Title   string // as people call it
	Package string // on npm
	// Setup writes the agent's configuration.
	Setup func(Place) error
	// Env is what it needs in its environment.
	Env func(Place) []string
	// Command starts it.
	Command func(Place, Run) []string
	// Calls says how the agent does what an answer asks for. No calls: it cannot.
	Calls func(Place, []Call) []Made
	// Export prints a session, where files of the agent's are nothing to read.
	Export func(Place) []string
	// Disk are patterns, below the home, of what it leaves there.
	Disk []string
	// Blind says what its sources do not tell, and why.
	Blind map[Source]map[Blind]string
	// Database is the folder below its home where it keeps its sessions in a database, ""
	// for none.
	Database string
	// NoWay says why a way in does not exist.
	NoWay map[Way]string
	// Quotes says that what a person says is kept in quotes, where it has spaces.
	Quotes bool
	// Repeats says that a fork's file begins with what its parent's says.
	Repeats bool
	// Window is how many tokens fill its context.
	Window int
	// GoesOn says that it asks the model whether there is more to do when it has summed
	// up at the end of its work.
	GoesOn bool
	// Pieces says that it prints words in pieces, and not where they end.
	Pieces bool
	// SubMark is what stands at the beginning of a subagent's file that lies among
	// those of main threads.
	SubMark string
	// Cannot says why a mode is not possible.
	Cannot map[Mode]string
	// Lags says that it writes its files behind its work, and gives up what is left a
	// moment after its end: a model that answers at once is too fast for a long run.
	Lags bool
	// CacheWrites says that its API tells what is written to a cache.
	CacheWrites bool
}

// Made is a call as an agent makes it. One call of the model may be several to the
// agent, or the other way round.
type Made struct {
	Call *model.Call // nil: it is a part of the one before
	Seen Seen
}

// Seen is what is to be seen of a call.
type Seen struct {
	Do     Deed
	Tool   string         // names with | between them are equally right
	Args   map[string]any // some of them
	Fails  bool
	Unsure bool // nobody can tell whether it failed
	Hangs  bool
	Output string // a part of it
	Image  bool   // the result holds an image
}

// made is a call that is seen as it is made.
func made(c Call, tool string, args map[string]any) Made {
	return Made{
		Call: &model.Call{Tool: tool, Args: args},
		Seen: Seen{Do: c.Do, Tool: tool, Args: args, Fails: c.Fails, Hangs: c.Hangs, Output: c.Output, Image: c.Do == Look},
	}
}

// each makes one call after the other.
func each(one func(Place, Call) []Made) func(Place, []Call) []Made {
	return func(p Place, calls []Call) (all []Made) {
		for _, c := range calls {
			all = append(all, one(p, c)...)
		}
		return all
	}
}

// todos are the items of a plan, as most agents write them.
func todos(c Call, key string, more map[string]any) (list []any) {
	for i, item := range c.Items {
		if c.Moved {
			i--
		}
		todo := map[string]any{key: item, "status": "pending"}
		switch {
		case i < 0:
			todo["status"] = "completed"
		case i == 0:
			todo["status"] = "in_progress"
		}
		maps.Copy(todo, more)
		list = append(list, todo)
	}
	return list
}

// Place is where an agent runs.
type Place struct {
	Bin   string // the folder node_modules
	Home  string
	Work  string // the working directory
	Model string // the URL of the model
	MCP   []string
	// Session is the agent's own id of the run before.
	Session string
}

// Main reports whether a file is that of a main thread, not of a subagent.
func (a *Agent) Main(p Place, path string) (bool, error) {
	ok, err := filepath.Match(filepath.Join(p.Home, a.Disk[0]), path)
	if !ok || err != nil || a.SubMark == "" {
		return ok, err
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // it was only read from
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(file, head)
	if n == 0 {
		return false, nil // nothing is known of it yet
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return !strings.Contains(string(head[:n]), a.SubMark), nil
}

// files writes files with their folders.
func files(dir string, all map[string]string) error {
	for name, text := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// All are the agents, in the order of the report.
func All() []*Agent { return []*Agent{claude, codex, codexTools, gemini, qwen, opencode, pi} }
