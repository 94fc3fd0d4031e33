package storage

import (
	"context"
	"errors"

	"jrweb/benchmarks/internal/drive"
	"jrweb/benchmarks/internal/report"
)

// Metrics of appends.
const (
	throughput = drive.Throughput
	p50        = drive.P50
	p99        = drive.P99
)

// store is what a contender appends to.
type store interface {
	// append is a [drive.Append], for up to as many appenders as were said at the opening.
	append(ctx context.Context, appender, session int) error
	close() error
}

// opener opens a contender's store in an empty folder, for so many appenders and
// sessions.
type opener func(ctx context.Context, dir string, appenders, sessions int) (store, error)

// appends measures how a store takes events from so many appenders.
func appends(open opener, appenders, sessions int) func(context.Context, report.Round) (report.Figures, error) {
	return func(ctx context.Context, r report.Round) (figures report.Figures, err error) {
		s, err := open(ctx, r.Dir, appenders, sessions)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		return drive.Appends(ctx, s.append, appenders, sessions, r.Duration)
	}
}
