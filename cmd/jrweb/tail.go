package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
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
			&cli.IntFlag{Name: "n", Value: -1, DefaultText: "all", Usage: "begin with this many of the newest events, at most 10000", Sources: env("n"), OnlyOnce: true},
			&cli.BoolFlag{Name: "f", Value: true, Usage: "follow until the session ends; -f=false shows what there is now", Sources: env("f"), OnlyOnce: true},
			stringFlag("since", "", "begin with what happened at this time, or so long ago: 2026-01-02T15:04:05Z, 10m"),
			boolFlag("details", "show all of every event"),
			boolFlag("json", "write the events as JSON, one a line"),
			pricesFlag()),
		ArgValidator: operands("TASK"),
		Action:       tail,
	}
}

func tail(ctx context.Context, c *cli.Command) error {
	form, err := choice(c, "json", "details") // JSON shows all details already
	if err != nil {
		return err
	}
	if c.IsSet("n") && (c.Int("n") < 0 || c.Int("n") > mostLast) {
		return usagef("-n must be from 0 to %d", mostLast)
	}
	since, err := sinceOf(c)
	if err != nil {
		return err
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
	write := (&printer{out: out, details: form == "details", colour: colourful(out), width: terminalWidth(out), prices: prices}).print
	if form == "json" {
		lines := jsonLines(out, out)
		write = func(e *client.Event) error {
			_, err := lines.Write(append(e.Envelope, '\n'))
			return err
		}
	}

	o := followOptions(session, c.Root().ErrWriter)
	events := server.Follow(ctx, task, o)
	if c.IsSet("n") || !c.Bool("f") {
		events = newest(ctx, c, server, task, o)
	}
	for e, err := range events {
		switch {
		case errors.Is(err, context.Canceled):
			return errors.New("stopped before the session ended")
		case err != nil:
			return explain(c, fmt.Errorf("tail: %w", err))
		}
		if e.Time.Before(since) && e.Type != eventlog.TypeComplete {
			continue
		}
		if err := write(&e); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
		if e.Type == eventlog.TypeComplete {
			return outcome(&e)
		}
	}
	if !c.Bool("f") {
		return nil // it goes on
	}
	return errors.New("tail: the session has ended, and how is not known")
}

// mostLast is how many of the newest events a server lists at once.
const mostLast = 10_000

// sinceOf reads -since, the zero time if it was not given.
func sinceOf(c *cli.Command) (time.Time, error) {
	text := c.String("since")
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, usagef("-since %q is neither a time, 2026-01-02T15:04:05Z, nor so long ago, 10m", text)
}

// newest yields the newest events, or all, and goes on after them if that is wanted.
func newest(ctx context.Context, c *cli.Command, server *client.Client, task string, o *client.FollowOptions) iter.Seq2[client.Event, error] {
	return func(yield func(client.Event, error) bool) {
		if o.Session.IsZero() {
			for latest, err := range server.Sessions(ctx, task) {
				if err != nil {
					yield(client.Event{}, err)
					return
				}
				o.Session = latest.ID
				break
			}
		}
		switch n := c.Int("n"); {
		case o.Session.IsZero() && !c.Bool("f"):
			return
		case o.Session.IsZero(): // what comes is all new
		case n > 0:
			last, err := server.LastEvents(ctx, task, o.Session, n)
			if err != nil {
				yield(client.Event{}, err)
				return
			}
			for _, e := range last {
				if o.After, err = eventlog.ParseCursor(e.ID); err != nil || !yield(e, err) || e.Type == eventlog.TypeComplete {
					return
				}
			}
		case n == 0:
			last, err := server.LastEvents(ctx, task, o.Session, 1)
			if err == nil && len(last) > 0 {
				o.After, err = eventlog.ParseCursor(last[0].ID)
			}
			switch {
			case err != nil:
				yield(client.Event{}, err)
				return
			case len(last) > 0 && last[0].Type == eventlog.TypeComplete:
				yield(last[0], nil) // how it ended is told in any case
				return
			}
		default:
			for e, err := range server.Events(ctx, task, o.Session) {
				if !yield(e, err) || err != nil || e.Type == eventlog.TypeComplete {
					return
				}
			}
			return
		}
		if !c.Bool("f") {
			return
		}
		for e, err := range server.Follow(ctx, task, o) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// followOptions reports on stderr what is not an event, so that the output is the events and
// nothing else.
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
