package client_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

func TestARunIsFoundByItsExternalIDAndIsNotRecordedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t).client(nil)
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		began := time.Date(2025, 3, 1, 10, 0, 0, 0, time.UTC)
		start := client.Start{
			Agent: "a", Version: "1.2", Model: "m", Cwd: "/w", Branch: "main", Machine: "box",
			ExternalID: "x", ParentExternalID: "p", Started: began, Unique: true, Concurrent: true,
		}
		first, err := c.Start(t.Context(), "t-1", start)
		ok(err)
		want := eventlog.SessionInfo{
			ID: first.ID, Task: "t-1", Status: eventlog.StatusOpen, Agent: "a", Version: "1.2", Model: "m", Cwd: "/w", Branch: "main",
			Machine: "box", ExternalID: "x", ParentExternalID: "p", Started: eventlog.Time{Time: began},
		}
		if !equal(first, want) {
			t.Errorf("the answer is %+v, not %+v", first, want)
		}
		before := time.Now()
		_, err = c.Start(t.Context(), "t-2", start)
		recorded, found := errors.AsType[*eventlog.RecordedError](err)
		if !found || *recorded != (eventlog.RecordedError{Task: "t-1", Session: first.ID}) || time.Since(before) > 0 {
			t.Errorf("after %v, a second start got error %v", time.Since(before), err)
		}
		_, err = c.Append(t.Context(), "t-1", client.Append{Body: []byte(`{"type":"complete","time":"2025-03-01T11:00:00Z","data":{}}`)})
		ok(err)
		_, err = c.Start(t.Context(), "t-2", start)
		if recorded, found = errors.AsType[*eventlog.RecordedError](err); !found || !recorded.Ended.Equal(began.Add(time.Hour)) {
			t.Errorf("a start after the end got error %v", err)
		}

		start.Started, start.Agent = time.Time{}, "b"
		second, err := c.Start(t.Context(), "t-2", start)
		ok(err)
		for agent, want := range map[string][]eventlog.SessionID{"": {second.ID, first.ID}, "a": {first.ID}, "c": nil} {
			sessions, err := c.SessionsByExternalID(t.Context(), agent, "x")
			ok(err)
			var ids []eventlog.SessionID
			for _, s := range sessions {
				ids = append(ids, s.ID)
			}
			if !equal(ids, want) {
				t.Errorf("sessions of agent %q are %v, not %v", agent, ids, want)
			}
		}
		var tasks []string
		for task, err := range c.TasksByExternalID(t.Context(), "x") {
			ok(err)
			tasks = append(tasks, task.ID)
		}
		if !equal(tasks, []string{"t-2", "t-1"}) {
			t.Errorf("the tasks are %v", tasks)
		}
	})
}

func TestATaskIsGivenATitle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t).client(nil)
		title, parent := "Mend it", "t-0"
		for _, change := range []eventlog.TaskChange{{Title: &title}, {Parent: &parent}} {
			task, err := c.PutTask(t.Context(), "t-1", change)
			if err != nil || task.Title != title {
				t.Errorf("the task is %+v, %v", task, err)
			}
		}
		task, err := c.Task(t.Context(), "t-1")
		if err != nil || task.Title != title || task.Parent != parent {
			t.Errorf("the task is %+v, %v", task, err)
		}
		long := string(make([]byte, 2000))
		_, err = c.PutTask(t.Context(), "t-1", eventlog.TaskChange{Title: &long})
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Field != "title" {
			t.Errorf("got error %v", err)
		}
	})
}

func equal(got, want any) bool { return reflect.DeepEqual(got, want) }
