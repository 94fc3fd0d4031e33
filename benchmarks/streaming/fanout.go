package streaming

import (
	"context"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/processor"
	"jrweb/benchmarks/internal/report"
)

// fanStreams is how many streams follow one task.
const fanStreams = 1000

const (
	deliveries = "deliveries/s"
	perRound   = "events in a round"
)

// fanOut compares how fast events reach many streams, through a file and peers in
// memory, and through memory and the least that is possible.
func fanOut() []*report.Experiment {
	single, batches := flood{Publishers: 64, Batch: 1}, flood{Publishers: 1, Batch: 256}
	file := func(ctx context.Context, r report.Round) (report.Figures, error) {
		return measureFlood(ctx, r, single, "jrweb", filepath.Join(r.Dir, "jr.db"))
	}
	inMemory := func(kind string, f flood) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, r report.Round) (report.Figures, error) {
			return measureFlood(ctx, r, f, kind)
		}
	}
	ours := report.Figure{Contender: "jrweb", Metric: deliveries}
	raw := report.Figure{Contender: "raw epoll loop", Metric: deliveries}
	return []*report.Experiment{{
		Title: "Fan-out flat out",
		Note: howFlood + "jrweb: 64 appenders of one event each, which is on the disk before it is acknowledged. " +
			"r3labs/sse (its replay from memory switched off) and tmaxmax/go-sse: one publisher, nothing is kept.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: file},
			{Name: "r3labs/sse", Measure: inMemory("r3labs/sse", single)},
			{Name: "tmaxmax/go-sse", Measure: inMemory("go-sse", single)},
		},
		Rows: []report.Row{
			{
				Name: "fan-out flat out, 1,000 streams, durable appends in front, vs r3labs/sse (in memory)",
				Ours: ours, Rival: report.Figure{Contender: "r3labs/sse", Metric: deliveries}, Wanted: report.AtLeast(15), Reason: reasons["flat out"],
			},
			{Name: "the same vs tmaxmax/go-sse (in memory)", Ours: ours, Rival: report.Figure{Contender: "tmaxmax/go-sse", Metric: deliveries}},
		},
	}, {
		Title: "Fan-out without a disk",
		Note: howFlood + "jrweb: a store in memory; one appender of 256 events at a time, so that the streams are what there is to do, or 64 appenders of one event each. " +
			"The raw loop: one thread, an array of ready frames that all clients share, an HTTP/1.1 answer without chunks, the same send buffer and size of writes, " +
			"256 events at a time, and nothing else: its publisher waits for nobody.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: inMemory("jrweb", batches)},
			{Name: "jrweb, 64 appenders", Measure: inMemory("jrweb", single)},
			{Name: "raw epoll loop", Measure: inMemory("raw epoll", batches)},
		},
		Rows: []report.Row{
			{Name: "fan-out without disk, shared tail alone, vs a raw epoll loop", Ours: ours, Rival: raw, Wanted: report.AtLeast(0.6), Reason: reasons["without disk"]},
			{Name: "the same, 64 appenders of one event each", Ours: report.Figure{Contender: "jrweb, 64 appenders", Metric: deliveries}, Rival: raw},
		},
	}}
}

const howFlood = "Events of 300 bytes are published as fast as the server takes them, while 1,000 streams over HTTP/1.1 follow. Counted is from the first publication until every stream " +
	"has had every event, and the client makes sure of that. How many events: what takes about as long as a round, by a short run before. " +
	"The client is one thread over raw sockets, in a process of its own; both use the same cores. "

func measureFlood(ctx context.Context, r report.Round, f flood, kind ...string) (report.Figures, error) {
	return withStage(ctx, fanStreams, kind, func(ctx context.Context, s *stage) (report.Figures, error) {
		if err := s.warm(ctx); err != nil {
			return nil, err
		}
		const few = 128
		f.Events = few
		short, err := s.flood(ctx, f)
		if err != nil {
			return nil, err
		}
		f.Events = max(few, int(few*r.Duration/short))
		var took time.Duration
		used, err := processor.Use(func() (err error) {
			took, err = s.flood(ctx, f)
			return err
		}, s.server.Pid, s.client.Pid)
		if err != nil {
			return nil, err
		}
		return report.Figures{
			deliveries: float64(f.Events*s.streams) / took.Seconds(),
			perRound:   float64(f.Events),
			serverUse:  used[0], clientUse: used[1],
		}, nil
	})
}

// flood returns how long it took until all streams had all events.
func (s *stage) flood(ctx context.Context, f flood) (time.Duration, error) {
	var began int64
	came, err := s.together(ctx, await{Events: f.Events}, func(ctx context.Context) error {
		return s.server.Ask(ctx, "flood", f, &began)
	})
	return time.Duration(came.Last - began), err
}
