package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"jrweb/router/mcp"
)

func mcpCommand() *cli.Command {
	return &cli.Command{
		Name: "mcp", Usage: "let an agent read what agents did: an MCP server on standard input and output",
		Description: "For the settings of an agent, which starts it: claude mcp add jrweb -- jrweb mcp. Its tools list tasks and\n" +
			"read outcomes and events, and change nothing. Agents that speak MCP over HTTP find the same at /mcp of the server.",
		Flags:        clientFlags(),
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
			server, err := connect(c)
			if err != nil {
				return err
			}
			return mcp.Serve(ctx, server, version(), c.Root().Reader, c.Root().Writer)
		},
	}
}
