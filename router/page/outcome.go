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

// fileView is a file that was changed, from its first state to its last.
type fileView struct {
	Path    string
	Changes changes
	Places  []placeView
}

// placeView is a place of a file, and the events that changed it.
type placeView struct {
	Events  []eventLink
	Deleted bool
	Diffs   []diffView
	Size    string // of what is too large to be compared here
}

// eventLink leads to an event.
type eventLink struct {
	Link     template.URL
	ID       string
	Sequence uint64
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
		f := v.changedFile(s, &s.files[i], quoted)
		o.Changes.Added += f.Changes.Added
		o.Changes.Removed += f.Changes.Removed
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

// changedFile composes the edits of a file, as far as they are quoted.
func (v *view) changedFile(s *Summary, file *changedFile, quoted map[uint64]*eventlog.Event) fileView {
	f := fileView{Path: file.path}
	link := func(sequences []uint64) (links []eventLink) {
		for _, sequence := range sequences {
			link, id := v.place(s.Session, sequence)
			links = append(links, eventLink{link, id, sequence})
		}
		return links
	}
	var c composition
	var unquoted []uint64
	for _, sequence := range file.edits {
		e := quoted[sequence]
		if e == nil {
			unquoted = append(unquoted, sequence)
			continue
		}
		data := parseFields(e.Data)
		for _, one := range changedBy(data.text("tool"), parseFields(data.raw("args"))) {
			if path := shorten(one.file); path == f.Path || shortPath(path, v.cwd) == f.Path {
				c.add(one, sequence)
			}
		}
	}
	for _, p := range c.places {
		one := placeView{Events: link(p.events), Deleted: p.deleted}
		switch e := (edit{before: p.before, after: p.after}); {
		case p.deleted:
		case e.before == e.after:
			continue // what was changed was changed back
		case e.size() > comparedAtMost:
			one.Size = byteSize(e.size())
			f.Changes.Added += lineCount(e.after)
			f.Changes.Removed += lineCount(e.before)
		default:
			lines := e.lines()
			f.Changes.count(lines)
			one.Diffs = []diffView{{Lines: lines}}
		}
		f.Places = append(f.Places, one)
	}
	if len(unquoted) > 0 {
		f.Changes = file.changes
		f.Places = append(f.Places, placeView{Events: link(unquoted)})
	}
	return f
}

// filesChanged says how many files were changed.
func filesChanged(o *outcomeView) string {
	text := plural(len(o.Files), "file") + " changed"
	if o.MoreFiles {
		return "More than " + text
	}
	return text
}
