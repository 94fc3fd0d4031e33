// Package cluster measures a log that several replicas share beside the log of one file.
package cluster

import (
	"context"

	"jrweb/benchmarks/internal/report"
)

// Experiments returns what this package measures, in the order of the report.
func Experiments() []*report.Experiment {
	return []*report.Experiment{appends(), latency(), replay(), catchUp(), snapshots(), outages()}
}

// Commands are the child processes of this package: the program is started again with one of
// these names as its first argument.
func Commands() map[string]func(ctx context.Context, args []string) error {
	return map[string]func(ctx context.Context, args []string) error{engineCommand: serveEngine, replicaCommand: serveReplica}
}

const (
	engineCommand  = "cluster-engine"
	replicaCommand = "cluster-replica"
)

// eventBytes is the size of the data of every event that is appended.
const eventBytes = 300

// setting is part of the note of each experiment.
const setting = "All processes are on this machine, with one disk and the same cores: a NATS server each node, which syncs each message before it answers (`sync_interval: always`), " +
	"a stream on all of them, and a replica each node, which is connected to the server of its node. The first replica is the writer, and the stream's leader is beside it. " +
	"The other replicas follow. One file is the same process with a log of its own. "
