package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"

	"jrweb/eventlog"
)

// Task returns a task as it is now.
func (c *Client) Task(ctx context.Context, task string) (eventlog.Task, error) {
	path, err := taskPath(task)
	if err != nil {
		return eventlog.Task{}, err
	}
	var answer eventlog.Task
	err = c.call(ctx, &request{method: http.MethodGet, path: path, header: acceptJSON}, &answer)
	return answer, err
}

// PutTask creates a task or changes it. Nil fields of the change keep their value.
func (c *Client) PutTask(ctx context.Context, task string, change eventlog.TaskChange) (eventlog.Task, error) {
	path, err := taskPath(task)
	if err != nil {
		return eventlog.Task{}, err
	}
	body, err := json.Marshal(struct {
		Title       *string `json:"title,omitempty"`
		Type        *string `json:"type,omitempty"`
		Parent      *string `json:"parent,omitempty"`
		Description *string `json:"description,omitempty"`
		Project     *string `json:"project,omitempty"`
		Pinned      *bool   `json:"pinned,omitempty"`
	}{change.Title, change.Type, change.Parent, change.Description, change.Project, change.Pinned})
	if err != nil {
		return eventlog.Task{}, fmt.Errorf("client: %w", err)
	}
	var answer eventlog.Task
	err = c.callSafely(ctx, &request{ // to send the same change again changes nothing
		method: http.MethodPut, path: path, body: body, header: http.Header{"Content-Type": {"application/json"}},
	}, &answer)
	return answer, err
}

// Tasks yields all tasks, the newest activity first. If it yields an error, that is the
// last value.
func (c *Client) Tasks(ctx context.Context) iter.Seq2[eventlog.Task, error] { return c.tasks(ctx, nil) }

// TaskFilter says which tasks are wanted. Empty fields match all.
type TaskFilter struct {
	// Text has words that must be in the task's id, title, type, project or description.
	Text    string
	Status  eventlog.Status
	Project string
	// Agent, Model and Owner are the latest session's.
	Agent, Model, Owner string
}

func (f *TaskFilter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"q": f.Text, "status": string(f.Status), "project": f.Project, "agent": f.Agent, "model": f.Model, "owner": f.Owner,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// FindTasks is [Client.Tasks] for the tasks that match a filter.
func (c *Client) FindTasks(ctx context.Context, f TaskFilter) iter.Seq2[eventlog.Task, error] {
	return c.tasks(ctx, f.query())
}

// TasksByExternalID is [Client.Tasks] for the tasks that have a session of an agent's
// thread.
func (c *Client) TasksByExternalID(ctx context.Context, externalID string) iter.Seq2[eventlog.Task, error] {
	return c.tasks(ctx, url.Values{"external_id": {externalID}})
}

func (c *Client) tasks(ctx context.Context, filter url.Values) iter.Seq2[eventlog.Task, error] {
	return func(yield func(eventlog.Task, error) bool) {
		fetch := func(after string) ([]eventlog.Task, string, error) {
			var page TasksPage
			query := pageAfter(after)
			maps.Copy(query, filter)
			err := c.call(ctx, &request{method: http.MethodGet, path: []string{"tasks"}, query: query, header: acceptJSON}, &page)
			return page.Tasks, page.Next, err
		}
		yieldPages(fetch, yield)
	}
}

// DeleteTask deletes a task with all its sessions, for ever.
func (c *Client) DeleteTask(ctx context.Context, task string) error {
	path, err := taskPath(task)
	if err != nil {
		return err
	}
	return c.call(ctx, &request{method: http.MethodDelete, path: path}, nil)
}

var acceptJSON = http.Header{"Accept": {"application/json"}}

// pageAfter is the query for the page after a place.
func pageAfter(place string) url.Values {
	if place == "" {
		return url.Values{}
	}
	return url.Values{"after": {place}}
}

// yieldPages yields the entries of all pages of a list. An empty next is the end.
func yieldPages[T any](fetch func(after string) ([]T, string, error), yield func(T, error) bool) {
	var zero T
	for after := ""; ; {
		items, next, err := fetch(after)
		if err != nil {
			yield(zero, err)
			return
		}
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
		if next == "" || next == after {
			return
		}
		after = next
	}
}
