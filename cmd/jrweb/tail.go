package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
)

func tailCommand() *cli.Command {
	return &cli.Command{
		Name: "tail", Usage: "follow a task: a line for each event, until the session ends", ArgsUsage: "TASK",
		Description: "Resumes by itself when the connection breaks or the server restarts.\n" +
			"The exit code is 0 if the session succeeded, else 1.",
		Flags: clientFlags(
			sessionFlag("follow this session (default: the latest)"),
			boolFlag("details", "show all of every event"),
			boolFlag("json", "write the events as JSON, one a line"),
			pricesFlag()),
		ArgValidator: operands("TASK"),
		Action:       tail,
	}
}

func tail(ctx context.Context, c *cli.Command) error {
	if c.Bool("json") && c.Bool("details") {
		return usagef("-json shows all details already: give only one of -json and -details")
	}
	server, task, session, err := target(c, c.Args().First())
	if err != nil {
		return err
	}
	prices, err := readPrices(c)
	if err != nil {
		return err
	}
	out := c.Root().Writer
	write := (&printer{out: out, details: c.Bool("details"), colour: colourful(out), prices: prices}).print
	if c.Bool("json") {
		lines := jsonLines(out, out)
		write = func(e *client.Event) error {
			_, err := lines.Write(append(e.Envelope, '\n'))
			return err
		}
	}

	for e, err := range server.Follow(ctx, task, followOptions(session, c.Root().ErrWriter)) {
		switch {
		case errors.Is(err, context.Canceled):
			return errors.New("stopped before the session ended")
		case err != nil:
			return explain(c, fmt.Errorf("tail: %w", err))
		}
		if err := write(&e); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
		if e.Type == eventlog.TypeComplete {
			return outcome(&e)
		}
	}
	return errors.New("tail: the session has ended, and how is not known")
}

// followOptions makes what is no event known on stderr, so that the output is
// the events and nothing else.
func followOptions(session eventlog.SessionID, stderr io.Writer) *client.FollowOptions {
	note := func(format string, args ...any) {
		fmt.Fprintf(stderr, "jrweb: %s\n", visibleLine(fmt.Sprintf(format, args...)))
	}
	return &client.FollowOptions{
		Session: session,
		Retrying: func(err error, wait time.Duration) {
			note("the connection was lost, trying again in %s: %v", wait.Round(100*time.Millisecond), err)
		},
		Reset: func(reason string) { note("the server does not know this place any more (%s): from the start", reason) },
		Gap: func(after, next uint64) {
			note("the events after %d and before %d are no longer kept", after, next)
		},
	}
}

// outcome is nil if the session succeeded.
func outcome(e *client.Event) error {
	d, err := readData(e.Data)
	if err != nil {
		return fmt.Errorf("tail: the complete event of session %s: %w", e.Session, err)
	}
	if d.Status == string(eventlog.Succeeded) {
		return nil
	}
	if d.Reason != "" {
		return fmt.Errorf("session %s ended as %s: %s", e.Session, d.Status, clip(visibleLine(d.Reason), maxSummary))
	}
	return fmt.Errorf("session %s ended as %s", e.Session, d.Status)
}
