package page

import (
	"encoding/json"
	"fmt"
	"strings"
)

// plan is what an agent says that it will do, step by step.
type plan struct{ steps []step }

type step struct {
	Text  string
	State string // done, doing, todo or dropped
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

func (p *plan) fromStatus(data fields) {
	if steps := stepsIn(data); steps != nil {
		p.take(steps)
		return
	}
	p.take(stepsInText(data.text("content")))
}

func (p *plan) take(steps []step) {
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

func progressOf(steps []step) string {
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
func stepsIn(object fields) []step {
	for _, name := range planLists {
		if steps := stepsOf(elements(object.raw(name))); steps != nil {
			return steps
		}
	}
	return nil
}

func stepsOf(list []json.RawMessage) []step {
	var steps []step
	for _, raw := range list {
		if len(steps) == mostSteps {
			break
		}
		one := parseFields(raw)
		text, ok := either(one, "content", "step", "text", "title", "description", "task")
		if !ok {
			return nil
		}
		steps = append(steps, step{Text: firstLine(text), State: stateOf(one)})
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
	case "cancelled", "canceled", "dropped":
		return "dropped"
	}
	return "todo"
}

// stepsInText reads a plan that was written as text: a line with a box for each step.
func stepsInText(text string) []step {
	head, rest, found := strings.Cut(text, "\n")
	if !found || !strings.HasPrefix(head, "Plan") && !strings.HasPrefix(head, "Todo") || len(text) > shownAtMost {
		return nil
	}
	var steps []step
	for line := range strings.Lines(rest) {
		line = strings.TrimLeft(strings.TrimSpace(line), "-* ")
		if len(line) < 4 || line[0] != '[' || line[2] != ']' || len(steps) == mostSteps {
			continue
		}
		state, known := map[byte]string{'x': "done", 'X': "done", '~': "doing", ' ': "todo", '-': "dropped"}[line[1]]
		if known {
			steps = append(steps, step{Text: firstLine(line[3:]), State: state})
		}
	}
	return steps
}
