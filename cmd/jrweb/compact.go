package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/dbfile"
)

func compactCommand() *cli.Command {
	return &cli.Command{
		Name: "compact", Usage: "rewrite a database that no server has open, without the free space in it",
		Description: "The database is checked first. The new file takes the place of the old one in one step;\n" +
			"the disk needs room for both.",
		Flags:        []cli.Flag{dbFlag("the database file")},
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
			bar := newProgressBar(c.Root().ErrWriter, "compact")
			before, after, err := dbfile.Compact(ctx, c.String("db"), bar.show)
			bar.end()
			if err != nil {
				return explainFile(err)
			}
			fmt.Fprintf(c.Root().Writer, "%s: %s before, %s after\n", c.String("db"), size(before), size(after))
			return nil
		},
	}
}
