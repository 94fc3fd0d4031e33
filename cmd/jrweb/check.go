package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/dbfile"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "verify a database that no server has open",
		Description: "Reads all of it: pages, checksums of records, sequences, indexes, totals. Changes nothing.\n" +
			"Each thing that is wrong is a line on standard output; the exit code is then 4.\n\n" +
			"With -cluster it verifies that all servers of a cluster have the same: that the commits follow each\n" +
			"other, that snapshots are whole, and that the servers that run, and the replica that -db names, if it\n" +
			"does, have what the commits say.",
		Flags:        slices.Concat([]cli.Flag{dbFlag("the database file, or a backup")}, clusterFlags()),
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
			cluster, err := readCluster(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			if cluster != nil {
				return checkCluster(ctx, c, cluster)
			}
			bar := newProgressBar(c.Root().ErrWriter, "check")
			figures, err := dbfile.Check(ctx, c.String("db"), &dbfile.CheckOptions{
				Found: func(f dbfile.Finding) {
					bar.end()
					fmt.Fprintln(c.Root().Writer, visible(f.String()))
				},
				Progress: bar.show,
			})
			bar.end()
			if err != nil {
				return explainFile(err)
			}
			fmt.Fprintf(c.Root().Writer, "%s is well: %s\n", c.String("db"), describe(figures))
			return nil
		},
	}
}
