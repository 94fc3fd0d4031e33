package agents

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// ServeMCP is a small MCP server on standard input and output: a tool that adds, and
// one that fails.
func ServeMCP(ctx context.Context) error {
	type sum struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	type total struct {
		Sum int `json:"sum"`
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "sums", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "add", Description: "Adds two numbers"},
		func(_ context.Context, _ *mcp.CallToolRequest, in sum) (*mcp.CallToolResult, total, error) {
			return nil, total{in.A + in.B}, nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "fail", Description: "Fails"},
		func(context.Context, *mcp.CallToolRequest, sum) (*mcp.CallToolResult, total, error) {
			return nil, total{}, errors.New("it always fails")
		})
	return server.Run(ctx, &mcp.StdioTransport{})
}
