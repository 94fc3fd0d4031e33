package cluster

import (
	"context"
	"errors"
	"time"

	"jrweb/benchmarks/internal/report"
	"jrweb/benchmarks/streaming"
)

const (
	commitP50 = "p50 commit to read, ms"
	commitP99 = "p99 commit to read, ms"
	callP50   = "p50 append call to read, ms"
	callP99   = "p99 append call to read, ms"
)

// latency shows how late an event is that the writer has committed.
func latency() *report.Experiment {
	contender := func(name string, nodes, reader int) report.Contender {
		return report.Contender{Name: name, Measure: on(nodes, 1, func(ctx context.Context, r report.Round, g *rig) (report.Figures, error) {
			return measureLatency(ctx, r, g, reader)
		})}
	}
	row := func(name, contender, metric string) report.Row {
		return report.Row{Name: "Cluster: " + name, Ours: report.Figure{Contender: contender, Metric: metric}, Unit: "ms"}
	}
	const atWriter, atFollower = "3 nodes, read at the writer", "3 nodes, read at a follower"
	return &report.Experiment{
		Title: "Cluster: commit to reader",
		Note: setting + "One appender at the writer, an event of 300 bytes every 5 ms, one stream over HTTP/1.1, read by another process. " +
			"The commit is when the writer has the engine's answer (one file: when the sync has returned).",
		Contenders: []report.Contender{contender("one file", 0, 0), contender("1 node", 1, 0), contender(atWriter, nodes, 0), contender(atFollower, nodes, 1)},
		Rows: []report.Row{
			row("commit to reader at the writer, p50", atWriter, commitP50),
			row("the same, p99", atWriter, commitP99),
			row("commit to reader at a follower, p50", atFollower, commitP50),
			row("the same, p99", atFollower, commitP99),
			row("append call to reader at a follower, p50", atFollower, callP50),
		},
	}
}

func measureLatency(ctx context.Context, r report.Round, g *rig, at int) (_ report.Figures, err error) {
	reader, err := streaming.HireReader()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Stop()) }()
	if err := reader.Connect(ctx, g.at[at], streamOf(task(0))); err != nil {
		return nil, err
	}
	const every = 5 * time.Millisecond
	var times paced
	for _, events := range []int{10, max(10, int(r.Duration/every))} { // the first ones warm up
		awaited := make(chan error, 1)
		go func() { awaited <- reader.Await(ctx, events) }()
		err := g.replicas[0].Ask(ctx, "pace", paceQuestion{events, every}, &times)
		if err := errors.Join(err, <-awaited); err != nil {
			return nil, err
		}
	}
	figures := report.Figures{}
	if figures[commitP50], figures[commitP99], err = reader.Latencies(ctx, times.Committed); err != nil {
		return nil, err
	}
	figures[callP50], figures[callP99], err = reader.Latencies(ctx, times.Began)
	return figures, err
}
