package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "make a new database of a backup", ArgsUsage: "FILE",
		Description: "The backup is checked first. Sessions that were open in it come back under new ids, sealed as\n" +
			"interrupted: what the original database added to them since is not here, and an old cursor must not\n" +
			"find something else in its place.",
		Flags:        []cli.Flag{dbFlag("the new database file, which must not exist")},
		ArgValidator: operands("FILE"),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().First() == "" {
				return usagef("FILE is empty")
			}
			db := c.String("db")
			bar := newProgressBar(c.Root().ErrWriter, "restore")
			restored, err := dbfile.Restore(ctx, c.Args().First(), db, bar.show)
			bar.end()
			switch {
			case errors.Is(err, fs.ErrExist):
				return fmt.Errorf("%w: it is never overwritten: choose another -db, or move it away", err)
			case errors.Is(err, eventlog.ErrDamaged):
				return fmt.Errorf("%w: jrweb check -db %s says where; nothing was restored", err, c.Args().First())
			case errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("%w: FILE is a backup, and -db a new file in a folder that exists", err)
			case err != nil:
				return explainFile(err)
			}
			fmt.Fprintf(c.Root().Writer, "%s: %s, %s restored as interrupted\n", db, describe(restored.Figures), count(int64(restored.Interrupted), "open session"))
			return nil
		},
	}
}
