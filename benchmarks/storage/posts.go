package storage

import (
	"context"
	"errors"
	"path/filepath"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
)

// postConnections is how many connections send requests.
const postConnections = 64

// posts compares appends over HTTP with the same server without a disk.
func posts() *report.Experiment {
	file := func(ctx context.Context, r report.Round) (report.Figures, error) {
		return measurePosts(ctx, r, "jrweb-file", filepath.Join(r.Dir, "jr.db"))
	}
	memory := func(ctx context.Context, r report.Round) (report.Figures, error) {
		return measurePosts(ctx, r, "jrweb-memory")
	}
	return &report.Experiment{
		Title: "Appends over HTTP",
		Note: "One event of 300 bytes a POST, 64 connections that each wait for their answer, one session. The client is one thread over raw sockets, " +
			"the server another process; both use the same cores. Without disk: the same router and log on a store in memory.",
		Contenders: []report.Contender{{Name: "jrweb", Measure: file}, {Name: "jrweb without disk", Measure: memory}},
		Rows: []report.Row{{
			Name:   "HTTP, one event a POST, 64 connections, vs the same handler without disk",
			Ours:   report.Figure{Contender: "jrweb", Metric: throughput},
			Rival:  report.Figure{Contender: "jrweb without disk", Metric: throughput},
			Wanted: report.AtLeast(0.5),
		}},
	}
}

func measurePosts(ctx context.Context, r report.Round, server ...string) (figures report.Figures, err error) {
	p, err := child.Self(ctx, server...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	c, err := dialPosts(p.Ready, postConnections)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.run(ctx, r.Duration/10); err != nil { // warms up
		return nil, err
	}
	latencies, err := c.run(ctx, r.Duration)
	if err != nil {
		return nil, err
	}
	return drive.Figures(latencies, r.Duration)
}
