package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"jrweb/router/client"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "copy the database of a running server to a file", ArgsUsage: "FILE",
		Description: "FILE must not exist; it appears when it is whole. jrweb check -db FILE verifies it,\n" +
			"jrweb restore FILE makes a database of it.",
		Flags:        clientFlags(),
		ArgValidator: operands("FILE"),
		Action: func(ctx context.Context, c *cli.Command) error {
			path := c.Args().First()
			if path == "" {
				return usagef("FILE is empty")
			}
			server, err := connect(c)
			if err != nil {
				return err
			}
			bar := newProgressBar(c.Root().ErrWriter, "backup")
			n, err := backup(ctx, server, path, bar.show)
			bar.end()
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%w: it is never overwritten: choose another name", err)
			}
			if err != nil {
				return explain(c, err)
			}
			fmt.Fprintf(c.Root().Writer, "%s: %s\n", path, size(n))
			return nil
		},
	}
}

// backup makes a file that was not there appear in one step.
func backup(ctx context.Context, server *client.Client, path string, progress func(done, total int64)) (n int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".unfinished-*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // its other name stays
	n, err = server.Backup(ctx, file, progress)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	// Unlike a rename, a link never replaces a file: FILE could be the database
	// that a server works on.
	if err := os.Link(file.Name(), path); err != nil {
		return 0, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	return n, errors.Join(dir.Sync(), dir.Close())
}
