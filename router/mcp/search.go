package mcp

import (
	"context"
	"strings"
)

const (
	defaultHits, mostHits = 20, 100
	lineShown             = 400
)

type searchIn struct {
	Query string `json:"query" jsonschema:"words and \"phrases\" that must all be in one event, and filters: agent: model: project: person: type: tool: status: task: after:2026-11-01 before:2026-12-01"`
	Limit int    `json:"limit,omitempty" jsonschema:"how many at most: 20 by default, 100 at most"`
}

type searchOut struct {
	Hits []hit `json:"hits" jsonschema:"the newest runs first"`
	More bool  `json:"more,omitempty" jsonschema:"there may be more: search for less, or use before:"`
}

type hit struct {
	Task     string `json:"task"`
	Title    string `json:"title,omitempty"`
	Session  string `json:"session"`
	Sequence uint64 `json:"sequence" jsonschema:"of the event: read_events with after one less begins there"`
	Agent    string `json:"agent,omitempty"`
	Status   string `json:"status" jsonschema:"of the session"`
	Time     string `json:"time"`
	Type     string `json:"type"`
	Tool     string `json:"tool,omitempty"`
	Line     string `json:"line" jsonschema:"the text around what was found"`
}

func (t tools) search(ctx context.Context, in searchIn) (searchOut, error) {
	limit, err := within("limit", in.Limit, defaultHits, mostHits)
	if err != nil {
		return searchOut{}, err
	}
	out := searchOut{Hits: []hit{}}
	for found, err := range t.client.Search(ctx, in.Query, limit) {
		if err != nil {
			return searchOut{}, forAgent(err)
		}
		out.Hits = append(out.Hits, hit{
			Task: found.Task, Title: cut(found.Title, titleShown), Session: found.Session.String(), Sequence: found.Sequence,
			Agent: cut(found.Agent, nameShown), Status: string(found.Status), Time: moment(found.Time),
			Type: found.Type, Tool: cut(found.Tool, nameShown), Line: cut(strings.Join(found.Line, ""), lineShown),
		})
	}
	out.More = len(out.Hits) == limit
	return out, nil
}
