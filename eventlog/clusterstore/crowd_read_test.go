package clusterstore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// eventsOf is a page of events.
type eventsOf struct {
	Events []struct {
		ID   string
		Type string
		Data json.RawMessage
	}
	Next string
}

// pages reads all events at a path.
func (c *crowd) pages(path string, visit func(id, kind string, data []byte)) {
	for next := ""; ; {
		var page eventsOf
		at := path
		if next != "" {
			at += "&after=" + next
		}
		c.ask("GET", at, "", "", &page)
		for _, e := range page.Events {
			visit(e.ID, e.Type, e.Data)
		}
		if len(page.Events) == 0 || page.Next == next {
			return
		}
		next = page.Next
	}
}

func (c *crowd) all(path string) (all []string) {
	c.pages(path, func(id, kind string, data []byte) { all = append(all, id+" "+kind+" "+string(data)) })
	return all
}

func (c *crowd) contents(path string) (all []string) {
	c.pages(path, func(_, _ string, data []byte) {
		var said struct{ Content string }
		if err := json.Unmarshal(data, &said); err == nil {
			all = append(all, said.Content)
		}
	})
	return all
}

// follow reads a task's stream to the last word, and moves to another server whenever it is
// cut off, and at random.
func (c *crowd) follow(task string) (seen []string) {
	cursor, began := "", time.Now()
	for {
		ctx, cancel := context.WithTimeout(c.Context(), time.Second+rand.N(10*time.Second))
		some, done, err := c.stream(ctx, c.any(), task, &cursor)
		cancel()
		seen = append(seen, some...)
		if err != nil {
			c.Error(err)
			return seen
		}
		if len(some) > 0 {
			began = time.Now()
		}
		if done {
			return seen
		}
		if c.Failed() {
			return seen
		}
		if time.Since(began) > 2*crowdPatience {
			c.Errorf("a reader of %s gets nothing after %s", task, cursor)
			return seen
		}
		c.moved.Add(1)
	}
}

// stream reads a stream after a cursor until ctx ends or it is cut.
func (c *crowd) stream(ctx context.Context, p *process, task string, cursor *string) (seen []string, done bool, err error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/tasks/"+task+"/events/stream?sessions=all", nil)
	if err != nil {
		return nil, false, err
	}
	if *cursor != "" {
		r.Header.Set("Last-Event-ID", *cursor)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		select { // it is down
		case <-time.After(crowdPause):
		case <-ctx.Done():
		}
		return nil, false, nil
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		if answer.StatusCode < 500 {
			return nil, false, fmt.Errorf("a stream of %s is answered with %s", task, answer.Status)
		}
		return nil, false, nil
	}
	var id, kind, data string
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(name) {
		case "id":
			id = string(value)
		case "event":
			kind = string(value)
		case "data":
			data = string(value)
		case "":
			switch {
			case kind == "reset" || kind == "gap":
				return seen, false, fmt.Errorf("after %s of %s comes a %s: %s", *cursor, task, kind, data)
			case id != "":
				if err := follows(*cursor, id); err != nil {
					return seen, false, fmt.Errorf("%s: %w", task, err)
				}
				*cursor = id
				seen = append(seen, id+" "+kind+" "+data)
				if strings.Contains(data, crowdFinalWord) {
					return seen, true, nil
				}
			}
			id, kind, data = "", "", ""
		}
	}
	return seen, false, nil // cut off: the reader goes elsewhere
}

// follows checks that one cursor is the next after another: sessions follow each other here.
func follows(before, after string) error {
	session, number, _ := strings.Cut(after, ":")
	n, err := strconv.Atoi(number)
	was, last := "", 0
	if before != "" && err == nil {
		var text string
		was, text, _ = strings.Cut(before, ":")
		last, err = strconv.Atoi(text)
	}
	if session != was {
		last = 0
	}
	if err != nil || n != last+1 || session < was {
		return errors.Join(err, fmt.Errorf("after %q comes %q", before, after))
	}
	return nil
}
