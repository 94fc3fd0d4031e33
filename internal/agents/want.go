package agents

import (
	"slices"
	"strconv"
	"strings"

	"jrweb/internal/agents/model"
)

// Source is where an agent tells what it does.
type Source int

// The sources.
const (
	Stdout Source = iota
	Disk
)

// Blind is something that a source does not tell, so that nobody can show it.
type Blind string

// What sources may not tell.
const (
	NoPrompt      Blind = "prompt"         // the person's words
	NoThoughts    Blind = "thoughts"       // reasoning
	NoExit        Blind = "exit"           // that a command failed
	NoOutput      Blind = "output"         // what tools that change files or start agents say
	NoImage       Blind = "image"          // that an image was looked at
	NoPicture     Blind = "picture"        // the image itself
	NoRefused     Blind = "refused"        // a patch that does not fit
	NoCutWords    Blind = "cut words"      // words that were broken off
	NoKilledWords Blind = "killed words"   // the same, where the agent was killed
	NoCutTokens   Blind = "cut tokens"     // tokens of a run that was cut
	NoCutCall     Blind = "cut call"       // the call that a cut left open
	NoFailedCost  Blind = "failed tokens"  // tokens of a run that failed
	NoFork        Blind = "fork"           // from which sum a fork's goes on
	NoSub         Blind = "subagent"       // what a subagent does
	NoSubWords    Blind = "subagent words" // what a subagent says
	NoSubTokens   Blind = "subagent cost"  // what a subagent costs
	NoDelegation  Blind = "delegation"     // that a subagent was started
	NoInterrupted Blind = "interrupted"    // that a person interrupted it
	NoError       Blind = "error"          // that the API failed in the end
	NoSummary     Blind = "summary cost"   // what summing up costs
	NoOrder       Blind = "order"          // that words came before a call that is quick
)

// Item is something to be seen, in order: words, or a call with its result.
type Item struct {
	Kind string // user, assistant, thought or call
	Text string
	Seen Seen // of a call
	// Late says that calls may stand before it, which came after it.
	Late bool
}

// Want is what is to be seen of a scenario.
type Want struct {
	// Pieces says that words may come in several pieces.
	Pieces bool
	// Summary are words that may be shown or not, wherever they stand.
	Summary string

	// Sessions are those of the main thread, oldest first.
	Sessions [][]Item
	// Below is what a subagent does.
	Below []Item
	// Prompt is what the subagent was told. No person said so.
	Prompt string
	// Ends are those that the last session may have.
	Ends []string
	// Errors are words that an error says. None: there is none, unless Retried.
	Errors  string
	Retried bool
	// The tokens are between Least and Most, each amount on its own. Unknown: nobody
	// can tell.
	Least, Most model.Tokens
	Unknown     bool
	// Hidden are the reasons why something is not wanted that happened.
	Hidden []string
}

// wanting collects what is wanted of an agent by one of its sources.
type wanting struct {
	Want
	agent *Agent
	place Place
	from  Source
}

// Want is what is to be seen of a scenario that the agent played, with the answers of
// the model to each run.
func (a *Agent) Want(p Place, s Scenario, from Source, answers [][]model.Answer) Want {
	w := &wanting{agent: a, place: p, from: from, Want: Want{Ends: []string{"succeeded"}, Pieces: from == Stdout && a.Pieces}}
	for i, r := range s.Runs {
		items := w.thread(r, "main", i)
		if r.Mode != Fresh {
			items = w.thread(r, "more", i)
		}
		switch {
		case i == 0 || from == Stdout:
			w.Sessions = append(w.Sessions, items)
		case r.Mode == Resume:
			w.Sessions[0] = append(w.Sessions[0], items...)
		case a.Repeats:
			w.Sessions = append(w.Sessions, append(slices.Clip(w.Sessions[0]), items...))
		default:
			w.Sessions = append(w.Sessions, items)
		}
		for _, t := range r.Threads[model.Summary] {
			w.Summary = strings.TrimSuffix(strings.TrimPrefix(t.Text, "<summary>"), "</summary>")
		}
		w.end(r)
		w.tokens(r, answers[i])
		if r.Threads["helper"] != nil {
			w.helper(r, i)
		}
	}
	return w.Want
}

// hides reports whether the source does not tell something, and notes why.
func (w *wanting) hides(b Blind) bool {
	why, ok := w.agent.Blind[w.from][b]
	if ok {
		if slices.Contains(w.Hidden, why) {
			return true
		}
		w.Hidden = append(w.Hidden, why)
	}
	return ok
}

