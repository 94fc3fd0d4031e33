package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// plan is what an agent says that it will do, step by step.
type plan struct{ steps []Step }

// Step is a part of a plan.
type Step struct {
	Text  string `json:"text"`
	State string `json:"state"` // done, doing, todo or dropped
	id    string // where the steps are made and changed one by one
}

// planTools are tools whose call writes the plan.
var planTools = map[string]bool{
	"todowrite": true, "todo_write": true, "update_plan": true, "write_todos": true, "todo_list": true, "update_todo_list": true,
	"todo": true, "setplan": true, "set_plan": true, "manage_todo_list": true,
}

// lists are the names under which tools and statuses have the steps.
var planLists = []string{"todos", "plan", "items", "entries", "todoList", "todo_list"}

const mostSteps = 200

func isPlanTool(tool string) bool { return planTools[strings.ToLower(tool)] }

func (p *plan) fromCall(data fields) {
	if isPlanTool(data.text("tool")) {
		p.take(stepsIn(parseFields(data.raw("args"))))
	}
}

// Claude Code makes steps one by one. Only the result tells the number of a new one.
const (
	makesStep   = "TaskCreate"
	changesStep = "TaskUpdate"
)

var stepNumber = regexp.MustCompile(`#(\w+)`)

// fromResult takes a call that made or changed a step into account.
func (p *plan) fromResult(call *outlineCall, output string) {
	switch call.tool {
	case makesStep:
		if number := stepNumber.FindStringSubmatch(output[:min(len(output), 200)]); number != nil && len(p.steps) < mostSteps {
			p.steps = append(p.steps, Step{Text: call.step.Text, State: "todo", id: number[1]})
		}
	case changesStep:
		for i := range p.steps {
			if s := &p.steps[i]; s.id != "" && s.id == call.step.id {
				s.State = cmp.Or(call.step.State, s.State)
				s.Text = cmp.Or(call.step.Text, s.Text)
			}
		}
	}
}

// stepOf is the step that a call makes or changes.
func stepOf(tool string, args fields) Step {
	if tool != makesStep && tool != changesStep {
		return Step{}
	}
	s := Step{Text: firstLine(args.text("subject")), id: shorten(args.text("taskId"))}
	if _, told := args.str("status"); told {
		s.State = stateOf(args)
	}
	return s
}

func (p *plan) fromStatus(data fields) {
	if steps := stepsIn(data); steps != nil {
		p.take(steps)
		return
	}
	p.take(stepsInText(data.text("content")))
}

func (p *plan) take(steps []Step) {
	if len(steps) > 0 {
		p.steps = steps
	}
}

// progress is how much is done, as "3/7"; empty without a plan.
func (p *plan) progress() string {
	if len(p.steps) == 0 {
		return ""
	}
	return progressOf(p.steps)
}

var stateWords = map[string]string{"done": "done", "doing": "in progress", "todo": "to do", "dropped": "dropped"}

// changeLine says in one line what a call changes about a step.
func changeLine(args fields) string {
	s := stepOf(changesStep, args)
	parts := []string{"#" + s.id}
	if s.State != "" {
		parts = append(parts, stateWords[s.State])
	}
	if s.Text != "" {
		parts = append(parts, s.Text)
	}
	return strings.Join(parts, " · ")
}

// planLine is a plan in one line: how much is done, and what is being done.
func planLine(steps []Step) string {
	for _, s := range steps {
		if s.State == "doing" {
			return progressOf(steps) + " · " + s.Text
		}
	}
	return progressOf(steps)
}

func progressOf(steps []Step) string {
	done, of := 0, 0
	for _, s := range steps {
		if s.State != "dropped" {
			of++
		}
		if s.State == "done" {
			done++
		}
	}
	return fmt.Sprintf("%d/%d", done, of)
}

// stepsIn finds the steps among the members of an object, nil if there are none.
func stepsIn(object fields) []Step {
	for _, name := range planLists {
		if steps := stepsOf(elements(object.raw(name))); steps != nil {
			return steps
		}
	}
	return nil
}

func stepsOf(list []json.RawMessage) []Step {
	var steps []Step
	for _, raw := range list {
		if len(steps) == mostSteps {
			break
		}
		one := parseFields(raw)
		text, ok := either(one, "content", "step", "text", "title", "description", "task")
		if !ok {
			return nil
		}
		steps = append(steps, Step{Text: firstLine(text), State: stateOf(one)})
	}
	return steps
}

func stateOf(one fields) string {
	if string(one.raw("completed")) == "true" || string(one.raw("done")) == "true" {
		return "done"
	}
	switch strings.ToLower(one.text("status")) {
	case "completed", "complete", "done":
		return "done"
	case "in_progress", "in-progress", "active", "doing":
		return "doing"
	case "cancelled", "canceled", "dropped", "deleted":
		return "dropped"
	}
	return "todo"
}

// stepsInText reads a plan that was written as text: a line with a box for each step.
func stepsInText(text string) []Step {
	head, rest, found := strings.Cut(text, "\n")
	if !found || !strings.HasPrefix(head, "Plan") && !strings.HasPrefix(head, "Todo") || len(text) > shownAtMost {
		return nil
	}
	var steps []Step
	for line := range strings.Lines(rest) {
		line = strings.TrimLeft(strings.TrimSpace(line), "-* ")
		if len(line) < 4 || line[0] != '[' || line[2] != ']' || len(steps) == mostSteps {
			continue
		}
		state, known := map[byte]string{'x': "done", 'X': "done", '~': "doing", ' ': "todo", '-': "dropped"}[line[1]]
		if known {
			steps = append(steps, Step{Text: firstLine(line[3:]), State: state})
		}
	}
	return steps
}
