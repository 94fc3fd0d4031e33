package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// root builds the tree of commands, a new one for each run: flags keep state.
// began is set to true when the action of a command begins.
func root(stdin io.Reader, stdout, stderr io.Writer, began *bool) *cli.Command {
	root := &cli.Command{
		Name:   "jrweb",
		Usage:  "durable, resumable live event streams of agent runs",
		Reader: stdin, Writer: stdout, ErrWriter: stderr,
		HideHelpCommand: true, // a task may be called "help": the root has a command of its own
		HideVersion:     true,
		Flags:           []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version", OnlyOnce: true, Local: true}},
		ExitErrHandler:  func(context.Context, *cli.Command, error) {}, // run prints errors
		OnUsageError:    onUsageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return noCommand(c, c.Args().First())
			}
			if c.Bool("version") {
				return printVersion(c)
			}
			return usagef("which command? see jrweb -help")
		},
		Commands: []*cli.Command{
			serveCommand(), demoCommand(), runCommand(), flushCommand(), appendCommand(), tailCommand(),
			lsCommand(), searchCommand(), usageCommand(), exportCommand(), rmCommand(), pinCommand(), unpinCommand(), importCommand(), watchCommand(),
			shareCommand(), tokenCommand(),
			backupCommand(), restoreCommand(), checkCommand(), compactCommand(), migrateCommand(), versionCommand(),
			openCommand(), sayCommand(), stopCommand(), mcpCommand(), helpCommand(), manCommand(),
			completionCommand(), completeCommand(),
		},
	}
	for _, c := range root.Commands {
		makeStrict(c, began)
	}
	return root
}

func onUsageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	if meant := flagMeant(c, err); meant != "" {
		return usageError{fmt.Errorf("%w: did you mean -%s? See %s -help", err, meant, c.FullName())}
	}
	return usageError{fmt.Errorf("%w, see %s -help", err, c.FullName())}
}

// makeStrict keeps the library from printing errors, refuses empty values, gives
// every flag its environment variable, and notes when c's action begins.
func makeStrict(c *cli.Command, began *bool) {
	c.OnUsageError = onUsageError // not inherited
	// "jrweb rm TASK -help" looks for a subcommand TASK to explain.
	c.CommandNotFound = func(_ context.Context, c *cli.Command, _ string) { _ = cli.ShowSubcommandHelp(c) }
	action := c.Action
	c.Action = func(ctx context.Context, c *cli.Command) error {
		// -session "$SESSION" with a variable that is not set must not mean the
		// whole task.
		for _, f := range c.Flags {
			if s, ok := f.(*cli.StringFlag); ok && c.IsSet(s.Name) && c.String(s.Name) == "" && s.Name != tokenFlag {
				return usagef("-%s (or its environment variable) is empty", s.Name)
			}
		}
		*began = true
		return action(ctx, c)
	}
}

func stringFlag(name, value, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Value: value, Usage: usage, Sources: env(name), OnlyOnce: true}
}

// enumValues stands in the usage of a flag before the values that it takes.
const enumValues = ": one of "

// enumFlag takes one of the values; the first is the default.
func enumFlag(name, usage string, values ...string) *cli.StringFlag {
	f := stringFlag(name, values[0], usage+enumValues+strings.Join(values, ", "))
	f.Validator = func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(values, ", "))
		}
		return nil
	}
	return f
}

func boolFlag(name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, Sources: env(name), OnlyOnce: true}
}

// operands checks that there is one operand for each name.
func operands(names ...string) cli.ArgValidatorFunc {
	return func(_ context.Context, c *cli.Command) error {
		switch n := c.Args().Len(); {
		case n < len(names):
			return usagef("%s: missing %s, see %s -help", c.FullName(), names[n], c.FullName())
		case n > len(names):
			return usagef("%s: what is %q? see %s -help", c.FullName(), c.Args().Get(len(names)), c.FullName())
		}
		return nil
	}
}
