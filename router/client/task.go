package client

import (
	"context"
	"iter"
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

// Tasks yields all tasks, the newest activity first. A yielded error is the last
// value.
func (c *Client) Tasks(ctx context.Context) iter.Seq2[eventlog.Task, error] {
	return func(yield func(eventlog.Task, error) bool) {
		fetch := func(after string) ([]eventlog.Task, string, error) {
			var page struct {
				Tasks []eventlog.Task `json:"tasks"`
				Next  string          `json:"next"`
			}
			err := c.call(ctx, &request{method: http.MethodGet, path: []string{"tasks"}, query: pageAfter(after), header: acceptJSON}, &page)
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
		return nil
	}
	return url.Values{"after": {place}}
}

// yieldPages yields what is on all pages of a list. An empty next is the end.
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
