package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
)

// Metrics of growth.
const (
	appendCost = "append, µs an event"
	readCost   = "read, µs an event"
)

// growing is a log that grows from contender to contender within a round.
type growing struct {
	dir   string
	round int
	log   *jrwebStore
	held  int // events in the first session
}

// open returns the log of a round, a new one if the round has just begun.
func (g *growing) open(ctx context.Context, round int) (*jrwebStore, error) {
	if g.log != nil && g.round == round {
		return g.log, nil
	}
	if err := g.close(); err != nil {
		return nil, err
	}
	dir := filepath.Join(g.dir, fmt.Sprint(round))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := openJrweb(ctx, dir, 0, 0)
	if err != nil {
		return nil, err
	}
	g.log, g.round, g.held = s.(*jrwebStore), round, 0
	return g.log, nil
}

func (g *growing) close() error {
	if g.log == nil {
		return nil
	}
	err := errors.Join(g.log.close(), os.RemoveAll(filepath.Join(g.dir, fmt.Sprint(g.round))))
	g.log = nil
	return err
}

// sessionGrowth measures an append while a log has more and more open sessions.
func sessionGrowth() *report.Experiment {
	var g growing
	e := growthExperiment(&g, "Cost of an append as sessions grow", "growth-sessions.svg", "sessions", decades(0, 5, small), appendCost)
	e.Note = "64 appenders, each to a session drawn at random of so many, all of which are open. With up to 64 sessions, several events of a commit go to the same " +
		"session; beyond, every event of a commit changes a session, a task and their indexes of its own."
	for i, sessions := range e.points {
		e.Contenders[i].Measure = func(ctx context.Context, r report.Round) (report.Figures, error) {
			s, err := g.open(ctx, r.Number)
			if err != nil {
				return nil, err
			}
			if err := s.start(ctx, sessions); err != nil {
				return nil, err
			}
			figures, err := drive.Appends(ctx, s.append, 64, sessions, r.Duration)
			if err != nil {
				return nil, err
			}
			return report.Figures{appendCost: 1e6 / figures[throughput]}, nil
		}
	}
	return e.Experiment
}

// eventGrowth measures an append and a read while a session has more and more events.
func eventGrowth() *report.Experiment {
	var g growing
	var largest growing // takes too long to be filled in each round
	e := growthExperiment(&g, "Cost of an append and a read as events grow", "growth-events.svg", "events", decades(4, 7, small), appendCost, readCost)
	e.Note = "One session. 64 appenders; before them, one reader that reads a page (up to 1,000 events) after a random cursor. " +
		"The last log is made once, the others anew in each round."
	e.Before = func(_ context.Context, dir string) error {
		g.dir, largest.dir = dir, filepath.Join(dir, "largest")
		return os.Mkdir(largest.dir, 0o700)
	}
	e.After = func() error { return errors.Join(g.close(), largest.close()) }
	for i, events := range e.points {
		last := i == len(e.points)-1
		e.Contenders[i].Measure = func(ctx context.Context, r report.Round) (report.Figures, error) {
			if last {
				r.Number = 0 // its log is the same in all of them
				return largest.measureEvents(ctx, r, events)
			}
			return g.measureEvents(ctx, r, events)
		}
	}
	return e.Experiment
}

func (g *growing) measureEvents(ctx context.Context, r report.Round, events int) (report.Figures, error) {
	s, err := g.open(ctx, r.Number)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, 1); err != nil {
		return nil, err
	}
	if err := fill(ctx, s.sessions[0], g.held, events); err != nil {
		return nil, err
	}
	reads, err := timeReads(ctx, s, events, r.Duration/2)
	if err != nil {
		return nil, err
	}
	figures, err := drive.Appends(ctx, s.append, 64, 1, r.Duration)
	if err != nil {
		return nil, err
	}
	info, err := s.sessions[0].Info(ctx)
	if err != nil {
		return nil, err
	}
	g.held = int(info.Head) // what was measured has added to it
	return report.Figures{appendCost: 1e6 / figures[throughput], readCost: reads}, nil
}

// timeReads returns how many microseconds an event takes to be read, in pages that
// follow random cursors.
func timeReads(ctx context.Context, s *jrwebStore, events int, duration time.Duration) (float64, error) {
	session := s.sessions[0]
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // reproducible, not secret
	began, read := time.Now(), 0
	for time.Since(began) < duration {
		page, err := s.log.Read(ctx, session.Task(), session.ID(), uint64(random.IntN(events)))
		if err != nil {
			return 0, err
		}
		read += len(page.Events)
	}
	return float64(time.Since(began).Nanoseconds()) / 1e3 / float64(read), nil
}

type growth struct {
	*report.Experiment
	points []int
}

// growthExperiment makes an experiment of a contender a point, with a row that sets
// the last point beside the first, and a plot.
func growthExperiment(g *growing, title, plot, axis string, points []int, metrics ...string) growth {
	e := &report.Experiment{
		Title:  title,
		Before: func(_ context.Context, dir string) error { g.dir = dir; return nil },
		After:  g.close,
	}
	name := func(point int) string { return fmt.Sprintf("%d %s", point, axis) }
	for _, point := range points {
		e.Contenders = append(e.Contenders, report.Contender{Name: name(point)})
	}
	first, last := points[0], points[len(points)-1]
	for _, metric := range metrics {
		e.Rows = append(e.Rows, report.Row{
			Name:  fmt.Sprintf("%s: %d %s vs %d", metric, last, axis, first),
			Ours:  report.Figure{Contender: name(last), Metric: metric},
			Rival: report.Figure{Contender: name(first), Metric: metric},
		})
	}
	e.Appendix = func(dir string, r *report.Result) (string, error) {
		var curves []curve
		for _, metric := range metrics {
			c := curve{name: metric}
			for _, point := range points {
				c.add(float64(point), report.Median(r.Values(report.Figure{Contender: name(point), Metric: metric})))
			}
			curves = append(curves, c)
		}
		return fmt.Sprintf("![%s](%s)\n", title, plot), writePlot(filepath.Join(dir, plot), title, axis, "µs", curves)
	}
	return growth{e, points}
}

// decades returns 10^from, …, 10^to, without the last two if few are wanted.
func decades(from, to int, few bool) []int {
	if few {
		to -= 2
	}
	var points []int
	for n, p := 0, 1; n <= to; n, p = n+1, p*10 {
		if n >= from {
			points = append(points, p)
		}
	}
	return points
}
