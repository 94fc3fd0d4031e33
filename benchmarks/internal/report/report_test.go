package report_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"jrweb/benchmarks/internal/report"
)

// contender measures the given values, one a round, and notes that it had its turn.
func contender(name string, turns *[]string, values ...float64) report.Contender {
	return report.Contender{Name: name, Measure: func(_ context.Context, r report.Round) (report.Figures, error) {
		*turns = append(*turns, name)
		return report.Figures{"events/s": values[r.Number]}, nil
	}}
}

func run(t *testing.T, e *report.Experiment, rounds int) (*report.Result, error) {
	t.Helper()
	return report.Run(t.Context(), e, &report.Options{Rounds: rounds, Dir: t.TempDir(), Progress: func(string) {}})
}

// The medians alone would give 3 / 10: a ratio of figures from different rounds.
func TestARatioIsFormedWithinARound(t *testing.T) {
	var turns []string
	e := &report.Experiment{
		Title:      "x",
		Contenders: []report.Contender{contender("a", &turns, 2, 30, 3), contender("b", &turns, 1, 10, 100)},
		Rows: []report.Row{{
			Name: "a vs b", Ours: report.Figure{Contender: "a", Metric: "events/s"}, Rival: report.Figure{Contender: "b", Metric: "events/s"},
			Wanted: report.AtLeast(2.5), Reason: "b is fast.",
		}},
	}
	result, err := run(t, e, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(turns, want) {
		t.Errorf("turns: %v, want %v", turns, want)
	}
	summary, err := report.Summary([]*report.Result{result})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| a vs b | **2** | 0.03 – 3 | ≥ 2.5 | not reached |", "- **a vs b**: b is fast."} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, summary)
		}
	}
}

func TestARowWhoseFigureNobodyMeasuredIsAnError(t *testing.T) {
	var turns []string
	result, err := run(t, &report.Experiment{
		Contenders: []report.Contender{contender("a", &turns, 1)},
		Rows:       []report.Row{{Name: "r", Ours: report.Figure{Contender: "a", Metric: "event/s"}}},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Summary([]*report.Result{result}); err == nil {
		t.Error("no error")
	}
}

func TestARowOfAContenderThatCannotBeMeasuredSaysWhy(t *testing.T) {
	var turns []string
	missing := report.Contender{Name: "b", Measure: func(context.Context, report.Round) (report.Figures, error) {
		turns = append(turns, "b")
		return nil, report.NotMeasured("no history")
	}}
	result, err := run(t, &report.Experiment{
		Contenders: []report.Contender{contender("a", &turns, 1, 2), missing},
		Rows: []report.Row{
			{Name: "a vs b", Ours: report.Figure{Contender: "a", Metric: "events/s"}, Rival: report.Figure{Contender: "b", Metric: "events/s"}, Wanted: report.AtLeast(1)},
			{Name: "a alone", Ours: report.Figure{Contender: "a", Metric: "events/s"}, Wanted: report.AtLeast(1)},
		},
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a"}; !slices.Equal(turns, want) {
		t.Errorf("turns: %v, want %v", turns, want)
	}
	summary, err := report.Summary([]*report.Result{result})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| a vs b | – | – | ≥ 1 | not measured: no history |", "| a alone | **1.5** |"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %q:\n%s", want, summary)
		}
	}
}

func TestAContenderThatFailsEndsTheExperimentAndLeavesNoFile(t *testing.T) {
	dir, broken, after := t.TempDir(), errors.New("broken"), 0
	_, err := report.Run(t.Context(), &report.Experiment{
		After: func() error { after++; return nil },
		Contenders: []report.Contender{{Name: "a", Measure: func(_ context.Context, r report.Round) (report.Figures, error) {
			return nil, errors.Join(broken, os.WriteFile(r.Dir+"/file", nil, 0o600))
		}}},
	}, &report.Options{Rounds: 2, Dir: dir, Progress: func(string) {}})
	if !errors.Is(err, broken) || after != 1 {
		t.Errorf("error %v, After was called %d times", err, after)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestABoundIsReachedFromItsSide(t *testing.T) {
	for _, c := range []struct {
		wanted  report.Wanted
		value   float64
		reached bool
	}{
		{report.AtLeast(2), 2, true}, {report.AtLeast(2), 1.9, false},
		{report.AtMost(2), 2, true}, {report.AtMost(2), 2.1, false}, {report.Wanted{}, 0, true},
	} {
		if got := c.wanted.Reached(c.value); got != c.reached {
			t.Errorf("%v is %s: %t", c.value, c.wanted, got)
		}
	}
}
