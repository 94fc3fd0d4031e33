// Package report runs experiments and writes what they measured as Markdown.
//
//		report.Experiment{
//			Title:      "Durable appends",
//			Contenders: []report.Contender{{Name: "jrweb, 1", Measure: ours}, {Name: "bbolt Update, 1", Measure: rival}},
//			Rows: []report.Row{{
//				Name:  "1 appender, vs bbolt Update",
//				Ours:  report.Figure{Contender: "jrweb, 1", Metric: "events/s"},
//				Rival: report.Figure{Contender: "bbolt Update, 1", Metric: "events/s"},
//				Wanted: report.AtLeast(1),
//			}},
//		}
//
//	  - Contenders are measured one after the other, in turns: A B A B.
//	  - A ratio is formed within a round, of figures that stand side by side in
//	    time, and the median of these ratios is what is shown: a machine that
//	    is slow for a minute is slow for both.
//	  - Nothing runs at the same time as a contender.
//
// A contender's first round counts like the others: who needs a warm-up makes
// it within Measure.
package report

import (
	"context"
	"time"
)

// Experiment is a set of contenders that are measured in turns, and the rows
// that are made from their figures.
type Experiment struct {
	// Title heads its tables; Note, which may be empty, stands below it and says
	// what is done, and how each contender is set.
	Title, Note string
	// Before, if not nil, prepares what all rounds share in a folder of its own,
	// which is removed after the last round. After, if not nil, is called once
	// Before has succeeded, after the last round or an error.
	Before func(ctx context.Context, dir string) error
	After  func() error
	// Contenders are measured in this order in each round.
	Contenders []Contender
	// Rows are shown in this order.
	Rows []Row
	// Appendix, if not nil, returns Markdown to be shown below the tables. It
	// may write files, such as plots, into dir, the folder of the report.
	Appendix func(dir string, r *Result) (markdown string, err error)
}

// Contender is one of those that are compared.
type Contender struct {
	Name string
	// Measure measures once. What it starts it ends. With an error that wraps
	// [NotMeasured] the contender is left out.
	Measure func(ctx context.Context, r Round) (Figures, error)
}

// Round is one turn of one contender.
type Round struct {
	// Number counts rounds from 0.
	Number int
	// Duration is for how long to measure.
	Duration time.Duration
	// Dir is an empty folder of this turn, removed after it.
	Dir string
}

// NotMeasured is the error of a contender that cannot be measured here, and says
// why: rows and tables say so in place of its figures.
type NotMeasured string

func (n NotMeasured) Error() string { return "not measured: " + string(n) }

// Figures are what a contender measured: values by metric, such as "events/s".
// All contenders of an experiment use the same names for the same things.
type Figures map[string]float64

// Figure names one figure of an experiment.
type Figure struct {
	Contender, Metric string
}

// Row is one line of the report: how a figure of ours stands to another.
type Row struct {
	Name string
	Ours Figure
	// Rival is what ours is divided by. Zero: Wanted speaks of ours alone.
	Rival Figure
	// Unit is shown behind the figure, and only when there is no rival.
	Unit string
	// Wanted is what the ratio (without a rival, the figure) should be.
	Wanted Wanted
	// Reason says in a sentence why the row is not reached. It is shown only
	// when it is not.
	Reason string
}

// Wanted is a bound. The zero value means that nothing is wanted: the row is
// there to be known.
type Wanted struct {
	bound float64
	most  bool
}

// AtLeast wants a value of this or more.
func AtLeast(bound float64) Wanted { return Wanted{bound: bound} }

// AtMost wants a value of this or less.
func AtMost(bound float64) Wanted { return Wanted{bound: bound, most: true} }

// Reached reports whether the value is what is wanted.
func (w Wanted) Reached(value float64) bool {
	switch {
	case w == Wanted{}:
		return true
	case w.most:
		return value <= w.bound
	default:
		return value >= w.bound
	}
}

func (w Wanted) String() string {
	switch {
	case w == Wanted{}:
		return "–"
	case w.most:
		return "≤ " + number(w.bound)
	default:
		return "≥ " + number(w.bound)
	}
}
