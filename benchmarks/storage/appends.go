package storage

import "jrweb/benchmarks/internal/report"

// durableAppends compares how many events reach the disk, and how soon.
func durableAppends() *report.Experiment {
	update := func(metric string) report.Figure { return report.Figure{Contender: "bbolt Update, 1", Metric: metric} }
	return &report.Experiment{
		Title: "Durable appends",
		Note: "Events of 300 bytes. The number is how many appenders there are, each of which waits for its event to be on the disk before it appends the next; " +
			"\"1,000 s.\" means to one of 1,000 sessions drawn at random, otherwise there is one session. " +
			"Raw is the limit: one goroutine that writes what waits with one pwrite and one fdatasync. " +
			"bbolt's `Batch` runs as soon as all 64 wait in it. SQLite and bbolt's `Update` make one transaction of each event. " +
			"Redis and NATS run as servers; Redis is reached over a Unix socket.",
		Contenders: []report.Contender{
			{Name: "bbolt Update, 1", Measure: appends(openBboltUpdate, 1, 1)},
			{Name: "jrweb, 1", Measure: appends(openJrweb, 1, 1)},
			{Name: "raw, 1", Measure: appends(openRaw, 1, 1)},
			{Name: "jrweb, 64", Measure: appends(openJrweb, 64, 1)},
			{Name: "jrweb, 64, 1,000 s.", Measure: appends(openJrweb, 64, 1000)},
			{Name: "Redis, 64, 1,000 s.", Measure: appends(openRedis, 64, 1000)},
			{Name: "SQLite, 1", Measure: appends(openSQLite, 1, 1)},
			{Name: "Redis, 1", Measure: appends(openRedis, 1, 1)},
			{Name: "NATS, 1", Measure: appends(openNATS, 1, 1)},
			{Name: "raw, 64", Measure: appends(openRaw, 64, 1)},
			{Name: "bbolt Update, 64", Measure: appends(openBboltUpdate, 64, 1)},
			{Name: "bbolt Batch, 64", Measure: appends(openBboltBatch, 64, 1)},
			{Name: "SQLite, 64", Measure: appends(openSQLite, 64, 1)},
			{Name: "Redis, 64", Measure: appends(openRedis, 64, 1)},
			{Name: "NATS, 64", Measure: appends(openNATS, 64, 1)},
			{Name: "bbolt Batch, 64, 1,000 s.", Measure: appends(openBboltBatch, 64, 1000)},
			{Name: "NATS, 64, 1,000 s.", Measure: appends(openNATS, 64, 1000)},
		},
		Rows: []report.Row{
			{
				Name: "durable append, 1 appender, vs bbolt `Update`",
				Ours: report.Figure{Contender: "jrweb, 1", Metric: throughput}, Rival: update(throughput), Wanted: report.AtLeast(1.5),
				Reason: reasonOneAppender,
			},
			{
				Name: "p50 of the acknowledgement, 1 appender, vs raw",
				Ours: report.Figure{Contender: "jrweb, 1", Metric: p50}, Rival: report.Figure{Contender: "raw, 1", Metric: p50}, Wanted: report.AtMost(1.3),
				Reason: reasonOneAppender,
			},
			{
				Name: "64 appenders, one session, vs `Update` with 1",
				Ours: report.Figure{Contender: "jrweb, 64", Metric: throughput}, Rival: update(throughput), Wanted: report.AtLeast(28),
				Reason: reasonOneSession,
			},
			{
				Name: "64 appenders over 1,000 sessions, vs `Update` with 1",
				Ours: report.Figure{Contender: "jrweb, 64, 1,000 s.", Metric: throughput}, Rival: update(throughput), Wanted: report.AtLeast(12),
				Reason: reasonManySessions,
			},
			{
				Name: "64 appenders over 1,000 sessions, vs Redis `appendfsync always`",
				Ours: report.Figure{Contender: "jrweb, 64, 1,000 s.", Metric: throughput}, Rival: report.Figure{Contender: "Redis, 64, 1,000 s.", Metric: throughput},
				Wanted: report.AtLeast(1),
				Reason: reasonManySessions,
			},
			{
				Name: "p99 of the acknowledgement at 64 appenders, one session, vs a lone `Update`'s",
				Ours: report.Figure{Contender: "jrweb, 64", Metric: p99}, Rival: update(p99), Wanted: report.AtMost(10),
			},
		},
	}
}
