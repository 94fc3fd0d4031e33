package streaming

import (
	"context"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/processor"
	"jrweb/benchmarks/internal/report"
)

const (
	commitP50 = "p50 commit to read, ms"
	commitP99 = "p99 commit to read, ms"
	callP50   = "p50 append call to read, ms"
	callP99   = "p99 append call to read, ms"
	// deliveryUse is processor time by events and streams.
	deliveryUse = "server, µs a delivery"
)

// pacedFanOut compares how late events are that come one at a time.
func pacedFanOut() *report.Experiment {
	const every = time.Second / 20
	return &report.Experiment{
		Title: "Paced fan-out",
		Note: "20 events a second of 300 bytes to 1,000 streams over HTTP/1.1. From the commit (jrweb: when the sync has returned; the raw loop: when it is told) until the client has read " +
			"the event, over all events and streams. What the client needs to read a thousand sockets is in all figures.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measurePaced(ctx, r, fanStreams, every, "jrweb", filepath.Join(r.Dir, "jr.db"))
			}},
			{Name: "raw epoll loop", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measurePaced(ctx, r, fanStreams, every, "raw epoll")
			}},
		},
		Rows: []report.Row{{
			Name: "paced fan-out, 1,000 streams × 20 events/s: p99 commit-to-read vs a raw epoll loop",
			Ours: report.Figure{Contender: "jrweb", Metric: commitP99}, Rival: report.Figure{Contender: "raw epoll loop", Metric: commitP99},
			Wanted: report.AtMost(1.3), Reason: reasons["paced"],
		}},
	}
}

// latency shows what passes between the call of Append and a client that has the event.
func latency() *report.Experiment {
	const every = 5 * time.Millisecond
	ours := func(metric string) report.Figure { return report.Figure{Contender: "jrweb", Metric: metric} }
	return &report.Experiment{
		Title: "End to end",
		Note:  "One appender, an event of 300 bytes every 5 ms, one stream. Append is called in the server's process; the client is another one.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measurePaced(ctx, r, 1, every, "jrweb", filepath.Join(r.Dir, "jr.db"))
			}},
			{Name: "jrweb without disk", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measurePaced(ctx, r, 1, every, "jrweb")
			}},
			{Name: "raw epoll loop (no disk)", Measure: func(ctx context.Context, r report.Round) (report.Figures, error) {
				return measurePaced(ctx, r, 1, every, "raw epoll")
			}},
		},
		Rows: []report.Row{
			{Name: "end to end, append call to client, p50", Ours: ours(callP50), Unit: "ms"},
			{Name: "end to end, append call to client, p99", Ours: ours(callP99), Unit: "ms"},
		},
	}
}

func measurePaced(ctx context.Context, r report.Round, streams int, every time.Duration, kind ...string) (report.Figures, error) {
	return withStage(ctx, streams, kind, func(ctx context.Context, s *stage) (report.Figures, error) {
		if err := s.warm(ctx); err != nil {
			return nil, err
		}
		if _, err := s.paced(ctx, pace{Events: 10, Every: every}); err != nil { // warms up
			return nil, err
		}
		var times paced
		began := time.Now()
		used, err := processor.Use(func() (err error) {
			times, err = s.paced(ctx, pace{Events: max(10, int(r.Duration/every)), Every: every})
			return err
		}, s.server.Pid)
		if err != nil {
			return nil, err
		}
		took := time.Since(began)
		var commit, call percentiles
		if err := s.client.Ask(ctx, "latencies", times.Committed, &commit); err != nil {
			return nil, err
		}
		if err := s.client.Ask(ctx, "latencies", times.Began, &call); err != nil {
			return nil, err
		}
		return report.Figures{commitP50: commit.P50, commitP99: commit.P99, callP50: call.P50, callP99: call.P99,
			deliveryUse: 1e6 * used[0] * took.Seconds() / float64(len(times.Began)*streams)}, nil
	})
}

func (s *stage) paced(ctx context.Context, p pace) (times paced, err error) {
	_, err = s.together(ctx, await{Events: p.Events, Times: true}, func(ctx context.Context) error {
		return s.server.Ask(ctx, "pace", p, &times)
	})
	return times, err
}
