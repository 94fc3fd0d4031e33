package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/router/client"
)

func flushCommand() *cli.Command {
	return &cli.Command{
		Name: "flush", Usage: "deliver what jrweb run recorded while the server was away",
		Description: "Each run goes to where it was recorded for: to its database, or to its server, unless -url in the line names another; JRWEB_URL does not.\n" +
			"What cannot be delivered stays.",
		Flags:        clientFlags(spoolFlag()),
		ArgValidator: operands(),
		Action:       flush,
	}
}

// flushPatience is how long a server may be silent before the next one is tried.
const flushPatience = 15 * time.Second

func flush(ctx context.Context, c *cli.Command) error {
	dir, err := spoolDir(c)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	paths, err := spool.Paths(dir)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	var failed []error
	silent := map[string]bool{}
	for _, path := range paths {
		err := flushOne(ctx, c, path, silent)
		switch {
		case errors.Is(err, spool.ErrBusy):
			fmt.Fprintf(c.Root().Writer, "%s: its run goes on\n", filepath.Base(path))
		case stopped(err):
			fmt.Fprintf(c.Root().Writer, "%s: a person has stopped its run: what came after it stays in %s\n", filepath.Base(path), path)
		case err != nil:
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(paths) == 0 {
		fmt.Fprintln(c.Root().Writer, "nothing waits to be delivered")
	}
	if len(failed) > 0 {
		return fmt.Errorf("flush: %w: what is left stays in %s", errors.Join(failed...), dir)
	}
	return nil
}

// flushOne delivers a spool, unless its server was found silent before.
func flushOne(ctx context.Context, c *cli.Command, path string, silent map[string]bool) error {
	d, err := spool.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // somebody else has delivered it
	}
	if err != nil {
		return err
	}
	if silent[d.Run().To] {
		return d.Close()
	}
	to, err := destinationOf(ctx, c, d.Run().To)
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", d.Run().To, err), d.Close())
	}
	bytes := d.Left()
	ctx, moved, stop := whileItMoves(ctx, flushPatience)
	defer stop()
	err = deliverAll(ctx, d, to, moved)
	silent[d.Run().To] = ctx.Err() != nil
	if err == nil {
		fmt.Fprintf(c.Root().Writer, "task %s: session %s: %s delivered to %s\n", d.Run().Task, d.Session(), size(bytes), to.name)
	}
	return errors.Join(err, to.close())
}

// stopped reports whether a run is not delivered because a person has stopped it.
func stopped(err error) bool {
	_, is := errors.AsType[*spool.StoppedError](err)
	return is
}

// destinationOf opens where a run was to go.
func destinationOf(ctx context.Context, c *cli.Command, name string) (*destination, error) {
	if filepath.IsAbs(name) {
		to, _, err := openDatabase(ctx, settings{db: name, logger: slog.New(logHandler(c.Root().ErrWriter, "text", slog.LevelWarn))})
		if err != nil {
			return nil, explainOpen(err)
		}
		return to, nil
	}
	if given(c, "url") {
		name = c.String("url")
	}
	server, err := client.New(name, &client.Options{Token: c.String(tokenFlag)})
	if err != nil {
		return nil, err
	}
	return &destination{name: name, server: spool.To(server), client: server, close: func() error { return nil }}, nil
}

// flushTask delivers what earlier runs of a task left for the same destination.
func flushTask(ctx context.Context, dir string, to *destination, task string, moved func()) error {
	paths, err := spool.Paths(dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		d, err := spool.Open(path)
		if err != nil {
			continue // a run that goes on, or this one; of others, jrweb flush says what is wrong
		}
		if d.Run().Task != task || d.Run().To != to.name {
			if err := d.Close(); err != nil {
				return err
			}
			continue
		}
		// If something is wrong with one, jrweb flush says so. This run does not wait for it.
		if err := deliverAll(ctx, d, to, moved); ctx.Err() != nil {
			return err
		}
	}
	return ctx.Err()
}

// deliverAll delivers a spool, removes it, and closes it in any case.
func deliverAll(ctx context.Context, d *spool.Delivery, to *destination, moved func()) error {
	d.Moved = moved
	err := d.To(ctx, to.server)
	if stoppedWhole(err) || err == nil && !d.Run().Kept {
		err = d.Remove()
	}
	return errors.Join(err, d.Close())
}

// whileItMoves returns a context that ends when moved is not called for so long.
func whileItMoves(ctx context.Context, patience time.Duration) (_ context.Context, moved func(), stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(patience, cancel)
	return ctx, func() { timer.Reset(patience) }, func() { timer.Stop(); cancel() }
}
