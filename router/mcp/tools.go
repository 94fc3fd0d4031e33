package mcp

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"jrweb/eventlog"
	"jrweb/router/client"
	"jrweb/router/price"
)

// tools answer what agents ask. Their answers are bounded by the limits below.
type tools struct{ client *client.Client }

const (
	defaultTasks, mostTasks = 20, 50
	// nameShown, titleShown and descriptionShown are how many bytes of a task's texts a list has.
	nameShown, titleShown, descriptionShown = 60, 120, 200
	// answerShown, mostFiles and pathShown bound an outcome.
	answerShown, mostFiles, pathShown = 24_000, 100, 200
	commandShown                      = 200
)

type listTasksIn struct {
	Query   string `json:"query,omitempty" jsonschema:"words that must all be in the task's id, title, type, project or description"`
	Status  string `json:"status,omitempty" jsonschema:"how the latest session stands: open, succeeded, failed, canceled, interrupted, or none for tasks without one"`
	Agent   string `json:"agent,omitempty" jsonschema:"the agent of the latest session, exactly as in an answer"`
	Model   string `json:"model,omitempty" jsonschema:"its model, exactly as in an answer"`
	Project string `json:"project,omitempty" jsonschema:"the project, exactly as in an answer"`
	Owner   string `json:"owner,omitempty" jsonschema:"who started the latest session, exactly as in an answer"`
	After   string `json:"after,omitempty" jsonschema:"next of the answer before, to go on there"`
	Limit   int    `json:"limit,omitempty" jsonschema:"how many at most: 20 by default, 50 at most"`
}

type listTasksOut struct {
	Tasks []task `json:"tasks"`
	Next  string `json:"next,omitempty" jsonschema:"after of the next call; absent at the end of the list"`
}

type task struct {
	Task        string `json:"task" jsonschema:"the id"`
	Title       string `json:"title,omitempty"`
	Status      string `json:"status" jsonschema:"of the latest session"`
	Agent       string `json:"agent,omitempty"`
	Model       string `json:"model,omitempty"`
	Project     string `json:"project,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Description string `json:"description,omitempty"`
	Updated     string `json:"updated"`
	Sessions    int    `json:"sessions"`
	Cost        string `json:"cost" jsonschema:"≈: estimated, –: nothing is known"`
}

func (t tools) listTasks(ctx context.Context, in listTasksIn) (listTasksOut, error) {
	limit, err := within("limit", in.Limit, defaultTasks, mostTasks)
	if err != nil {
		return listTasksOut{}, err
	}
	page, err := t.client.TasksAfter(ctx, client.TaskFilter{
		Text: in.Query, Status: eventlog.Status(in.Status), Agent: in.Agent, Model: in.Model, Project: in.Project, Owner: in.Owner,
	}, in.After, limit)
	if err != nil {
		return listTasksOut{}, forAgent(err)
	}
	out := listTasksOut{Tasks: []task{}, Next: page.Next}
	for i := range page.Tasks {
		one := &page.Tasks[i]
		out.Tasks = append(out.Tasks, task{
			Task: one.ID, Title: cut(one.Title, titleShown), Status: string(one.Status),
			Agent: cut(one.Agent, nameShown), Model: cut(one.Model, nameShown), Project: cut(one.Project, nameShown), Owner: cut(one.Owner, nameShown),
			Description: cut(one.Description, descriptionShown), Updated: moment(one.Updated), Sessions: one.Sessions, Cost: price.Text(&one.Totals),
		})
	}
	return out, nil
}

type readOutcomeIn struct {
	Task    string `json:"task" jsonschema:"the id of the task"`
	Session string `json:"session,omitempty" jsonschema:"the id of a session; the task's latest by default"`
}

type readOutcomeOut struct {
	Task        string `json:"task"`
	Title       string `json:"title,omitempty"`
	Session     string `json:"session,omitempty" jsonschema:"absent if the task has none yet"`
	Status      string `json:"status"`
	Reason      string `json:"reason,omitempty"`
	Agent       string `json:"agent,omitempty"`
	Model       string `json:"model,omitempty"`
	Cwd         string `json:"cwd,omitempty"`
	Branch      string `json:"branch,omitempty"`
	Started     string `json:"started,omitempty"`
	Ended       string `json:"ended,omitempty"`
	Events      uint64 `json:"events" jsonschema:"the sequence of the last event"`
	Cost        string `json:"cost" jsonschema:"≈: estimated, –: nothing is known"`
	Now         string `json:"now" jsonschema:"what the agent does, or how the session ended"`
	Plan        string `json:"plan,omitempty" jsonschema:"how much of the agent's plan is done"`
	Loop        string `json:"loop,omitempty" jsonschema:"that the agent went round in circles"`
	Answer      string `json:"answer,omitempty" jsonschema:"what the agent said last"`
	AnswerAt    uint64 `json:"answer_at,omitempty" jsonschema:"the sequence of that event"`
	AnswerCut   int    `json:"answer_cut,omitempty" jsonschema:"how many bytes are missing at its end"`
	Files       []file `json:"files" jsonschema:"the files that were changed, with lines added and removed"`
	FilesCut    bool   `json:"files_cut,omitempty" jsonschema:"more files were changed than are listed"`
	Tests       []test `json:"tests" jsonschema:"the latest runs of tests, oldest first"`
	FailedCalls int    `json:"errors" jsonschema:"how many errors and failed tool calls there were"`
}

type file struct {
	Path    string `json:"path"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
}

