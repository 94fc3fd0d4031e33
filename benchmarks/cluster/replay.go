package cluster

import (
	"context"
	"errors"
	"time"

	"jrweb/benchmarks/internal/report"
	"jrweb/benchmarks/streaming"
)

// replayEvents is how many events a session has that is read from its beginning.
const replayEvents = 100_000

const replays = "replays/s"

// replay compares how fast a client gets a whole session.
func replay() *report.Experiment {
	const file, follower = "one file", "3 nodes, a follower"
	return &report.Experiment{
		Title: "Cluster: replay",
		Note: setting + "One client reads a session of 100,000 events of 300 bytes that has ended, from its beginning, again and again, each time over a new connection. " +
			"The replica has been closed and opened again before, so its file has all of it.",
		Contenders: []report.Contender{{Name: file, Measure: on(0, 1, replayAt(0))}, {Name: follower, Measure: on(nodes, 1, replayAt(1))}},
		Rows: []report.Row{{
			Name: "Cluster: replay of 100,000 events on a replica, vs one file",
			Ours: report.Figure{Contender: follower, Metric: replays}, Rival: report.Figure{Contender: file, Metric: replays},
			Wanted: report.AtLeast(0.95),
		}},
	}
}

func replayAt(at int) func(context.Context, report.Round, *rig) (report.Figures, error) {
	return func(ctx context.Context, r report.Round, g *rig) (figures report.Figures, err error) {
		if err := g.replicas[0].Ask(ctx, "record", replayEvents, nil); err != nil {
			return nil, err
		}
		if err := g.close(at); err != nil {
			return nil, err
		}
		if _, err := g.open(ctx, at); err != nil {
			return nil, err
		}
		reader, err := streaming.HireReader()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, reader.Stop()) }()
		path := streamOf(task(0))
		if _, err := reader.Replay(ctx, g.at[at], path, replayEvents, time.Nanosecond); err != nil { // one, to warm up
			return nil, err
		}
		perSecond, err := reader.Replay(ctx, g.at[at], path, replayEvents, r.Duration)
		return report.Figures{replays: perSecond}, err
	}
}
