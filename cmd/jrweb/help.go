package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v3"
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "explain a command", ArgsUsage: "[COMMAND]",
		ArgValidator: optionalOperand("COMMAND"),
		Action: func(_ context.Context, c *cli.Command) error {
			if !c.Args().Present() {
				return cli.ShowRootCommandHelp(c.Root())
			}
			of := c.Root().Command(c.Args().First())
			if of == nil {
				return noCommand(c.Root(), c.Args().First())
			}
			return cli.ShowSubcommandHelp(of)
		},
	}
}

// noCommand says that there is no such command, and which one may have been meant.
func noCommand(root *cli.Command, name string) error {
	if meant := cli.SuggestCommand(root.VisibleCommands(), name); meant != "" && near(meant, name) {
		return usagef("there is no command %q: did you mean %s? See jrweb -help", name, meant)
	}
	return usagef("there is no command %q, see jrweb -help", name)
}

// flagMeant is what was meant by a flag that does not exist, "" if nobody knows.
func flagMeant(c *cli.Command, err error) string {
	_, name, unknown := strings.Cut(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return ""
	}
	name = strings.TrimLeft(name, "-")
	meant := strings.TrimLeft(cli.SuggestFlag(c.Flags, name, false), "-")
	if meant == "" || !near(meant, name) {
		return ""
	}
	return meant
}

// near reports whether two words differ by few letters, for their length.
func near(a, b string) bool {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= max(1, min(len(a), len(b))/2)
}

// optionalOperand checks that there is at most one operand.
func optionalOperand(name string) cli.ArgValidatorFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if c.Args().Len() == 0 {
			return nil
		}
		return operands(name)(ctx, c)
	}
}
