package cluster

import (
	"context"
	"log/slog"
	"time"

	"jrweb/benchmarks/internal/report"
)

// snapshotMegabytes is about how much data a log has of which a snapshot is made.
const snapshotMegabytes = 128

// snapshots shows how long a snapshot takes, and the beginning of a replica with one.
func snapshots() *report.Experiment {
	const name, makes, begins = "3 nodes", "making, s a GB", "beginning, s a GB"
	return &report.Experiment{
		Title: "Cluster: snapshots",
		Note: setting + "A log of 128 MB of events of 2 KB, of random hexadecimal digits, which pack to about half. Making: a replica copies its file, packs it, stores it on all servers and reads it back. " +
			"Beginning: a replica without a file begins with it, and ends when it has everything. By the bytes of the file, the empty ones of its pages included.",
		Contenders: []report.Contender{{Name: name, Measure: on(nodes, 1, func(ctx context.Context, _ report.Round, g *rig) (report.Figures, error) {
			const size = 2000
			if err := g.replicas[0].Ask(ctx, "write", writeQuestion{snapshotMegabytes * 1e6 / size, size}, nil); err != nil {
				return nil, err
			}
			if err := g.close(1); err != nil {
				return nil, err
			}
			if _, err := g.openWith(ctx, 1, openQuestion{SnapshotBytes: 1 << 20}); err != nil {
				return nil, err
			}
			var s snapshot
			if err := g.replicas[1].Ask(ctx, "snapshot", struct{}{}, &s); err != nil {
				return nil, err
			}
			if err := g.lose(2); err != nil {
				return nil, err
			}
			o, err := g.open(ctx, 2)
			gigabytes := float64(s.Bytes) / 1e9
			return report.Figures{
				makes: s.Took.Seconds() / gigabytes, begins: o.Took.Seconds() / gigabytes, "of it stored": float64(s.Stored) / float64(s.Bytes),
			}, err
		})}},
		Rows: []report.Row{
			{Name: "Cluster: making a snapshot", Ours: report.Figure{Contender: name, Metric: makes}, Unit: "s a GB"},
			{Name: "Cluster: beginning with a snapshot", Ours: report.Figure{Contender: name, Metric: begins}, Unit: "s a GB"},
		},
	}
}

// snapshot is one that was made.
type snapshot struct {
	Bytes, Stored int64 // of the file, and as it is stored
	Took          time.Duration
}

// listener is a logger that hears of snapshots.
type listener struct {
	slog.Handler
	made chan snapshot
}

// Enabled implements [slog.Handler].
func (listener) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (l listener) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "a snapshot was made" {
		return nil
	}
	var s snapshot
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "bytes":
			s.Bytes = a.Value.Int64()
		case "stored":
			s.Stored = a.Value.Int64()
		case "took":
			s.Took = a.Value.Duration()
		}
		return true
	})
	select {
	case l.made <- s:
	default: // only the first one counts
	}
	return nil
}
