package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/engine"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Description:  "With -v, also the version of the NATS server within, and what the server at -url promises.",
		Flags:        clientFlags(boolFlag("v", "say more, and ask the server")),
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := printVersion(c); err != nil || !c.Bool("v") {
				return err
			}
			return printPromises(ctx, c)
		},
	}
}

// printPromises says what a server answers that is asked whether it is ready.
func printPromises(ctx context.Context, c *cli.Command) error {
	w := c.Root().Writer
	fmt.Fprintln(w, "NATS server:", engine.Version)
	server, err := connect(c)
	if err != nil {
		return err
	}
	said, err := server.Ready(ctx)
	if err != nil {
		return fmt.Errorf("ask %s what it promises: %w", c.String("url"), explain(c, err))
	}
	for i, line := range said {
		if i == 0 {
			line = "server: " + line
		}
		fmt.Fprintln(w, visible(line))
	}
	return nil
}

func printVersion(c *cli.Command) error {
	_, err := fmt.Fprintln(c.Root().Writer, "jrweb", version())
	return err
}

// version says what this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown " + runtime.Version()
	}
	commit, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", modified"
		}
	}
	return fmt.Sprintf("%s (commit %s%s) %s", cmp.Or(info.Main.Version, "(devel)"), commit, modified, runtime.Version())
}