type test struct {
	Command  string `json:"command"`
	Sequence uint64 `json:"sequence"`
	Failed   bool   `json:"failed"`
}

func (t tools) readOutcome(ctx context.Context, in readOutcomeIn) (readOutcomeOut, error) {
	id, err := sessionOf(in.Session)
	if err != nil {
		return readOutcomeOut{}, err
	}
	o, err := t.client.Outcome(ctx, in.Task, id)
	if err != nil {
		return readOutcomeOut{}, forAgent(err)
	}
	out := readOutcomeOut{
		Task: o.Task, Title: cut(o.Title, titleShown), Status: string(eventlog.StatusNone), Cost: "–", Now: o.Now.What,
		Plan: o.Now.Plan, Loop: o.Now.Loop, Files: []file{}, FilesCut: o.MoreFiles || len(o.Files) > mostFiles, Tests: []test{}, FailedCalls: o.Errors,
	}
	if o.Now.Who != "" {
		out.Now = o.Now.Who + ": " + out.Now
	}
	if o.Now.Detail != "" {
		out.Now += " · " + o.Now.Detail
	}
	if s := o.Session; s != nil {
		out.Session, out.Status, out.Reason, out.Events = s.ID.String(), string(s.Status), cut(s.Reason, descriptionShown), s.Head
		out.Agent, out.Model = cut(s.Agent, nameShown), cut(s.Model, nameShown)
		out.Cwd, out.Branch = cut(s.Cwd, pathShown), cut(s.Branch, nameShown)
		out.Started, out.Ended, out.Cost = moment(s.Started), moment(s.Ended), price.Text(&s.Totals)
	}
	if o.Answer != nil {
		out.Answer = start(o.Answer.Content, answerShown)
		out.AnswerAt, out.AnswerCut = o.Answer.Sequence, o.Answer.Cut+len(o.Answer.Content)-len(out.Answer)
	}
	for _, f := range o.Files[:min(len(o.Files), mostFiles)] {
		out.Files = append(out.Files, file{cut(f.Path, pathShown), f.Added, f.Removed})
	}
	for _, one := range o.Tests {
		out.Tests = append(out.Tests, test{cut(one.Command, commandShown), one.Sequence, one.Failed})
	}
	return out, nil
}

// within is a number that an agent may leave out.
func within(name string, n, fallback, most int) (int, error) {
	if n == 0 {
		return fallback, nil
	}
	if n < 1 || n > most {
		return 0, fmt.Errorf("%s must be from 1 to %d", name, most)
	}
	return n, nil
}

func sessionOf(text string) (eventlog.SessionID, error) {
	if text == "" {
		return eventlog.SessionID{}, nil
	}
	id, err := eventlog.ParseSessionID(text)
	if err != nil {
		return id, fmt.Errorf("%q is not the id of a session", cut(text, nameShown))
	}
	return id, nil
}

// forAgent says what an agent can do about an error.
func forAgent(err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == 404 {
		return fmt.Errorf("%w: list_tasks lists the tasks that there are", err)
	}
	return err
}

// moment is a time, "" if it has not come yet.
func moment(t eventlog.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// cut is a text, with a mark at its end if it had more bytes than so many.
func cut(text string, most int) string {
	if shown := start(text, most); shown != text {
		return shown + "…"
	}
	return text
}

// start is up to so many bytes from the start of a text, whole characters.
func start(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
