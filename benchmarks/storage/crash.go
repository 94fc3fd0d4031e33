package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"jrweb/benchmarks/internal/report"
)

const journalSize = "journal, MiB"

// crashes measures the opening of a log whose journal is as full as it gets.
func crashes() *report.Experiment {
	const contender = "open after a crash"
	return &report.Experiment{
		Title: "Open after a crash",
		Note: "64 appenders append to 1,000 sessions until both halves of the journal are full, and the process is killed (-9). The file is put back to what it was before " +
			"these appends: no checkpoint of them has reached it, as if the disk had been too slow. Then the log is opened, which reads the whole journal and writes it again.",
		Contenders: []report.Contender{{Name: contender, Measure: measureCrash}},
		Rows: []report.Row{{
			Name: "open after a crash with a full journal",
			Ours: report.Figure{Contender: contender, Metric: openTime}, Unit: "ms", Wanted: report.AtMost(1000),
		}},
	}
}

func measureCrash(ctx context.Context, r report.Round) (report.Figures, error) {
	w, err := self.hire()
	if err != nil {
		return nil, err
	}
	var path string
	if err := w.Ask(ctx, "begin", r.Dir, &path); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	filling, kill := context.WithCancel(ctx)
	defer kill()
	asked := make(chan error, 1)
	go func() { asked <- w.Ask(filling, "fill", 64, nil) }()
	full := awaitFull(filling, path, asked)
	kill()
	if full == nil {
		if err := <-asked; err == nil {
			return nil, errors.New("the log was full before its process was killed")
		}
	}
	_ = w.Stop() // says the same
	if full != nil {
		return nil, full
	}
	if err := os.WriteFile(path, before, 0o600); err != nil {
		return nil, err
	}
	sizes, err := segmentSizes(path)
	if err != nil {
		return nil, err
	}
	var figures report.Figures
	if err := self.ask(ctx, "open", openQuestion{Path: path}, &figures); err != nil {
		return nil, err
	}
	figures[journalSize] = float64(sizes[0]+sizes[1]) / (1 << 20)
	return figures, nil
}

// awaitFull waits until both segments of a new journal are full. The first one does not
// grow any more once the second one takes the records.
func awaitFull(ctx context.Context, path string, asked <-chan error) error {
	const (
		fresh = 3 << 20 // a segment that has few records is smaller
		step  = 1 << 20 // how much it grows at once
	)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-asked:
			return fmt.Errorf("fill the journal: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
		sizes, err := segmentSizes(path)
		if err != nil {
			return err
		}
		if sizes[1] > fresh && sizes[1] >= sizes[0]-step {
			return nil
		}
	}
}

func segmentSizes(path string) (sizes [2]int64, err error) {
	for n := range sizes {
		info, err := os.Stat(fmt.Sprintf("%s-journal.%d", path, n))
		if err != nil {
			return sizes, err
		}
		sizes[n] = info.Size()
	}
	return sizes, nil
}
