package agents

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"strings"
	"time"

	"jrweb/internal/agents/model"
)

// spent is what turn n of a thread costs. No two turns cost the same, so that a sum
// tells which of them are in it.
func spent(n int) model.Tokens {
	return model.Tokens{Input: 100 + n, CacheRead: 300 + 10*n, CacheWrite: 20, Output: 40 + 3*n}
}

// says are turns of the model that cost something.
func says(turns ...Turn) []Turn {
	for i := range turns {
		if turns[i].Tokens == (model.Tokens{}) {
			turns[i].Tokens = spent(i + 1)
		}
	}
	return turns
}

// once is a scenario of one run with one thread.
func once(name, about, prompt string, turns ...Turn) Scenario {
	return Scenario{Name: name, About: about, Runs: []Run{{
		Prompt: prompt + " [main]", Threads: map[string][]Turn{"main": says(turns...)},
	}}}
}

// red is a red square of 8 × 8.
var red = func() string {
	picture := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.NRGBA{R: 255, A: 255}), image.Point{}, draw.Src)
	var b strings.Builder
	if err := png.Encode(&b, picture); err != nil {
		panic(err) // a buffer takes all
	}
	return b.String()
}()

// failing is the command that most scenarios run.
var failing = Call{Do: Shell, Command: "echo one file; sleep 0.1; exit 3", Fails: true, Output: "one file"}

// lines is the text that is edited.
const lines = "alpha\nbeta\ngamma\n"

// Scenarios are all of them, in the order of the report.
func Scenarios() []Scenario {
	return []Scenario{
		once("words", "thinks, and says something", "Say hello, please.",
			Turn{Thought: "They want to be greeted.", Text: "Hello. How are **you**?"}),
		once("failing-command", "a command that ends with 3", "Look at the files.",
			Turn{Text: "I will look at the files.", Calls: []Call{failing}},
			Turn{Text: "There is **one** file."}),
		edit(), patch(), parallel(), subagent(), plan(), look(), remote(),
		once("api-error", "the API refuses the second request for good", "Look at the files.",
			Turn{Text: "I will look at the files.", Calls: []Call{failing}},
			Turn{Fail: &model.Failure{Status: http.StatusBadRequest, Type: "invalid_request_error", Message: "The model is out of order.", Forever: true}}),
		once("rate-limit", "the API asks to come back later, once", "Look at the files.",
			Turn{Text: "I will look at the files.", Calls: []Call{failing}},
			Turn{Fail: &model.Failure{Status: http.StatusTooManyRequests, Type: "rate_limit_error", Message: "Slow down.", RetryAfter: time.Second}},
			Turn{Text: "There is **one** file."}),
		cut("sigint-call", "interrupted while a command runs", Interrupt,
			Turn{Text: "This takes a while.", Calls: []Call{waiting}}),
		cut("sigkill-call", "killed while a command runs", Kill,
			Turn{Text: "This takes a while.", Calls: []Call{waiting}}),
		cut("sigint-words", "interrupted while the model speaks", Interrupt,
			Turn{Text: "I will look at the files.", Calls: []Call{failing}},
			Turn{Text: "There are many words that", Stall: true}),
		cut("sigkill-words", "killed while the model speaks", Kill,
			Turn{Text: "I will look at the files.", Calls: []Call{failing}},
			Turn{Text: "There are many words that", Stall: true}),
		again("resume", "a second run goes on with the thread of the first", Resume),
		again("fork", "a second run makes a new thread of the first", Fork),
		compact(), long(),
	}
}

func edit() Scenario {
	s := once("edit", "makes a file, reads one, changes it, and fails to change it again", "Change beta to BETA.",
		Turn{Text: "First a note.", Calls: []Call{{Do: Write, Path: "note.txt", New: "A note.\n", Output: "note.txt"}}},
		Turn{Calls: []Call{{Do: Read, Path: "greek.txt", Output: "beta"}}},
		Turn{Text: "Now the change.", Calls: []Call{{Do: Edit, Path: "greek.txt", Old: "beta", New: "BETA", Output: "greek.txt"}}},
		Turn{Text: "And another.", Calls: []Call{{Do: Edit, Path: "greek.txt", Old: "delta", New: "DELTA", Fails: true}}},
		Turn{Text: "Done."})
	s.Files = map[string]string{"greek.txt": lines}
	return s
}

func patch() Scenario {
	s := once("patch", "a patch that adds, changes, moves and deletes, and one that does not fit", "Patch the files.",
		Turn{Text: "One patch for all.", Calls: []Call{{Do: Patch, Output: "greek.txt", New: `*** Begin Patch
*** Add File: new.txt
+new
*** Update File: greek.txt
@@
 alpha
-beta
+BETA
 gamma
*** Update File: old.txt
*** Move to: moved.txt
@@
-old
+moved
*** Delete File: gone.txt
*** End Patch`}}},
		Turn{Text: "Another one.", Calls: []Call{{Do: Patch, Fails: true, New: `*** Begin Patch
*** Update File: greek.txt
@@
-delta
+DELTA
*** End Patch`}}},
		Turn{Text: "Patched."})
	s.Files = map[string]string{"greek.txt": lines, "old.txt": "old\n", "gone.txt": "gone\n"}
	return s
}

