package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"jrweb/eventlog"
)

// UsageQuery says what of all that was spent is wanted. Empty fields are the server's
// defaults.
type UsageQuery struct {
	// Since and Until are days of UTC, such as 2026-11-30, both included. Since may be a
	// number of days up to today as well, such as 7d.
	Since, Until string
	// By are the dimensions: day, week, agent, model, project, person, machine.
	By []string
	// Only these count. Empty: all.
	Agent, Model, Project, Person, Machine string
}

// Usage is what was spent.
type Usage struct {
	Since string     `json:"since"`
	Until string     `json:"until"`
	Rows  []UsageRow `json:"rows"`
	Total Spent      `json:"total"`
}

// UsageRow is what was spent under these names. Those of dimensions that were not asked for are
// empty.
type UsageRow struct {
	Day     string `json:"day,omitempty"`
	Week    string `json:"week,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Model   string `json:"model,omitempty"`
	Project string `json:"project,omitempty"`
	Person  string `json:"person,omitempty"`
	Machine string `json:"machine,omitempty"`
	Spent
}

// Spent is an amount of money and tokens.
type Spent struct {
	USD              eventlog.USD `json:"usd"`
	InputTokens      uint64       `json:"input_tokens"`
	OutputTokens     uint64       `json:"output_tokens"`
	CacheReadTokens  uint64       `json:"cache_read_tokens"`
	CacheWriteTokens uint64       `json:"cache_write_tokens"`
	// EstimatedUSD is what the tokens would cost for which nobody named a price. Unpriced says
	// that some of them have no known price.
	EstimatedUSD eventlog.USD `json:"estimated_usd,omitempty"`
	Unpriced     bool         `json:"unpriced,omitempty"`
}

// Usage returns what was spent.
func (c *Client) Usage(ctx context.Context, q UsageQuery) (Usage, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"since": q.Since, "until": q.Until, "by": strings.Join(q.By, ","),
		"agent": q.Agent, "model": q.Model, "project": q.Project, "person": q.Person, "machine": q.Machine,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var answer Usage
	err := c.call(ctx, &request{method: http.MethodGet, path: []string{"usage"}, query: query, header: acceptJSON}, &answer)
	return answer, err
}
