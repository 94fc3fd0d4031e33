// Package storage measures durable appends and reads of the log beside other
// stores, each on a file of its own on the same disk.
package storage

import (
	"context"
	"flag"

	"jrweb/benchmarks/internal/report"
)

// Experiments returns what this package measures, in the order of the report.
func Experiments() []*report.Experiment {
	return []*report.Experiment{durableAppends(), appendsBefore(), posts(), reads(), readsBefore(), crashes(), replayMemory(), sessionGrowth(), eventGrowth()}
}

// Commands are the child processes of this package: the program is started
// again with one of these names as its first argument.
func Commands() map[string]func(ctx context.Context, args []string) error {
	return map[string]func(ctx context.Context, args []string) error{workerCommand: work, "nats": serveNATS, "jrweb-file": serveFile, "jrweb-memory": serveMemory}
}

// Flags adds the flags of this package.
func Flags(flags *flag.FlagSet) {
	flags.BoolVar(&small, "small", false, "make large logs a hundredth as large: to try the program, not to measure")
}

var small bool

// sized marks a row whose log has a size in its name that -small makes untrue.
func sized(row string) string {
	if small {
		return row + " (-small: a hundredth)"
	}
	return row
}
