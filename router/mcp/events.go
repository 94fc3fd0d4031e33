package mcp

import (
	"context"
	"slices"

	"jrweb/router/client"
)

const (
	defaultEvents, mostEvents = 50, 200
	// defaultData and mostData are how many bytes of an event's data an answer has.
	defaultData, mostData = 2000, 32_000
	// eventsShown is how many bytes of data all events of an answer have together, at most,
	// beside those of the last one.
	eventsShown = 24_000
	// eventOverhead is about what an event takes beside its data.
	eventOverhead = 200
)

type readEventsIn struct {
	Task     string   `json:"task" jsonschema:"the id of the task"`
	Session  string   `json:"session,omitempty" jsonschema:"the id of a session; the task's latest by default"`
	All      bool     `json:"all,omitempty" jsonschema:"the events of all sessions of the task, in one order"`
	After    string   `json:"after,omitempty" jsonschema:"the id of an event, or next of the answer before: only what comes after it"`
	Last     int      `json:"last,omitempty" jsonschema:"so many of the newest events, instead of those after a place; 200 at most"`
	Types    []string `json:"types,omitempty" jsonschema:"only events of these types: assistant, thought, user, tool_call, tool_result, cost, error, status, comment, question, answer, complete, and others"`
	Limit    int      `json:"limit,omitempty" jsonschema:"how many at most: 50 by default, 200 at most"`
	MaxBytes int      `json:"max_bytes,omitempty" jsonschema:"how many bytes of the data of each event, before it is cut: 2000 by default, 32000 at most"`
}

type readEventsOut struct {
	Events []event `json:"events"`
	Next   string  `json:"next,omitempty" jsonschema:"after of the next call"`
	More   bool    `json:"more" jsonschema:"there may be more events after next"`
}

type event struct {
	ID    string `json:"id" jsonschema:"session:sequence"`
	Time  string `json:"time"`
	Type  string `json:"type"`
	Actor string `json:"actor"`
	Data  any    `json:"data,omitempty" jsonschema:"what the event says, as JSON"`
	// Start stands for data that was cut.
	Start string `json:"data_start,omitempty" jsonschema:"the beginning of the data, where it was cut"`
	Bytes int    `json:"data_bytes,omitempty" jsonschema:"how many bytes the data has, where it was cut"`
}

func (t tools) readEvents(ctx context.Context, in readEventsIn) (readEventsOut, error) {
	id, err := sessionOf(in.Session)
	if err != nil {
		return readEventsOut{}, err
	}
	limit, err := within("limit", in.Limit, defaultEvents, mostEvents)
	if err != nil {
		return readEventsOut{}, err
	}
	last, err := within("last", in.Last, 0, mostEvents)
	if err != nil {
		return readEventsOut{}, err
	}
	most, err := within("max_bytes", in.MaxBytes, defaultData, mostData)
	if err != nil {
		return readEventsOut{}, err
	}
	if last > 0 {
		limit = last
	}
	page, err := t.client.EventsAfter(ctx, in.Task, client.EventsQuery{
		Session: id, All: in.All, After: in.After, Last: last, Types: in.Types, Limit: limit,
	})
	if err != nil {
		return readEventsOut{}, forAgent(err)
	}
	out := readEventsOut{Events: []event{}, Next: page.Next}
	// The types hide how far the server has looked: only a call that finds nothing is the end.
	out.More = last == 0 && (len(page.Events) == limit || len(in.Types) > 0 && page.Next != in.After)
	if last > 0 {
		slices.Reverse(page.Events) // the newest are the ones that are wanted
	}
	size := 0
	for i := range page.Events {
		if size > eventsShown {
			if last == 0 {
				out.Next, out.More = page.Events[i-1].ID, true
			}
			break
		}
		one := eventOf(&page.Events[i], most)
		size += eventOverhead + min(len(page.Events[i].Data), most)
		out.Events = append(out.Events, one)
	}
	if last > 0 {
		slices.Reverse(out.Events)
	}
	return out, nil
}

func eventOf(e *client.Event, most int) event {
	one := event{ID: e.ID, Time: moment(e.Time), Type: e.Type, Actor: string(e.Actor)}
	if len(e.Data) <= most {
		one.Data = e.Data
		return one
	}
	one.Start, one.Bytes = start(string(e.Data), most), len(e.Data)
	return one
}
