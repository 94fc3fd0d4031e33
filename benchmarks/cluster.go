//go:build !earlier

package main

import (
	"context"

	"jrweb/benchmarks/cluster"
	"jrweb/benchmarks/internal/report"
)

func clusterExperiments() []*report.Experiment { return cluster.Experiments() }

func clusterCommands() map[string]func(ctx context.Context, args []string) error {
	return cluster.Commands()
}
