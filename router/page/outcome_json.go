package page

// Outcome is what a session came to, or has come to so far, for programs. [Overview] writes
// the same for people.
type Outcome struct {
	// Now is what the agent does, or how the session has ended.
	Now Now `json:"now"`
	// Answer is what the agent itself said last, nil if it has said nothing.
	Answer *Answer `json:"answer"`
	Files  []File  `json:"files"`
	// MoreFiles says that more files were changed than Files has.
	MoreFiles bool   `json:"more_files"`
	Tests     []Test `json:"tests"` // the newest, oldest first
	Errors    int    `json:"errors"`
}

// Answer is a text that an agent wrote.
type Answer struct {
	Sequence uint64 `json:"sequence"`
	Content  string `json:"content"`
	// Cut is how many bytes are missing at its end.
	Cut int `json:"cut"`
}

// File is a file that was changed, by so many lines.
type File struct {
	Path    string `json:"path"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
}

// Test is a run of tests.
type Test struct {
	Command  string `json:"command"`
	Sequence uint64 `json:"sequence"`
	Failed   bool   `json:"failed"`
}

// answerShown is how much of an answer an outcome has.
const answerShown = 64 << 10

// OutcomeOf returns what the session of a page came to: it is the first of p.Sessions, and
// p.Summary is of it.
func OutcomeOf(p TaskPage) Outcome {
	out := Outcome{Now: NewOutline(nil).Now(), Files: []File{}, Tests: []Test{}}
	s := p.Summary
	if s == nil {
		return out
	}
	out.Now, out.MoreFiles, out.Errors = s.Now, s.moreFiles, s.errors
	if e := p.Quoted[s.answer]; e != nil && s.answer != 0 {
		content := parseFields(e.Data).text("content")
		shown := content[:runeStart(content, min(len(content), answerShown))]
		out.Answer = &Answer{Sequence: s.answer, Content: shown, Cut: len(content) - len(shown)}
	}
	for _, t := range s.tests {
		out.Tests = append(out.Tests, Test{Command: t.Command, Sequence: t.Sequence, Failed: t.Failed})
	}
	v := taskView{TaskPage: p, Shown: &p.Sessions[0]}
	outlined := v.view()
	for i := range s.files {
		f := outlined.changedFile(s, &s.files[i], p.Quoted)
		out.Files = append(out.Files, File{Path: f.Path, Added: f.Changes.Added, Removed: f.Changes.Removed})
	}
	return out
}

// Answered is the sequence of what the agent itself said last, 0 if it has said nothing.
func (s *Summary) Answered() uint64 { return s.answer }
