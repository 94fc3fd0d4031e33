package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Ready asks whether the log commits and nothing else is lacking, and returns the lines of the
// answer: "ok", then what a cluster promises. If the server is not ready, Ready returns an [*Error].
func (c *Client) Ready(ctx context.Context) ([]string, error) {
	res, err := c.do(ctx, &request{method: http.MethodGet, path: []string{"readyz"}})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("client: read the answer: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), nil
}
