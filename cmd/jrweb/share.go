package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"
)

func shareCommand() *cli.Command {
	return &cli.Command{
		Name: "share", Usage: "make a link with which anybody can watch one task", ArgsUsage: "TASK",
		Flags: clientFlags(
			&cli.DurationFlag{Name: "expires", Value: 24 * time.Hour, Usage: "how long the link is good for, at most 2160h", Sources: env("expires"), OnlyOnce: true}),
		ArgValidator: operands("TASK"),
		Action: func(ctx context.Context, c *cli.Command) error {
			task, err := taskOf(c.Args().First())
			if err != nil {
				return err
			}
			if c.Duration("expires") < time.Second {
				return usagef("-expires must be 1s or more")
			}
			server, err := connect(c)
			if err != nil {
				return err
			}
			link, err := server.Share(ctx, task, c.Duration("expires"))
			if err != nil {
				return explain(c, fmt.Errorf("share: %w", err))
			}
			_, err = fmt.Fprintln(c.Root().Writer, link.URL)
			return err
		},
	}
}
