package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
	"jrweb/eventlog"
)

const openTime = "open, ms"

// reads measures what depends on how much is in a log, and should not.
func reads() *report.Experiment {
	short, long, size := 100_000, 1_000_000, int64(1<<30)
	if small {
		short, long, size = short/100, long/100, size/100
	}
	var log *archive
	resume := func(session int) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureResume(ctx, r, self, log.sessions[session], log.path)
		}
	}
	openLog := func() (func() error, error) {
		l, err := eventlog.Open(log.path, &eventlog.Options{KeepOpen: true})
		if err != nil {
			return nil, err
		}
		return l.Close, nil
	}
	openBbolt := func() (func() error, error) {
		db, err := bbolt.Open(log.path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return nil, err
		}
		return db.Close, nil
	}
	opening := func(open func() (func() error, error), cold bool) func(context.Context, report.Round) (report.Figures, error) {
		return func(context.Context, report.Round) (report.Figures, error) { return measureOpen(log.path, open, cold) }
	}
	names := []string{fmt.Sprintf("resume of %d", short), fmt.Sprintf("resume of %d", long)}
	return &report.Experiment{
		Title: "Resume, and the opening of a log",
		Note: fmt.Sprintf("One file of %d MB. Resume: a new connection, a request with a cursor ten events before the head, until the tenth event is there; "+
			"the server is a process of its own. Cold: after the file has left the page cache.", size/1e6),
		Before: func(ctx context.Context, dir string) (err error) {
			log, err = makeArchive(ctx, dir, []int{short, long}, size)
			return err
		},
		Contenders: []report.Contender{
			{Name: names[0], Measure: resume(0)},
			{Name: names[1], Measure: resume(1)},
			{Name: "open", Measure: opening(openLog, false)},
			{Name: "open, cold", Measure: opening(openLog, true)},
			{Name: "bbolt.Open", Measure: opening(openBbolt, false)},
			{Name: "bbolt.Open, cold", Measure: opening(openBbolt, true)},
		},
		Rows: []report.Row{
			{Name: sized("resume of the last 10 of 100,000"), Ours: report.Figure{Contender: names[0], Metric: p50}, Unit: "ms", Wanted: report.AtMost(0.5)},
			{Name: sized("resume of the last 10 of 1,000,000"), Ours: report.Figure{Contender: names[1], Metric: p50}, Unit: "ms", Wanted: report.AtMost(0.5)},
			{
				Name: "the latter vs the former",
				Ours: report.Figure{Contender: names[1], Metric: p50}, Rival: report.Figure{Contender: names[0], Metric: p50},
				Wanted: report.AtMost(1.1),
			},
			{Name: sized("open of a 1 GB log"), Ours: report.Figure{Contender: "open", Metric: openTime}, Unit: "ms", Wanted: report.AtMost(50)},
			{Name: sized("open of a 1 GB log, cold"), Ours: report.Figure{Contender: "open, cold", Metric: openTime}, Unit: "ms"},
		},
	}
}

// measureResume resumes again and again, each time over a new connection.
func measureResume(ctx context.Context, r report.Round, b build, s archived, path string) (figures report.Figures, err error) {
	p, err := b.start(ctx, "jrweb-file", path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	stream := replay{address: p.Ready, session: s, after: s.Events - 10, buffer: make([]byte, 64<<10)}
	var latencies []time.Duration
	for end := time.Now().Add(r.Duration); time.Now().Before(end); {
		began := time.Now()
		if err := stream.run(ctx); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(began))
	}
	return drive.Figures(latencies, r.Duration)
}

// measureOpen opens a log, and closes it again, which does not count.
func measureOpen(path string, open func() (func() error, error), cold bool) (report.Figures, error) {
	if cold {
		if err := forget(path); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	closer, err := open()
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	if err := closer(); err != nil {
		return nil, err
	}
	return report.Figures{openTime: drive.Milliseconds(took)}, nil
}

// forget takes a file out of the page cache.
func forget(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sync(); err != nil { // only pages that are clean can go
		return err
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("take %s out of the page cache: %w", path, err)
	}
	return nil
}
