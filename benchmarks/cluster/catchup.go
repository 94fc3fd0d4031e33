package cluster

import (
	"context"

	"jrweb/benchmarks/internal/report"
)

// catchUp shows how fast a replica gets what was committed while it was away.
func catchUp() *report.Experiment {
	const lone, many = "commits of 1 event", "64 appenders, 1,000 s."
	const events, commits, megabytes = "events/s", "commits/s", "MB/s"
	contender := func(name string, sessions int, fill fillQuestion) report.Contender {
		return report.Contender{Name: name, Measure: on(nodes, sessions, func(ctx context.Context, _ report.Round, g *rig) (report.Figures, error) {
			const away = 1
			if err := g.close(away); err != nil {
				return nil, err
			}
			before, err := g.engine.state(ctx)
			if err != nil {
				return nil, err
			}
			if err := g.replicas[0].Ask(ctx, "fill", fill, nil); err != nil {
				return nil, err
			}
			after, err := g.engine.state(ctx)
			if err != nil {
				return nil, err
			}
			o, err := g.open(ctx, away)
			messages, bytes := float64(after.State.LastSeq-before.State.LastSeq), float64(after.State.Bytes-before.State.Bytes)
			return report.Figures{
				events: float64(fill.Events) / o.Took.Seconds(), commits: messages / o.Took.Seconds(), megabytes: bytes / 1e6 / o.Took.Seconds(),
				"events a commit": float64(fill.Events) / messages, "bytes an event, in the stream": bytes / float64(fill.Events),
			}, err
		})}
	}
	return &report.Experiment{
		Title: "Cluster: catching up",
		Note: setting + "A replica is closed, so many events of 300 bytes are appended at the writer, and it is opened again: 5,000, each in a commit of its own, or 60,000 of 64 appenders over 1,000 sessions. " +
			"The time is that of its opening, which ends when it has all.",
		Contenders: []report.Contender{contender(lone, 1, fillQuestion{1, 5000}), contender(many, 1000, fillQuestion{64, 60_000})},
		Rows: []report.Row{
			{Name: "Cluster: catching up with commits of 1 event", Ours: report.Figure{Contender: lone, Metric: commits}, Unit: "commits/s"},
			{Name: "Cluster: catching up with what 64 appenders have committed over 1,000 sessions", Ours: report.Figure{Contender: many, Metric: events}, Unit: "events/s"},
		},
	}
}
