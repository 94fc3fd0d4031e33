package page

import (
	"slices"

	"jrweb/eventlog"
)

// Summary is what a session has come to, as of one moment. It is a copy: the outline
// may go on.
type Summary struct {
	Session eventlog.SessionID
	Now     Now
	UpTo    uint64

	status, reason string
	answer         uint64
	files          []changedFile
	moreFiles      bool
	tests          []testRun
	errors         int
	agents         []agent
	chart          chart
	usd            float64
	estimated      bool // some of it
}

// Summary returns what the session has come to so far.
func (o *Outline) Summary(s *eventlog.SessionInfo) *Summary {
	sum := &Summary{
		Session: s.ID, Now: o.NowIn(s), UpTo: o.upTo,
		status: o.status, reason: o.reason, answer: o.answer, moreFiles: o.work.more, tests: slices.Clone(o.work.tests),
		errors: o.chart.failures(), chart: o.chart, usd: o.spent.usd, estimated: o.spent.estimated,
	}
	sum.chart.stretches = slices.Clone(o.chart.stretches)
	at := map[string]int{} // a file may be named in two ways
	for _, f := range o.work.files {
		path := shortPath(f.path, s.Cwd)
		i, known := at[path]
		if !known {
			i = len(sum.files)
			at[path], sum.files = i, append(sum.files, changedFile{path: path})
		}
		one := &sum.files[i]
		one.changes.Added += f.changes.Added
		one.changes.Removed += f.changes.Removed
		one.edits = append(one.edits, f.edits...)
	}
	for _, a := range o.agents.list {
		sum.agents = append(sum.agents, *a)
	}
	return sum
}

// mostQuotedEdits is how many edits the outcome of a run shows.
const mostQuotedEdits = 60

// Quotes are the events that the outcome shows parts of, if the session has ended.
func (s *Summary) Quotes() []uint64 {
	if s.status == "" {
		return nil
	}
	var all []uint64
	if s.answer != 0 {
		all = append(all, s.answer)
	}
	edits := 0
	for i := range s.files {
		for _, sequence := range s.files[i].edits {
			if edits++; edits > mostQuotedEdits {
				return all
			}
			if !slices.Contains(all, sequence) {
				all = append(all, sequence)
			}
		}
	}
	return all
}
