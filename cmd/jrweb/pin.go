package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
)

func pinCommand() *cli.Command {
	return pinningCommand("pin", "keep a task: retention leaves a pinned one alone", true)
}

func unpinCommand() *cli.Command {
	return pinningCommand("unpin", "leave a pinned task to retention again", false)
}

func pinningCommand(name, usage string, pinned bool) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: "TASK",
		Flags:        clientFlags(),
		ArgValidator: operands("TASK"),
		Action: func(ctx context.Context, c *cli.Command) error {
			task, err := taskOf(c.Args().First())
			if err != nil {
				return err
			}
			server, err := connect(c)
			if err != nil {
				return err
			}
			// A change makes a task that is not there: a name that is mistyped must not.
			if _, err = server.Task(ctx, task); err == nil {
				_, err = server.PutTask(ctx, task, eventlog.TaskChange{Pinned: &pinned})
			}
			if err != nil {
				return explain(c, fmt.Errorf("%s: %w", name, err))
			}
			return nil
		},
	}
}
