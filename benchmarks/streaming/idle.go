package streaming

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jrweb/benchmarks/internal/processor"
	"jrweb/benchmarks/internal/report"
)

// idleStreams is how many streams are open while nothing happens.
const idleStreams = 10_000

const (
	idleMemory = "KiB a stream"
	idleUse    = "% of a processor"
)

// idleStreamMemory compares what streams take on which nothing comes.
func idleStreamMemory() *report.Experiment {
	return &report.Experiment{
		Title: "Memory of idle streams",
		Note: "10,000 streams over HTTP/1.1 that have had their first bytes and wait. Memory of the process that is not pages of files, less what it was before the streams, " +
			"after a garbage collection; the kernel's buffers are not in it. net/http: a handler that flushes its header and waits for the end of the request.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measureIdleMemory(ctx, "jrweb", filepath.Join(r.Dir, "jr.db"))
			}},
			{Name: "net/http", Measure: func(ctx context.Context, _ report.Round) (report.Figures, error) {
				return measureIdleMemory(ctx, "net/http")
			}},
		},
		Rows: []report.Row{{
			Name: "idle stream, memory, HTTP/1.1, vs net/http's own",
			Ours: report.Figure{Contender: "jrweb", Metric: idleMemory}, Rival: report.Figure{Contender: "net/http", Metric: idleMemory},
			Wanted: report.AtMost(0.25), Reason: reasons["idle memory"],
		}},
	}
}

func measureIdleMemory(ctx context.Context, kind ...string) (report.Figures, error) {
	var empty int
	one := func(ctx context.Context, s *stage) (_ report.Figures, err error) {
		empty, err = s.memory(ctx)
		return nil, err
	}
	if _, err := withStage(ctx, 0, kind, one); err != nil {
		return nil, err
	}
	return withStage(ctx, idleStreams, kind, func(ctx context.Context, s *stage) (report.Figures, error) {
		if err := s.settle(ctx); err != nil {
			return nil, err
		}
		full, err := s.memory(ctx)
		return report.Figures{idleMemory: float64(full-empty) / 1024 / idleStreams}, err
	})
}

// memory returns what the server holds beside pages of files, in bytes.
func (s *stage) memory(ctx context.Context) (int, error) {
	if err := s.server.Ask(ctx, "settle", struct{}{}, nil); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.Pid))
	if err != nil {
		return 0, err
	}
	_, line, _ := strings.Cut(string(text), "\nRssAnon:")
	var kib int
	if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d kB", &kib); err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", s.server.Pid, err)
	}
	return kib << 10, nil
}

// idleProcessor shows what streams cost on which nothing but heartbeats comes.
func idleProcessor() *report.Experiment {
	return &report.Experiment{
		Title: "Processor time of idle streams",
		Note: "10,000 streams over HTTP/1.1 with the default settings: a heartbeat every 15 s, a look at the log every 500 ms. Measured for ten times a round: " +
			"with the default of 3 s each stream has two heartbeats.",
		Contenders: []report.Contender{{Name: "jrweb", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureIdleProcessor(ctx, 10*r.Duration, "jrweb", filepath.Join(r.Dir, "jr.db"))
		}}},
		Rows: []report.Row{{
			Name: "idle CPU, 10,000 streams, heartbeats on", Unit: "% of a core",
			Ours: report.Figure{Contender: "jrweb", Metric: idleUse}, Wanted: report.AtMost(2), Reason: reasons["idle processor"],
		}},
	}
}

func measureIdleProcessor(ctx context.Context, duration time.Duration, kind ...string) (report.Figures, error) {
	return withStage(ctx, idleStreams, kind, func(ctx context.Context, s *stage) (report.Figures, error) {
		if err := s.settle(ctx); err != nil {
			return nil, err
		}
		if err := s.server.Ask(ctx, "settle", struct{}{}, nil); err != nil {
			return nil, err
		}
		used, err := processor.Use(func() error {
			select {
			case <-time.After(duration):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, s.server.Pid)
		if err != nil {
			return nil, err
		}
		return report.Figures{idleUse: 100 * used[0]}, nil
	})
}
