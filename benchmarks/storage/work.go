package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
	"jrweb/eventlog"
)

// workerCommand starts a worker that appends to logs and opens them.
const workerCommand = "logs"

// work answers questions about logs. What is asked of an earlier build too may use only
// what its library has.
func work(ctx context.Context, _ []string) error {
	var f filling
	return child.Work(ctx, map[string]child.Answer{
		"appends": child.Answering(workAppends),
		"archive": child.Answering(workArchive),
		"open":    child.Answering(workOpen),
		"begin":   child.Answering(f.begin),
		"fill":    child.Answering(f.fill),
	})
}

type appendsQuestion struct {
	Dir                 string
	Appenders, Sessions int
	Duration            time.Duration
}

const writtenBytes = "bytes to the disk an event"

// workAppends measures appends to a new log, and what this process writes to the disk
// for an event, from the opening of the log to the end of its closing.
func workAppends(ctx context.Context, q appendsQuestion) (figures report.Figures, err error) {
	before, err := written()
	if err != nil {
		return nil, err
	}
	s, err := openJrweb(ctx, q.Dir, q.Appenders, q.Sessions)
	if err != nil {
		return nil, err
	}
	counted := &countingStore{store: s}
	figures, err = drive.Appends(ctx, counted.append, q.Appenders, q.Sessions, q.Duration)
	if err := errors.Join(err, s.close()); err != nil {
		return nil, err
	}
	after, err := written()
	if err != nil {
		return nil, err
	}
	figures[writtenBytes] = float64(after-before) / float64(counted.events.Load())
	return figures, nil
}

// countingStore counts the events that are appended to a store.
type countingStore struct {
	store
	events atomic.Int64
}

func (s *countingStore) append(ctx context.Context, appender, session int) error {
	s.events.Add(1)
	return s.store.append(ctx, appender, session)
}

// written is how many bytes this process has made the kernel write to disks. What was
// taken back before it was written, because its file was removed, does not count.
func written() (int64, error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	var sum int64
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		sign := int64(1)
		switch string(name) {
		case "cancelled_write_bytes":
			sign = -1
		case "write_bytes":
		default:
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/self/io: %w", err)
		}
		sum += sign * n
	}
	return sum, nil
}

type archiveQuestion struct {
	Dir     string
	Lengths []int
	Size    int64
}

func workArchive(ctx context.Context, q archiveQuestion) ([]archived, error) {
	a, err := makeArchive(ctx, q.Dir, q.Lengths, q.Size)
	if err != nil {
		return nil, err
	}
	return a.sessions, nil
}

type openQuestion struct {
	Path     string
	Duration time.Duration // how long to open it again and again; 0: once
}

// workOpen measures the opening of a log: the median, if it is opened again and again.
func workOpen(_ context.Context, q openQuestion) (report.Figures, error) {
	open := func() (func() error, error) {
		log, err := eventlog.Open(q.Path, &eventlog.Options{KeepOpen: true})
		if err != nil {
			return nil, err
		}
		return log.Close, nil
	}
	var took []float64
	for began := time.Now(); len(took) == 0 || time.Since(began) < q.Duration; {
		figures, err := measureOpen(q.Path, open, false)
		if err != nil {
			return nil, err
		}
		took = append(took, figures[openTime])
	}
	return report.Figures{openTime: report.Median(took)}, nil
}

// filling is a log whose journal is filled until this process is killed.
type filling struct {
	log      *eventlog.Log
	sessions []*eventlog.Session
}

// begin makes a log of many sessions in a folder, closes it, so that the file has all of
// it, and opens it again. Then it appends one event: from then on the file has a journal.
func (f *filling) begin(ctx context.Context, dir string) (path string, err error) {
	const sessions = 1000
	s, err := openJrweb(ctx, dir, 0, sessions)
	if err != nil {
		return "", err
	}
	if err := s.close(); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "jr.db")
	if f.log, err = eventlog.Open(path, &eventlog.Options{KeepOpen: true}); err != nil {
		return "", err
	}
	for _, old := range s.(*jrwebStore).sessions {
		f.sessions = append(f.sessions, f.log.Session(old.Task(), old.ID()))
	}
	_, err = f.sessions[0].Append(ctx, event())
	return path, err
}

// fill appends as fast as it can, for as long as the process lives.
func (f *filling) fill(ctx context.Context, appenders int) (never struct{}, err error) {
	errs := make(chan error, appenders)
	for a := range appenders {
		go func() {
			random := rand.New(rand.NewPCG(uint64(a), 2)) //nolint:gosec // reproducible, not secret
			for {
				if _, err := f.sessions[random.IntN(len(f.sessions))].Append(ctx, event()); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return never, <-errs
}