func parallel() Scenario {
	return once("parallel", "three commands in one answer, the second fails", "Do three things at once.",
		Turn{Text: "All at once.", Calls: []Call{
			{Do: Shell, Command: "echo first", Output: "first"},
			{Do: Shell, Command: "echo second; sleep 0.1; exit 4", Fails: true, Output: "second"},
			{Do: Shell, Command: "echo third", Output: "third"},
		}},
		Turn{Text: "Two of three."})
}

func subagent() Scenario {
	s := once("subagent", "a subagent runs a command that fails", "Ask a helper.",
		Turn{Text: "I ask a helper.", Calls: []Call{{Do: Delegate, Prompt: "Look at the files for me. [helper]", Output: "The helper found one file."}}},
		Turn{Calls: []Call{{Do: Await}}},
		Turn{Text: "The helper has found it."})
	s.Runs[0].Threads["helper"] = says(
		Turn{Text: "I am the helper.", Calls: []Call{failing}, Tokens: spent(11)},
		Turn{Text: "The helper found one file.", Calls: []Call{{Do: Answer, Prompt: "The helper found one file."}}, Tokens: spent(12)})
	return s
}

func plan() Scenario {
	return once("plan", "a todo list that changes", "Make a plan.",
		Turn{Calls: []Call{{Do: Find, Tool: "plan"}}},
		Turn{Text: "A plan.", Calls: []Call{{Do: Plan, Items: []string{"Look", "Think", "Write"}, Output: ""}}},
		Turn{Calls: []Call{{Do: Plan, Items: []string{"Look", "Think", "Write"}, Moved: true}}},
		Turn{Text: "Planned."})
}

func look() Scenario {
	s := once("image", "looks at a picture", "What is in the picture?",
		Turn{Text: "I look at it.", Calls: []Call{{Do: Look, Path: "red.png", Output: ""}}},
		Turn{Text: "It is red."})
	s.Files = map[string]string{"red.png": red}
	return s
}

func remote() Scenario {
	s := once("mcp", "a tool of an MCP server, and one that fails", "How much is 2 and 40?",
		Turn{Calls: []Call{{Do: Find, Tool: "mcp"}}},
		Turn{Text: "I add them.", Calls: []Call{{Do: Remote, Tool: "add", Output: "42"}}},
		Turn{Calls: []Call{{Do: Remote, Tool: "fail", Fails: true, Output: "it always fails"}}},
		Turn{Text: "It is 42."})
	s.Tools = true
	return s
}

// waiting is a command that says when it runs, and does not end by itself.
var waiting = Call{Do: Shell, Command: "touch started; sleep 50", Fails: true, Hangs: true}

func cut(name, about string, how Cut, turns ...Turn) Scenario {
	s := once(name, about, "Look at the files.", turns...)
	s.Runs[0].Cut = how
	return s
}

func again(name, about string, mode Mode) Scenario {
	s := once(name, about, "Look at the files.",
		Turn{Text: "I will look at the files.", Calls: []Call{failing}},
		Turn{Text: "There is **one** file."})
	s.Runs = append(s.Runs, Run{Mode: mode, Prompt: "Once more, please. [more]", Threads: map[string][]Turn{"more": says(
		Turn{Text: "I look once more.", Calls: []Call{{Do: Shell, Command: "echo still one", Output: "still one"}}, Tokens: spent(21)},
		Turn{Text: "There is still one file.", Tokens: spent(22)})}})
	return s
}

// compact fills the agent's window, so that it has to sum up what was said. Some agents
// do so before the next answer, others before the next run.
func compact() Scenario {
	s := again("compact", "the context is full and is summed up, and a second run goes on", Resume)
	for i := range s.Runs[0].Threads["main"] {
		s.Runs[0].Threads["main"][i].Fills = true
	}
	for i := range s.Runs {
		// All that filled the window goes into the summary, which may be all that still
		// names the thread.
		summary := Turn{Text: "<summary>There is one file. [main]</summary>", Fills: true}
		s.Runs[i].Threads[model.Summary] = says(summary, summary)
	}
	return s
}

// turns is how many the long run has.
const turns = 300

func long() Scenario {
	var all []Turn
	for i := 1; i < turns; i++ {
		all = append(all, Turn{Text: fmt.Sprintf("Step %d of many.", i), Calls: []Call{
			{Do: Shell, Command: fmt.Sprintf("echo step %d", i), Output: fmt.Sprintf("step %d", i)},
		}})
	}
	s := once("long", "300 turns", "Count.", append(all, Turn{Text: "Counted."})...)
	s.Runs[0].Long = true
	return s
}
