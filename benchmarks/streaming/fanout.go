package streaming

import (
	"context"
	"path/filepath"
	"time"

	"jrweb/benchmarks/internal/report"
)

// fanStreams is how many streams follow one task.
const fanStreams = 1000

const (
	deliveries = "deliveries/s"
	perRound   = "events in a round"
	serverUse  = "server, processors in use"
)

// fanOut compares how fast events reach many streams, through a file and peers in
// memory, and through memory and the least that is possible.
func fanOut() []*report.Experiment {
	file := func(ctx context.Context, r report.Round) (report.Figures, error) {
		return measureFlood(ctx, r, "jrweb", filepath.Join(r.Dir, "jr.db"))
	}
	inMemory := func(kind string) func(context.Context, report.Round) (report.Figures, error) {
		return func(ctx context.Context, r report.Round) (report.Figures, error) { return measureFlood(ctx, r, kind) }
	}
	const how = "Events of 300 bytes are published as fast as the server takes them, while 1,000 streams over HTTP/1.1 follow. Counted is from the first publication until every stream " +
		"has had every event, and the client makes sure of that. How many events: what takes about as long as a round, by a short run before. The client is one thread over raw sockets; both use the same cores. "
	ours := report.Figure{Contender: "jrweb", Metric: deliveries}
	return []*report.Experiment{{
		Title: "Fan-out flat out",
		Note: how + "jrweb: 64 appenders, each event on the disk before it is acknowledged. " +
			"r3labs/sse (its replay from memory switched off) and tmaxmax/go-sse: one publisher, nothing is kept.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: file},
			{Name: "r3labs/sse", Measure: inMemory("r3labs/sse")},
			{Name: "tmaxmax/go-sse", Measure: inMemory("go-sse")},
		},
		Rows: []report.Row{
			{Name: "fan-out flat out, 1,000 streams, durable appends in front, vs r3labs/sse (in memory)", Ours: ours, Rival: report.Figure{Contender: "r3labs/sse", Metric: deliveries}, Wanted: report.AtLeast(15), Reason: reasons["flat out"]},
			{Name: "the same vs tmaxmax/go-sse (in memory)", Ours: ours, Rival: report.Figure{Contender: "tmaxmax/go-sse", Metric: deliveries}},
		},
	}, {
		Title: "Fan-out without a disk",
		Note: how + "jrweb: 64 appenders to a store in memory. The raw loop: one thread, an array of ready frames that all clients share, an HTTP/1.1 answer without chunks, " +
			"the same send buffer and size of writes, and nothing else.",
		Contenders: []report.Contender{
			{Name: "jrweb", Measure: inMemory("jrweb")},
			{Name: "raw epoll loop", Measure: inMemory("raw epoll")},
		},
		Rows: []report.Row{{Name: "fan-out without disk, shared tail alone, vs a raw epoll loop", Ours: ours, Rival: report.Figure{Contender: "raw epoll loop", Metric: deliveries}, Wanted: report.AtLeast(0.6), Reason: reasons["without disk"]}},
	}}
}

func measureFlood(ctx context.Context, r report.Round, kind ...string) (report.Figures, error) {
	return withStage(ctx, fanStreams, kind, func(ctx context.Context, s *stage) (report.Figures, error) {
		if err := s.warm(ctx); err != nil {
			return nil, err
		}
		const few = 128
		short, err := s.flood(ctx, few)
		if err != nil {
			return nil, err
		}
		events := max(few, int(few*r.Duration/short))
		before, err := processorTime(s.server.Pid)
		if err != nil {
			return nil, err
		}
		took, err := s.flood(ctx, events)
		if err != nil {
			return nil, err
		}
		after, err := processorTime(s.server.Pid)
		return report.Figures{
			deliveries: float64(events*s.streams) / took.Seconds(),
			perRound:   float64(events),
			serverUse:  (after - before).Seconds() / took.Seconds(),
		}, err
	})
}

// flood returns how long it took until all streams had all events.
func (s *stage) flood(ctx context.Context, events int) (time.Duration, error) {
	var began int64
	came, err := s.together(ctx, await{Events: events}, func(ctx context.Context) error {
		return s.server.Ask(ctx, "flood", events, &began)
	})
	return time.Duration(came.Last - began), err
}
