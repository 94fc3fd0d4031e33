//go:build agents

package agents_test

import (
	"fmt"
	"maps"
	"path/filepath"

	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

// varied is a run of more than 1,000 events in which Claude Code does all that it does:
// it plans, reads, searches, edits, looks at an image, runs tests, repeats a command that
// fails, has subagents, prints a lot and asks for permission.
type varied struct {
	work    string // the working directory
	threads map[string][]model.Turn
	calls   int
}

const (
	rounds = 12 // of a hundred events
	steps  = 7  // of the plan

	asksEvery = 4 // rounds
	questions = rounds / asksEvery
)

// variedFiles stand in the working directory, with the image that a scenario looks at.
func variedFiles() map[string]string {
	files := map[string]string{
		"count.go":  "package count\n\n// Count is how many there are.\nconst Count = 0\n",
		"check.sh":  "echo checking\necho 'count.go:4: Count is wrong' >&2\nexit 3\n",
		"test.sh":   "echo 'ok  	count	0.004s'\n",
		"colour.sh": `printf '\033[31mred\033[0m and \033[1;32mbold\033[0m\n'` + "\n",
	}
	for i := range 6 {
		files[fmt.Sprintf("src/part%d.go", i)] = fmt.Sprintf("package src\n\nfunc Part%d() int { return %d }\n", i, i)
	}
	for _, s := range agents.Scenarios() {
		if s.Name == "image" {
			maps.Copy(files, s.Files)
		}
	}
	return files
}

// variedScript is what the model says.
func variedScript(work string) map[string][]model.Turn {
	v := &varied{work: work, threads: map[string][]model.Turn{}}
	v.say("I look for my tools.", v.call("ToolSearch", "query", "select:TaskCreate,TaskUpdate"))
	var plan []model.Call
	for i := range steps {
		plan = append(plan, v.call("TaskCreate", "subject", fmt.Sprintf("Step %d of the plan", i+1), "description", "Do it"))
	}
	v.say("A plan first.", plan...)
	for round := range rounds {
		v.round(round)
	}
	v.say("**Done.** Count is right, and all tests pass.\n\n| part | state |\n|---|---|\n| count | right |\n| tests | pass |")
	return v.threads
}

func (v *varied) round(n int) {
	if n < steps {
		v.say("The next step.", v.call("TaskUpdate", "taskId", fmt.Sprint(n+1), "status", "in_progress"))
	}
	for half := range 2 {
		var reads []model.Call
		for i := range 3 {
			reads = append(reads, v.call("Read", "file_path", filepath.Join(v.work, fmt.Sprintf("src/part%d.go", 3*half+i))))
		}
		v.add("main", model.Turn{Calls: reads})
	}
	v.say("Where is it?", v.bash("grep -rn Part src"))
	v.say("I read it before I change it.", v.call("Read", "file_path", filepath.Join(v.work, "count.go")))
	v.say(fmt.Sprintf("Now $f(x)\\,dx$ is `Count = %d`:\n\n```go\nconst Count = %d\n```", n+1, n+1),
		v.call("Edit", "file_path", filepath.Join(v.work, "count.go"), "old_string", fmt.Sprintf("Count = %d", n), "new_string", fmt.Sprintf("Count = %d", n+1)))
	for range 6 {
		v.add("main", model.Turn{Thought: "Perhaps it works now.", Calls: []model.Call{v.bash("sh check.sh")}})
	}
	v.helper(fmt.Sprintf("helper-%d", n))
	v.say("Much is printed.", v.bash("seq 1 3000"))
	v.say("شكرا. This is *right to left*, and the next is in colour.", v.bash("sh colour.sh"))
	v.say("What does it look like?", v.call("Read", "file_path", filepath.Join(v.work, "red.png")))
	v.say("A file of its own.", v.call("Write", "file_path", filepath.Join(v.work, fmt.Sprintf("made%d.txt", n)), "content", "made\n"))
	if n%asksEvery == 1 {
		v.say("For this I need permission.", v.bash(fmt.Sprintf("mkdir asked%d", n)))
	}
	v.say("The tests.", v.bash("sh test.sh go test ./..."))
	if n < steps {
		v.say("", v.call("TaskUpdate", "taskId", fmt.Sprint(n+1), "status", "completed"))
	}
}

// helper has a subagent do something.
func (v *varied) helper(thread string) {
	v.say("A helper looks around.", v.call("Agent", "description", "Look around", "prompt", "Look around for me. ["+thread+"]",
		"subagent_type", "general-purpose", "run_in_background", false))
	for i := range 5 {
		v.add(thread, model.Turn{Text: "I look.", Calls: []model.Call{
			v.call("Read", "file_path", filepath.Join(v.work, fmt.Sprintf("src/part%d.go", i))), v.bash("grep -n Part src/part0.go"),
		}})
	}
	v.add(thread, model.Turn{Text: "It fails.", Calls: []model.Call{v.bash("sh check.sh")}})
	v.add(thread, model.Turn{Text: "There are six parts."})
}

func (v *varied) say(text string, calls ...model.Call) {
	v.add("main", model.Turn{Text: text, Calls: calls})
}

func (v *varied) add(thread string, turn model.Turn) {
	n := len(v.threads[thread])
	turn.Tokens = model.Tokens{Input: 100 + n, CacheRead: 300 + 10*n, CacheWrite: 20, Output: 40 + 3*n}
	v.threads[thread] = append(v.threads[thread], turn)
}

func (v *varied) bash(command string) model.Call {
	return v.call("Bash", "command", command, "description", "Run it")
}

func (v *varied) call(tool string, args ...any) model.Call {
	v.calls++
	c := model.Call{ID: fmt.Sprintf("call_%d", v.calls), Tool: tool}
	named := map[string]any{}
	for i := 0; i < len(args); i += 2 {
		named[args[i].(string)] = args[i+1]
	}
	c.Args = named
	return c
}
