package record

import (
	"jrweb/eventlog/event"
)

// about is what a session event says about its run. Empty fields were not given.
type about struct {
	Agent, Version, Model        string
	Cwd, Branch                  string
	ExternalID, ParentExternalID string
	Title                        string
	prompt                       bool // the title is the first words of a person, not the agent's
}

// Who gave the title in a session event.
const (
	byAgent  = "agent"
	byPrompt = "prompt"
)

// aboutFields are the fields of a session event that the log reads.
var aboutFields = []field{
	{"agent", optional}, {"version", optional}, {"model", optional}, {"cwd", optional}, {"branch", optional},
	{"external_id", optional}, {"parent_external_id", optional}, {"title", optional}, {"title_by", optional},
}

func (p *Prepared) readAbout(o *object) *event.FieldError {
	a := &about{}
	by := byAgent
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"agent", &a.Agent}, {"version", &a.Version}, {"model", &a.Model}, {"cwd", &a.Cwd}, {"branch", &a.Branch},
		{"external_id", &a.ExternalID}, {"parent_external_id", &a.ParentExternalID}, {"title", &a.Title}, {"title_by", &by},
	} {
		if err := optionalName(o, f.name, f.to); err != nil {
			return err
		}
	}
	if by != byAgent && by != byPrompt {
		return wrong("data.title_by", "must be agent or prompt")
	}
	a.prompt = by == byPrompt
	p.About = a
	return nil
}

// learn copies what a session event says to the session and its task. The task is needed
// only if the event has a title.
func (tx *Txn) learn(t *Task, s *Session, a *about) {
	tx.unindex(s)
	for _, f := range []struct {
		said string
		to   *string
	}{
		{a.Agent, &s.Agent}, {a.Version, &s.Version}, {a.Model, &s.Model}, {a.Cwd, &s.Cwd}, {a.Branch, &s.Branch},
		{a.ExternalID, &s.ExternalID}, {a.ParentExternalID, &s.ParentExternalID},
	} {
		if f.said != "" {
			*f.to = f.said
		}
	}
	tx.Index(s)
	tx.Rewrite(s)
	if a.Title == "" {
		return
	}
	if a.prompt {
		t.Prompt = a.Title
	} else {
		t.AgentTitle = a.Title
	}
	tx.Touch(t.ID)
}
