package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"
)

func rmCommand() *cli.Command {
	return &cli.Command{
		Name: "rm", Usage: "delete a task with all its sessions, or one session", ArgsUsage: "TASK",
		Flags:        clientFlags(sessionFlag("delete only this session")),
		ArgValidator: operands("TASK"),
		Action: func(ctx context.Context, c *cli.Command) error {
			server, task, session, err := target(c, c.Args().First())
			if err != nil {
				return err
			}
			if session.IsZero() {
				err = server.DeleteTask(ctx, task)
			} else {
				err = server.DeleteSession(ctx, task, session)
			}
			if err != nil {
				return explain(c, fmt.Errorf("delete: %w", err))
			}
			return nil
		},
	}
}
