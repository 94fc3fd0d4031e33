package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// question is what an agent asks a person.
type question struct {
	id      string // by which the answer names it
	call    string // the call that waits for the answer
	text    string
	options []option
	more    data
}

// option is an answer to choose from.
type option struct{ value, label, description string }

// A question tells so many answers, of so many bytes: then it stays whole, whatever else
// of it is cut.
const (
	mostOptions = 20
	mostOption  = 200
)

// mostQuestions bounds what is remembered of questions without an answer.
const mostQuestions = 100

// asks adds a question. Until it is answered, or the agent goes on, the run waits for a
// person. Some agents tell a question twice: as a call, and as a request to the program
// around them.
func (out *output) asks(q question) {
	q.text = cmp.Or(strings.TrimSpace(q.text), "The agent asks a person")
	q.call = cmp.Or(q.call, q.id)
	if !out.remember(q) {
		return
	}
	d := data(nil).text("content", q.text)
	if len(q.options) > 0 {
		var list []json.RawMessage
		for _, o := range q.options[:min(len(q.options), mostOptions)] {
			list = append(list, data(nil).text("value", beginning(o.value, mostOption)).
				text("label", beginning(cmp.Or(o.label, o.value), mostOption)).some("description", beginning(o.description, mostOption)).object())
		}
		d = d.raw("options", partsOf(list))
	}
	if q.call != q.id {
		d = d.some("call_id", q.call)
	}
	out.add(eventlog.TypeQuestion, "", append(d, comma(q.more)...))
}

// remember keeps a question until it is answered. It returns false if it is one that was
// told already.
func (out *output) remember(q question) bool {
	if out.nested() {
		return true
	}
	out.working()
	for i := range out.progress.asked {
		if known := &out.progress.asked[i]; known.text == q.text && (known.call == q.call || known.id == "" || q.call == q.id) {
			known.id = cmp.Or(q.id, known.id)
			return false
		}
	}
	if len(out.progress.asked) < mostQuestions {
		out.progress.asked = append(out.progress.asked, question{id: q.id, call: q.call, text: q.text})
	}
	return true
}

// answered says that a question, or what a call asked, has its answer. An empty id
// stands for all.
func (out *output) answered(id string) {
	if out.nested() {
		return
	}
	var open []question
	for _, q := range out.progress.asked {
		if id != "" && q.id != id && q.call != id {
			open = append(open, q)
		}
	}
	out.progress.asked = open
}

// waits reports whether the run waits for a person's answer.
func (out *output) waits() bool { return len(out.progress.asked) > 0 }

// asksIn adds the questions of a call that is one: agents ask by tools of their own.
func (out *output) asksIn(call, tool string, args json.RawMessage) {
	switch strings.ToLower(tool) {
	case "askuserquestion", "ask_user_question", "ask_user", "askuser", "ask_question", "askquestion", "request_user_input",
		"ask_followup_question", "question":
	case "exitplanmode", "exit_plan_mode":
		out.asks(question{call: call, text: "The plan is ready. May it be carried out?"})
		return
	default:
		return
	}
	o := parseObject(args)
	asked := questionsOf(o.list("questions"))
	if asked == nil {
		asked = questionsOf([]json.RawMessage{args})
	}
	for _, q := range asked {
		q.call = call
		out.asks(q)
	}
}

// questionsOf reads questions, in the shapes that agents give them.
func questionsOf(list []json.RawMessage) []question {
	var some []question
	for _, raw := range list {
		o := parseObject(raw)
		q := question{text: cmp.Or(o.text("question", "prompt", "message", "header", "title"), textOf(raw))}
		for _, name := range []string{"options", "choices", "suggest", "follow_up"} {
			q.options = append(q.options, optionsOf(o.list(name))...)
		}
		if q.text != "" {
			some = append(some, q)
		}
	}
	return some
}

// optionsOf reads answers to choose from: words, or objects.
func optionsOf(list []json.RawMessage) []option {
	var some []option
	for _, raw := range list {
		o := parseObject(raw)
		label := cmp.Or(o.text("label", "name", "title", "text", "answer"), textOf(raw))
		value := cmp.Or(o.text("optionId", "value", "id", "const"), label)
		if value != "" {
			some = append(some, option{value: value, label: label, description: o.text("description")})
		}
	}
	return some
}

// decided tells what a person, or a rule, decided of a permission.
func (out *output) decided(id, decision string, more data) {
	out.answered(id)
	out.note(eventlog.TypeGuardrail, "Permission: "+cmp.Or(decision, "answered"), more)
}
