package page

import (
	"html/template"

	"jrweb/eventlog"
)

// outcomeView is what a run came to: the transcript below it is the evidence.
type outcomeView struct {
	Status, Title, Reason string
	Answer                *prose
	AnswerLink            template.URL
	AnswerID              string
	Files                 []fileView
	MoreFiles             bool
	Changes               changes
	Tests                 []testView
	Errors                int
}

// fileView is a file that was changed, with the edits that did it.
type fileView struct {
	Path    string
	Changes changes
	Edits   []editView
}

// editView is one edit of a file, and the event that made it.
type editView struct {
	Link     template.URL
	ID       string
	Sequence uint64
	Diffs    []diffView
}

// testView is a run of tests.
type testView struct {
	testRun
	Link template.URL
	ID   string
}

// outcome is the view of a session that has ended, nil of one that goes on. quoted are
// the events that it shows parts of, those of them that there are.
func (v *view) outcome(s *Summary, quoted map[uint64]*eventlog.Event) *outcomeView {
	if s == nil || s.status == "" {
		return nil
	}
	o := &outcomeView{Status: s.status, Title: s.Now.What, Reason: s.reason, MoreFiles: s.moreFiles, Errors: s.errors}
	if e := quoted[s.answer]; e != nil && s.answer != 0 {
		r := v.row(&Entry{s.Session, *e})
		o.Answer, o.AnswerLink, o.AnswerID = r.Prose, r.Link, r.Mark.ID
	}
	for _, t := range s.tests {
		link, id := v.place(s.Session, t.Sequence)
		o.Tests = append(o.Tests, testView{t, link, id})
	}
	for i := range s.files {
		f := fileView{Path: s.files[i].path, Changes: s.files[i].changes}
		o.Changes.Added += f.Changes.Added
		o.Changes.Removed += f.Changes.Removed
		for _, sequence := range s.files[i].edits {
			link, id := v.place(s.Session, sequence)
			f.Edits = append(f.Edits, editView{Link: link, ID: id, Sequence: sequence, Diffs: v.diffsOf(s.Session, quoted[sequence], f.Path)})
		}
		o.Files = append(o.Files, f)
	}
	return o
}

// place is where an event stands, and the id of its row.
func (v *view) place(session eventlog.SessionID, sequence uint64) (link template.URL, id string) {
	r := &row{Mark: mark{ID: v.idOf(eventlog.Cursor{Session: session, Sequence: sequence})}}
	v.link(r, eventlog.Cursor{Session: session, Sequence: sequence})
	return r.Link, r.Mark.ID
}

// diffsOf are the edits of one file in a call.
func (v *view) diffsOf(session eventlog.SessionID, call *eventlog.Event, path string) []diffView {
	if call == nil {
		return nil
	}
	r := v.row(&Entry{session, *call})
	if r.Tool == nil {
		return nil
	}
	var diffs []diffView
	for _, d := range r.Tool.Diffs {
		if d.path == "" || d.path == path || shortPath(d.path, v.cwd) == path {
			diffs = append(diffs, d)
		}
	}
	return diffs
}

// filesChanged says how many files were changed.
func filesChanged(o *outcomeView) string {
	text := plural(len(o.Files), "file") + " changed"
	if o.MoreFiles {
		return "More than " + text
	}
	return text
}
