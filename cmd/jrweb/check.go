package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/dbfile"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "verify a database that no server has open",
		Description: "Reads all of it: pages, checksums of records, sequences, indexes, totals. Changes nothing.\n" +
			"Each thing that is wrong is a line on standard output; the exit code is then 4.",
		Flags:        []cli.Flag{dbFlag("the database file, or a backup")},
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
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
