package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/urfave/cli/v3"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the events of a task to standard output", ArgsUsage: "TASK",
		Flags: clientFlags(
			sessionFlag("only this session (default: all sessions, in order)"),
			enumFlag("format", "the form of the output", "ndjson")),
		ArgValidator: operands("TASK"),
		Action:       exportEvents,
	}
}

func exportEvents(ctx context.Context, c *cli.Command) error {
	server, task, session, err := target(c, c.Args().First())
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.Root().Writer, 64<<10)
	lines := jsonLines(out, c.Root().Writer)
	for e, err := range server.Events(ctx, task, session) {
		if err != nil {
			_ = out.Flush() // what there is; the error below is the one to tell
			return explain(c, fmt.Errorf("export: %w", err))
		}
		if _, err := lines.Write(append(e.Envelope, '\n')); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}
