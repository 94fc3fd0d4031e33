package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"jrweb/router"
	"jrweb/router/auth"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "make a token for -token-file", ArgsUsage: "NAME",
		Description:  "Prints the token, for whom it is for, and the line for the file of tokens, which holds only its hash.",
		Flags:        []cli.Flag{enumFlag("role", "what it is good for", "read", "write", "steer", "admin")},
		ArgValidator: operands("NAME"),
		Action: func(_ context.Context, c *cli.Command) error {
			role, err := router.ParseRole(c.String("role"))
			if err != nil {
				return usageError{err}
			}
			secret, line, err := auth.NewToken(c.Args().First(), role)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintf(c.Root().Writer, "token: %s\nline:  %s\n", secret, line)
			return err
		},
	}
}
