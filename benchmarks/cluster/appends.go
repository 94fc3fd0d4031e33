package cluster

import (
	"context"

	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/processor"
	"jrweb/benchmarks/internal/report"
)

// appends compares how many events a cluster takes, and how soon.
func appends() *report.Experiment {
	contender := func(name string, nodes, at, appenders, sessions int) report.Contender {
		return report.Contender{Name: name, Measure: on(nodes, sessions, func(ctx context.Context, r report.Round, g *rig) (report.Figures, error) {
			return measureAppends(ctx, g, at, appendsQuestion{appenders, r.Duration})
		})}
	}
	const writer, follower = 0, 1
	row := func(name, ours, rival, metric string) report.Row {
		return report.Row{Name: "Cluster: " + name, Ours: report.Figure{Contender: ours, Metric: metric}, Rival: report.Figure{Contender: rival, Metric: metric}}
	}
	return &report.Experiment{
		Title: "Cluster: appends",
		Note: setting + "Events of 300 bytes. The number is how many appenders there are in the process of one replica, each of which waits for its event to be acknowledged before it appends the next; " +
			"\"1,000 s.\" means to one of 1,000 sessions drawn at random, otherwise there is one session. A follower hands on to the writer, and acknowledges once it has the event itself. " +
			"µs: processor time of each process by the events, those that append in it included.",
		Contenders: []report.Contender{
			contender("one file, 1", 0, writer, 1, 1),
			contender("1 node, 1", 1, writer, 1, 1),
			contender("3 nodes, writer, 1", nodes, writer, 1, 1),
			contender("3 nodes, follower, 1", nodes, follower, 1, 1),
			contender("one file, 64", 0, writer, 64, 1),
			contender("1 node, 64", 1, writer, 64, 1),
			contender("3 nodes, writer, 64", nodes, writer, 64, 1),
			contender("3 nodes, follower, 64", nodes, follower, 64, 1),
			contender("one file, 64, 1,000 s.", 0, writer, 64, 1000),
			contender("1 node, 64, 1,000 s.", 1, writer, 64, 1000),
			contender("3 nodes, writer, 64, 1,000 s.", nodes, writer, 64, 1000),
			contender("3 nodes, follower, 64, 1,000 s.", nodes, follower, 64, 1000),
		},
		Rows: []report.Row{
			row("p50 of the acknowledgement, 1 appender, 1 node, vs one file", "1 node, 1", "one file, 1", drive.P50),
			row("the same, 3 nodes, at the writer", "3 nodes, writer, 1", "one file, 1", drive.P50),
			row("the same, 3 nodes, at a follower", "3 nodes, follower, 1", "one file, 1", drive.P50),
			row("64 appenders, one session, 1 node, vs one file", "1 node, 64", "one file, 64", drive.Throughput),
			row("the same, 3 nodes, at the writer", "3 nodes, writer, 64", "one file, 64", drive.Throughput),
			row("the same, 3 nodes, at a follower", "3 nodes, follower, 64", "one file, 64", drive.Throughput),
			row("64 appenders over 1,000 sessions, 1 node, vs one file", "1 node, 64, 1,000 s.", "one file, 64, 1,000 s.", drive.Throughput),
			row("the same, 3 nodes, at the writer", "3 nodes, writer, 64, 1,000 s.", "one file, 64, 1,000 s.", drive.Throughput),
			row("the same, 3 nodes, at a follower", "3 nodes, follower, 64, 1,000 s.", "one file, 64, 1,000 s.", drive.Throughput),
		},
	}
}

// measureAppends also says what an event costs the processes, in processor time.
func measureAppends(ctx context.Context, g *rig, at int, q appendsQuestion) (figures report.Figures, err error) {
	pids, names := []int{g.replicas[0].Pid}, []string{"writer, µs an event"}
	if g.engine != nil {
		pids, names = append(pids, g.engine.servers[0].Pid), append(names, "leading server, µs an event")
	}
	if len(g.replicas) > 1 {
		pids = append(pids, g.replicas[1].Pid, g.replicas[2].Pid, g.engine.servers[1].Pid)
		names = append(names, "follower, µs an event", "another follower, µs an event", "following server, µs an event")
	}
	used, err := processor.Use(func() error { return g.replicas[at].Ask(ctx, "appends", q, &figures) }, pids...)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		figures[name] = 1e6 * used[i] / figures[drive.Throughput]
	}
	return figures, nil
}
