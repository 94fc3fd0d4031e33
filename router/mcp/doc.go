// Package mcp lets agents read what other agents did: tools of the Model Context Protocol
// over the client of a jrweb server, which change nothing:
//
//	err := mcp.Serve(ctx, server, version, os.Stdin, os.Stdout)                // for one agent, over its pipes
//	options.Routes = append(options.Routes, mcp.Route(handler, version)) // for all, at POST /mcp
//
// It promises:
//
//   - A tool reads what the caller of the HTTP API may read, and nothing else. [Route] asks
//     the handler itself, with the credentials of the request.
//   - An answer has at most some 60 KiB of text, whatever is in the log. A list ends early,
//     and says where it goes on; a long text is cut, and says how much is missing.
//   - Every tool says that its texts are of agents: data, and no instructions.
//
// Caveat: it links the official SDK for Go. That is why package router knows nothing of it:
// only a program that wants MCP carries it.
package mcp
