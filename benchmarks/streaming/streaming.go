// Package streaming measures what reaches the clients of a stream beside other
// servers and raw loops.
package streaming

import (
	"context"
	"slices"

	"jrweb/benchmarks/internal/report"
)

// Experiments returns what this package measures, in the order of the report.
func Experiments() []*report.Experiment {
	return slices.Concat(
		[]*report.Experiment{replaying()},
		fanOut(),
		[]*report.Experiment{pacedFanOut(), latency(), idleStreamMemory(), idleProcessor()},
	)
}

// Commands are the child processes of this package: the program is started
// again with one of these names as its first argument.
func Commands() map[string]func(ctx context.Context, args []string) error {
	return map[string]func(ctx context.Context, args []string) error{serverCommand: serve, clientCommand: serveClient}
}

const (
	serverCommand = "stream-server"
	clientCommand = "stream-client"
)