// thread is what is to be seen of a thread.
func (w *wanting) thread(r Run, name string, run int) (items []Item) {
	if name != "helper" && !w.hides(NoPrompt) {
		prompt := r.Prompt
		if w.agent.Quotes && w.from == Disk {
			prompt = strconv.Quote(prompt)
		}
		items = append(items, Item{Kind: "user", Text: prompt})
	}
	for _, t := range r.Threads[name] {
		if t.Fail != nil {
			if t.Fail.Forever {
				w.Errors = t.Fail.Message
				break
			}
			w.Retried = true
			continue
		}
		if t.Thought != "" && !w.hides(NoThoughts) {
			items = append(items, Item{Kind: "thought", Text: t.Thought})
		}
		if t.Text != "" && (!t.Stall || !w.hides(NoCutWords) && (r.Cut != Kill || !w.hides(NoKilledWords))) {
			items = append(items, Item{Kind: "assistant", Text: t.Text, Late: len(t.Calls) > 0 && w.hides(NoOrder)})
		}
		for _, m := range w.agent.Calls(w.place, t.Calls) {
			if seen, ok := w.seen(m.Seen); ok {
				items = append(items, Item{Kind: "call", Text: seen.Tool, Seen: seen})
			}
		}
	}
	if turns := r.Threads[name]; w.agent.GoesOn && len(turns) > 0 && turns[len(turns)-1].Fills {
		items = append(items, Item{Kind: "assistant", Text: model.Title})
	}
	return items
}

// quiet are the deeds whose tools some sources show without what they say.
var quiet = map[Deed]bool{Write: true, Read: true, Edit: true, Delegate: true}

// seen is what the source tells of a call.
func (w *wanting) seen(s Seen) (Seen, bool) {
	switch {
	case s.Do == Delegate && w.hides(NoDelegation),
		s.Do == Look && w.hides(NoImage),
		s.Do == Patch && s.Fails && w.hides(NoRefused),
		s.Hangs && w.hides(NoCutCall):
		return s, false
	}
	if s.Do == Shell && s.Fails && !s.Hangs && w.hides(NoExit) {
		s.Unsure = true
	}
	if s.Image && w.hides(NoPicture) {
		s.Image = false
	}
	if s.Output != "" && quiet[s.Do] && w.hides(NoOutput) {
		s.Output = ""
	}
	return s, true
}

func (w *wanting) end(r Run) {
	switch {
	case r.Cut == Kill && w.from == Stdout:
		w.Ends = []string{"failed"}
	case r.Cut == Kill:
		w.Ends = []string{"interrupted"}
	case r.Cut == Interrupt && (w.from == Stdout || !w.hides(NoInterrupted)):
		w.Ends = []string{"canceled"}
	case r.Cut == Interrupt:
		w.Ends = []string{"interrupted"}
	case w.Errors != "" && (w.from == Stdout || !w.hides(NoError)):
		w.Ends = []string{"failed"}
	case w.Errors != "":
		w.Ends, w.Errors = []string{"interrupted"}, ""
	}
	// What is said before a call that is not told may be the last word.
	if _, blind := w.agent.Blind[w.from][NoCutCall]; blind && w.from == Disk && r.hangs() {
		w.Ends = append(w.Ends, "succeeded")
	}
}

// tokens adds up what the model told. What an agent does beside its work it may count
// or not, and likewise an answer that was broken off.
func (w *wanting) tokens(r Run, answers []model.Answer) {
	for _, a := range answers {
		if a.Turn.Fail != nil {
			continue
		}
		t := a.Turn.Tokens
		if !w.agent.CacheWrites {
			t.Input, t.CacheWrite = t.Input+t.CacheWrite, 0
		}
		w.Most = w.Most.Plus(t)
		switch {
		case a.Thread == "", a.Turn.Stall:
		case a.Thread == "helper" && w.hides(NoSubTokens):
		case a.Thread == model.Summary && w.hides(NoSummary):
		default:
			w.Least = w.Least.Plus(t)
		}
	}
	if r.Cut != NoCut && w.hides(NoCutTokens) || r.Mode == Fork && w.hides(NoFork) || w.Errors != "" && w.hides(NoFailedCost) {
		w.Unknown = true
	}
}

func (w *wanting) helper(r Run, run int) {
	for _, turns := range r.Threads {
		for _, t := range turns {
			for _, c := range t.Calls {
				if c.Do == Delegate {
					w.Prompt = c.Prompt
				}
			}
		}
	}
	if w.hides(NoSub) {
		return
	}
	for _, item := range w.thread(r, "helper", run) {
		if item.Kind == "call" || !w.hides(NoSubWords) {
			w.Below = append(w.Below, item)
		}
	}
}

// hangs reports whether a call is under way when the run is cut.
func (r Run) hangs() bool {
	for _, turns := range r.Threads {
		for _, t := range turns {
			for _, c := range t.Calls {
				if c.Hangs {
					return true
				}
			}
		}
	}
	return false
}
