package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options say how experiments are run.
type Options struct {
	// Rounds is how often each contender is measured, at least 1.
	Rounds int
	// Duration is for how long a contender is measured in a round.
	Duration time.Duration
	// Dir is where the contenders' folders are made: its disk is measured.
	Dir string
	// Progress is called with each thing that is begun.
	Progress func(what string)
}

// Result is what an experiment measured.
type Result struct {
	Experiment *Experiment
	// rounds are the figures by contender, a slice entry a round.
	rounds map[string][]Figures
	// missing are the contenders that could not be measured.
	missing map[string]NotMeasured
}

// Run runs one experiment.
func Run(ctx context.Context, e *Experiment, o *Options) (result *Result, err error) {
	dir, err := os.MkdirTemp(o.Dir, "jrweb-benchmark-")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Title, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if e.Before != nil {
		o.Progress(e.Title + ": preparing")
		shared := filepath.Join(dir, "shared")
		if err := os.Mkdir(shared, 0o700); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Title, err)
		}
		if err := e.Before(ctx, shared); err != nil {
			return nil, fmt.Errorf("%s: prepare: %w", e.Title, err)
		}
	}
	if e.After != nil {
		defer func() { err = errors.Join(err, e.After()) }()
	}
	result = &Result{Experiment: e, rounds: map[string][]Figures{}, missing: map[string]NotMeasured{}}
	for n := range o.Rounds {
		for _, c := range e.Contenders {
			if result.missing[c.Name] != "" {
				continue
			}
			o.Progress(fmt.Sprintf("%s: round %d of %d: %s", e.Title, n+1, o.Rounds, c.Name))
			figures, err := turn(ctx, &c, Round{n, o.Duration, filepath.Join(dir, "turn")})
			if missing, ok := errors.AsType[NotMeasured](err); ok {
				result.missing[c.Name] = missing
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", e.Title, c.Name, err)
			}
			result.rounds[c.Name] = append(result.rounds[c.Name], figures)
		}
	}
	return result, nil
}

func turn(ctx context.Context, c *Contender, r Round) (figures Figures, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(r.Dir, 0o700); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.Dir)) }()
	return c.Measure(ctx, r)
}

// Values returns a figure's value in each round, nil if it was not measured.
func (r *Result) Values(f Figure) []float64 {
	var values []float64
	for _, figures := range r.rounds[f.Contender] {
		if v, ok := figures[f.Metric]; ok {
			values = append(values, v)
		}
	}
	return values
}

// ratios returns what a row is about, a value a round. The error wraps
// [NotMeasured] if a contender could not be measured.
func (r *Result) ratios(row *Row) ([]float64, error) {
	for _, f := range []Figure{row.Ours, row.Rival} {
		if missing := r.missing[f.Contender]; missing != "" {
			return nil, missing
		}
	}
	ours := r.Values(row.Ours)
	if len(ours) == 0 {
		return nil, fmt.Errorf("%s: nothing measured %q of %q", row.Name, row.Ours.Metric, row.Ours.Contender)
	}
	if row.Rival == (Figure{}) {
		return ours, nil
	}
	rival := r.Values(row.Rival)
	if len(rival) != len(ours) {
		return nil, fmt.Errorf("%s: %q of %q was measured in %d rounds of %d", row.Name, row.Rival.Metric, row.Rival.Contender, len(rival), len(ours))
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / rival[i]
	}
	return ratios, nil
}

// Median returns the middle of the values, which must not be empty, or the mean
// of the two in the middle.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
