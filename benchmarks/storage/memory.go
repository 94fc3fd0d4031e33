package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/report"
)

const (
	idleResident = "resident when idle, MiB"
	peakResident = "resident over idle at the peak, MiB"
	peakOwn      = "of it not pages of the file, MiB"
)

// replayMemory measures what a server's memory grows by while it serves much.
func replayMemory() *report.Experiment {
	const clients = 20
	events := 16 << 20 / eventBytes
	if small {
		events /= 100
	}
	var log *archive
	measure := func(sessions int) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, _ report.Round) (report.Figures, error) {
			return measureReplayMemory(ctx, log, clients, sessions)
		}
	}
	return &report.Experiment{
		Title: "Memory while clients replay",
		Note: "20 clients at the same time replay 16 MiB of events each, all of them one run, or each a run of its own. Resident memory includes the pages of the " +
			"database file that are mapped, which the kernel takes back when it needs them.",
		Before: func(ctx context.Context, dir string) (err error) {
			lengths := make([]int, clients)
			for i := range lengths {
				lengths[i] = events
			}
			log, err = makeArchive(ctx, dir, lengths, 0)
			return err
		},
		Contenders: []report.Contender{
			{Name: "one run", Measure: measure(1)},
			{Name: "a run each", Measure: measure(clients)},
		},
		Rows: []report.Row{
			{Name: sized("memory over idle while 20 clients replay 16 MiB each, one run"), Ours: report.Figure{Contender: "one run", Metric: peakResident}, Unit: "MiB", Wanted: report.AtMost(64)},
			{Name: "the same, a run each, pages of the file not counted", Ours: report.Figure{Contender: "a run each", Metric: peakOwn}, Unit: "MiB", Wanted: report.AtMost(64)},
		},
	}
}

func measureReplayMemory(ctx context.Context, log *archive, clients, sessions int) (figures report.Figures, err error) {
	p, err := child.Self(ctx, "jrweb-file", log.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	idle, err := residentMemory(p.Pid)
	if err != nil {
		return nil, err
	}
	peak, own := idle.all, idle.own
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			stream := replay{address: p.Ready, session: log.sessions[c%sessions], buffer: make([]byte, 64<<10)}
			errs[c] = stream.run(ctx)
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for running := true; running; {
		select {
		case <-look.C:
		case <-ended:
			running = false
		}
		now, err := residentMemory(p.Pid)
		if err != nil {
			return nil, err
		}
		peak, own = max(peak, now.all), max(own, now.own)
	}
	const mib = 1 << 10 // in KiB
	return report.Figures{
		idleResident: float64(idle.all) / mib,
		peakResident: float64(peak-idle.all) / mib,
		peakOwn:      float64(own-idle.own) / mib,
	}, errors.Join(errs...)
}

// resident is what a process has in memory, in KiB.
type resident struct {
	all int64
	own int64 // without the pages of files
}

func residentMemory(pid int) (m resident, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch string(name) {
		case "VmRSS":
			m.all, err = kibibytes(value)
		case "RssAnon":
			m.own, err = kibibytes(value)
		}
		if err != nil {
			return m, fmt.Errorf("memory of process %d: %w", pid, err)
		}
	}
	return m, nil
}

func kibibytes(value []byte) (int64, error) {
	return strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
}
