//go:build earlier

package main

import (
	"context"

	"jrweb/benchmarks/internal/report"
)

// With the library of an earlier commit there are no clusters.

func clusterExperiments() []*report.Experiment { return nil }

func clusterCommands() map[string]func(ctx context.Context, args []string) error { return nil }
