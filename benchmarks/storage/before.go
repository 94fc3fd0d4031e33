package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/report"
)

// appendsBefore compares appends with those of the store before the journal.
func appendsBefore() *report.Experiment {
	var before older
	appends := func(get func() (build, error), sessions int) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, r report.Round) (figures report.Figures, err error) {
			b, err := get()
			if err != nil {
				return nil, err
			}
			err = b.ask(ctx, "appends", appendsQuestion{Dir: r.Dir, Appenders: 64, Sessions: sessions, Duration: r.Duration}, &figures)
			return figures, err
		}
	}
	ours := func() (build, error) { return self, nil }
	figure := func(contender, metric string) report.Figure {
		return report.Figure{Contender: contender, Metric: metric}
	}
	const one, oneBefore, many, manyBefore = "jrweb, one session", "before, one session", "jrweb, 1,000 s.", "before, 1,000 s."
	return &report.Experiment{
		Title: "Appends, beside the store before the journal",
		Note: "64 appenders, events of 300 bytes, to one session or to one of 1,000 drawn at random. \"Before\" is the same program with the library of the last commit " +
			"whose store had no journal. Each log is new, and in a process of its own. While they append, checkpoints run: over 1,000 sessions one begins about " +
			"every 10,000 to 15,000 events. Bytes to the disk: what the process has made the kernel write (`write_bytes` of `/proc/self/io`), from the opening of the log to the " +
			"end of its closing, so with all checkpoints, by the events appended.",
		Before: before.make,
		Contenders: []report.Contender{
			{Name: one, Measure: appends(ours, 1)},
			{Name: oneBefore, Measure: appends(before.get, 1)},
			{Name: many, Measure: appends(ours, 1000)},
			{Name: manyBefore, Measure: appends(before.get, 1000)},
		},
		Rows: []report.Row{
			{
				Name: "64 appenders, one session, vs the store before the journal",
				Ours: figure(one, throughput), Rival: figure(oneBefore, throughput), Wanted: report.AtLeast(1.6),
				Reason: reasonOneSessionBefore,
			},
			{
				Name: "64 appenders over 1,000 sessions, vs the store before the journal",
				Ours: figure(many, throughput), Rival: figure(manyBefore, throughput), Wanted: report.AtLeast(3),
				Reason: reasonManySessions,
			},
			{
				Name: "p99 of these while checkpoints run, vs the store before the journal",
				Ours: figure(many, p99), Rival: figure(manyBefore, p99), Wanted: report.AtMost(1),
			},
			{
				Name: "bytes to the disk an event of 300 B over 1,000 sessions, checkpoints and close included, vs the store before the journal",
				Ours: figure(many, writtenBytes), Rival: figure(manyBefore, writtenBytes), Wanted: report.AtMost(0.25),
			},
		},
	}
}

// readsBefore compares reads with those of the store before the journal.
func readsBefore() *report.Experiment {
	events, size := 100_000, int64(1<<30)
	if small {
		events, size = events/100, size/100
	}
	var before older
	get := []func() (build, error){func() (build, error) { return self, nil }, before.get}
	var logs [2]archive
	measure := func(which int) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, r report.Round) (report.Figures, error) {
			b, err := get[which]()
			if err != nil {
				return nil, err
			}
			return measureReads(ctx, r, b, &logs[which])
		}
	}
	const jrweb, beforeIt = "jrweb", "before"
	row := func(name, metric string, wanted report.Wanted) report.Row {
		return report.Row{
			Name: sized(name + ", vs the store before the journal"),
			Ours: report.Figure{Contender: jrweb, Metric: metric}, Rival: report.Figure{Contender: beforeIt, Metric: metric}, Wanted: wanted,
		}
	}
	return &report.Experiment{
		Title: "Reads, beside the store before the journal",
		Note: fmt.Sprintf("A log of %d MB each, made by the same build that reads it, and closed. A client replays a session of %d events, or resumes it ten events before its head, "+
			"each time over a new connection. Each is measured for a third of a round, the opening in a process of its own, again and again (the median). Idle memory is what the "+
			"server has when it has opened its log, pages of files not counted.", size/1e6, events),
		Before: func(ctx context.Context, dir string) error {
			if err := before.make(ctx, dir); err != nil {
				return err
			}
			for i := range logs {
				b, err := get[i]()
				if errors.As(err, new(report.NotMeasured)) {
					continue
				}
				if err != nil {
					return err
				}
				folder := filepath.Join(dir, fmt.Sprint(i))
				if err := os.Mkdir(folder, 0o700); err != nil {
					return err
				}
				logs[i].path = filepath.Join(folder, "jr.db")
				if err := b.ask(ctx, "archive", archiveQuestion{Dir: folder, Lengths: []int{events}, Size: size}, &logs[i].sessions); err != nil {
					return err
				}
			}
			return nil
		},
		Contenders: []report.Contender{{Name: jrweb, Measure: measure(0)}, {Name: beforeIt, Measure: measure(1)}},
		Rows: []report.Row{
			row("replay of 100,000 events of a 1 GB log", replaysRate, report.AtLeast(0.95)),
			row("resume of the last 10 of 100,000", resumeTime, report.AtMost(1.05)),
			row("open of a 1 GB log", openTime, report.AtMost(1.05)),
			row("idle memory with a 1 GB log", idleOwn, report.AtMost(1.05)),
		},
	}
}

const (
	replaysRate = "replays/s"
	resumeTime  = "resume p50, ms"
	idleOwn     = "memory when idle, MiB"
)

// measureReads measures replay, resume, opening and idle memory of one build.
func measureReads(ctx context.Context, r report.Round, b build, log *archive) (figures report.Figures, err error) {
	r.Duration /= 3
	if err := b.ask(ctx, "open", openQuestion{log.path, r.Duration}, &figures); err != nil {
		return nil, err
	}
	resumed, err := measureResume(ctx, r, b, log.sessions[0], log.path)
	if err != nil {
		return nil, err
	}
	figures[resumeTime] = resumed[p50]
	p, err := b.start(ctx, "jrweb-file", log.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	idle, err := residentMemory(p.Pid)
	if err != nil {
		return nil, err
	}
	figures[idleOwn] = float64(idle.own) / (1 << 10)
	stream := replay{address: p.Ready, session: log.sessions[0], buffer: make([]byte, 64<<10)}
	if err := stream.run(ctx); err != nil { // warms up
		return nil, err
	}
	replays, began := 0, time.Now()
	for ; time.Since(began) < r.Duration; replays++ {
		if err := stream.run(ctx); err != nil {
			return nil, err
		}
	}
	figures[replaysRate] = float64(replays) / time.Since(began).Seconds()
	return figures, nil
}
