package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"jrweb/router"
	"jrweb/router/auth"
)

// An agent reads through jrweb mcp, or from the server itself, with a token that may read.
func TestAnAgentReadsThroughTheCommandAndTheServer(t *testing.T) {
	lines := ""
	tokens := map[string]string{}
	for name, role := range map[string]router.Role{"reader": router.RoleRead, "writer": router.RoleSteer} {
		secret, line, err := auth.NewToken(name, role)
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = secret
		lines += line + "\n"
	}
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, "-token-file", file)
	jrweb := func(stdin string, args ...string) string {
		t.Helper()
		var out strings.Builder
		if code := run(t.Context(), append(args, "-url", s.url), strings.NewReader(stdin), &out, t.Output()); code != 0 {
			t.Fatalf("%v: exit code %d", args, code)
		}
		return out.String()
	}
	jrweb(`{"type":"assistant","data":{"content":"It was the cache."}}`+"\n", "append", "-task", "t-1", "-token", tokens["writer"])

	reads := func(agent *sdk.ClientSession) {
		t.Helper()
		res, err := agent.CallTool(t.Context(), &sdk.CallToolParams{Name: "read_outcome", Arguments: map[string]any{"task": "t-1"}})
		if err != nil || res.IsError || !strings.Contains(res.Content[0].(*sdk.TextContent).Text, "It was the cache.") {
			t.Errorf("it reads %v, %v", res, err)
		}
	}
	connect := func(transport sdk.Transport) (*sdk.ClientSession, error) {
		return sdk.NewClient(&sdk.Implementation{Name: "agent"}, nil).Connect(t.Context(), transport, nil)
	}

	t.Setenv("JRWEB_TOKEN", tokens["reader"])
	in, toCommand := io.Pipe()
	fromCommand, out := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(t.Context(), []string{"mcp", "-url", s.url}, in, out, t.Output()) }()
	agent, err := connect(&sdk.IOTransport{Reader: fromCommand, Writer: toCommand})
	if err != nil {
		t.Fatal(err)
	}
	reads(agent)
	if err := toCommand.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Errorf("when the agent has gone the exit code is %d", got)
	}

	over := func(query, token string) (*sdk.ClientSession, error) {
		return connect(&sdk.StreamableClientTransport{
			Endpoint: s.url + "/mcp" + query, MaxRetries: -1,
			HTTPClient: &http.Client{Transport: bearerTransport(token)},
		})
	}
	agent, err = over("", tokens["reader"])
	if err != nil {
		t.Fatal(err)
	}
	reads(agent)
	if err := agent.Close(); err != nil {
		t.Error(err)
	}
	link := jrweb("", "share", "-token", tokens["writer"], "t-1")
	_, ticket, _ := strings.Cut(strings.TrimSpace(link), "?")
	if _, err := over("", "wrong"); err == nil {
		t.Error("a wrong token opens it")
	}
	if _, err := over("?"+ticket, ""); err == nil {
		t.Error("a link to one task opens it")
	}
}

// bearerTransport sends a token with each request, unless it is empty.
type bearerTransport string

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b != "" {
		r.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}
