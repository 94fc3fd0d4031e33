package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/demo"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "serve with a scripted agent at work, in a temporary database",
		Flags: append([]cli.Flag{
			stringFlag("addr", defaultAddr, "listen here; if it is the default and taken, on a free port"),
			pricesFlag(),
		}, logFlags()...),
		ArgValidator: operands(),
		Action:       runDemo,
	}
}

func runDemo(ctx context.Context, c *cli.Command) (err error) {
	set := settings{logger: newLogger(c)}
	if set.addr, err = resolve(ctx, c.String("addr"), false); err != nil {
		return err
	}
	if set.prices, err = readPrices(c); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "jrweb-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	set.db = filepath.Join(dir, "demo.db")
	clock := &demo.Clock{}
	set.now = clock.Now
	s, err := openServer(ctx, set)
	if errors.Is(err, syscall.EADDRINUSE) && !c.IsSet("addr") {
		set.addr = "127.0.0.1:0"
		s, err = openServer(ctx, set)
	}
	if err != nil {
		return err
	}
	if err := demo.Past(ctx, s.log, clock); err != nil {
		return errors.Join(err, s.close())
	}
	fmt.Fprintf(c.Root().Writer, "jrweb: listening on %s\njrweb: an agent is at work, open %s/ to watch it (Ctrl-C ends it)\n", s.url(), s.url())

	working, stop := context.WithCancel(ctx)
	agent := make(chan error, 1)
	go func() {
		agent <- demo.Work(working, s.log, pace)
		stop() // without an agent there is nothing to show
	}()
	err = s.serve(working)
	stop()
	if ended := <-agent; ctx.Err() == nil && err == nil {
		err = ended
	}
	return err
}

// pace is real time: what the script says takes a second takes a second.
func pace(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
