package cluster

import (
	"context"
	"errors"
	"time"

	"jrweb/benchmarks/internal/clock"
	"jrweb/benchmarks/internal/report"
)

// outages shows for how long nothing is acknowledged when a process is killed.
func outages() *report.Experiment {
	const gap, failed = "longest time without an acknowledgement, s", "appends answered with an error"
	var contenders []report.Contender
	var rows []report.Row
	// Replica 0 is the writer, and server 0 leads the stream.
	for _, c := range []struct {
		name string
		kill func(g *rig) error
	}{
		{"a follower", func(g *rig) error { return g.kill(2) }},
		{"the writer", func(g *rig) error { return g.kill(0) }},
		{"a server that follows", func(g *rig) error { return g.engine.kill(2) }},
		{"the stream's leader", func(g *rig) error { return g.engine.kill(0) }},
		{"the process of both", func(g *rig) error { return errors.Join(g.engine.kill(0), g.kill(0)) }},
	} {
		contenders = append(contenders, report.Contender{Name: c.name, Measure: on(nodes, 1, func(ctx context.Context, r report.Round, g *rig) (report.Figures, error) {
			const client = 1 // the replica that is asked
			if err := g.replicas[client].Ask(ctx, "steady", struct{}{}, nil); err != nil {
				return nil, err
			}
			time.Sleep(r.Duration / 3)
			since := clock.Now()
			if err := c.kill(g); err != nil {
				return nil, err
			}
			var s silence
			err := g.replicas[client].Ask(ctx, "silence", since, &s)
			return report.Figures{gap: s.Longest.Seconds(), failed: float64(s.Failed)}, err
		})})
		rows = append(rows, report.Row{
			Name: "Cluster: without an acknowledgement when " + c.name + " is killed", Ours: report.Figure{Contender: c.name, Metric: gap}, Unit: "s",
		})
	}
	return &report.Experiment{
		Title: "Cluster: a process is killed",
		Note: setting + "3 nodes. One appender at the second replica appends an event of 300 bytes after the other, and appends it again with its idempotency key if there is an error. A process is killed with -9. " +
			"Without the stream's leader the servers elect another one: they wait for 4 to 9 seconds, drawn at random, before they begin, and no setting changes that. " +
			"With `-cluster-embedded` a node is one process: the last row is of one that is both, the writer and the stream's leader. A server that is stopped in order hands on the stream before it ends.",
		Contenders: contenders,
		Rows:       rows,
	}
}
