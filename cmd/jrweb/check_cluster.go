package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/clusterstore"
)

// checkCluster verifies that all replicas of a cluster are the same.
func checkCluster(ctx context.Context, c *cli.Command, cluster *clusterSettings) error {
	out := c.Root().Writer
	bar := newProgressBar(c.Root().ErrWriter, "check")
	o := &clusterstore.CheckOptions{Options: cluster.options, Progress: bar.show, Found: func(what string) {
		bar.end()
		fmt.Fprintln(out, visible(what))
	}}
	if c.IsSet("db") {
		o.Files = []string{c.String("db")}
	}
	url, running, err := cluster.reach(ctx)
	if err != nil {
		return err
	}
	defer running.Close()
	checked, err := clusterstore.Check(ctx, url, cluster.stream, o)
	bar.end()
	if err != nil {
		return explainReplica(err)
	}
	fmt.Fprintf(out, "%s is well: commits %d to %d follow each other, %s whole", cluster.stream, checked.First, checked.Last, count(int64(checked.Snapshots), "snapshot"))
	switch {
	case len(checked.Replicas) == 0:
		fmt.Fprintln(out, "; no server runs")
	case checked.At == 0:
		fmt.Fprintf(out, "; %s there; what they hold was not compared: they committed too fast\n", count(int64(len(checked.Replicas)), "server"))
	default:
		fmt.Fprintf(out, "; at commit %d %s %s the same\n", checked.At, count(int64(len(checked.Replicas)), "server"), holds(len(checked.Replicas), checked.Records))
	}
	for _, name := range checked.Replicas {
		fmt.Fprintf(out, "  %s\n", visible(name))
	}
	return nil
}

func holds(servers int, records int64) string {
	verb := "hold"
	if servers == 1 {
		verb = "holds"
	}
	return verb + " " + count(records, "record") + ","
}
