package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		ArgValidator: operands(),
		Action:       func(_ context.Context, c *cli.Command) error { return printVersion(c) },
	}
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
