package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/demo"
	"jrweb/eventlog"
)

func open(t *testing.T, clock *demo.Clock) *eventlog.Log {
	t.Helper()
	log, err := eventlog.Open(filepath.Join(t.TempDir(), "demo.db"), &eventlog.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func tasks(t *testing.T, log *eventlog.Log) []eventlog.Task {
	t.Helper()
	tasks, err := log.Tasks(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(tasks)
	return tasks
}

func TestThePastHasFinishedFailedAndRetriedTasks(t *testing.T) {
	clock := &demo.Clock{}
	log := open(t, clock)
	before := time.Now()
	if err := demo.Past(t.Context(), log, clock); err != nil {
		t.Fatal(err)
	}
	statuses := map[eventlog.Status]int{}
	retried := false
	for _, task := range tasks(t, log) {
		statuses[task.Status]++
		if task.Title == "" || task.Totals.USD == 0 {
			t.Errorf("%s has no title or cost nothing: %+v", task.ID, task)
		}
		if !task.Updated.Before(before) {
			t.Errorf("%s was worked on at %v, which is not the past", task.ID, task.Updated)
		}
		sessions, err := log.Sessions(t.Context(), task.ID, eventlog.SessionID{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		retried = retried || len(sessions) == 2 &&
			sessions[1].Status == eventlog.Interrupted && sessions[0].Status == eventlog.Succeeded
		for _, s := range sessions {
			if !s.Ended.After(s.Started.Time) {
				t.Errorf("session %s of %s ended at %v, started at %v", s.ID, task.ID, s.Ended, s.Started)
			}
		}
	}
	if statuses[eventlog.Succeeded] < 2 || statuses[eventlog.Failed] != 1 || statuses[eventlog.StatusOpen] != 0 || !retried {
		t.Errorf("statuses %v, retried %t", statuses, retried)
	}
	if behind := time.Since(clock.Now()); behind > time.Minute {
		t.Errorf("the clock stays %v behind", behind)
	}
}

// The whole script is played twice: everything in it is accepted by the log, and
// reads like the work of an agent.
func TestTheAgentWorksOnTaskAfterTask(t *testing.T) {
	log := open(t, &demo.Clock{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const enough = 10 // all stories, twice
	wait := func(ctx context.Context, d time.Duration) error {
		if d <= 0 || d > 5*time.Second {
			t.Errorf("a pause of %v is not watchable", d)
		}
		if done := tasks(t, log); len(done) == enough && done[enough-1].Status != eventlog.StatusOpen {
			cancel()
		}
		return ctx.Err()
	}
	if err := demo.Work(ctx, log, wait); !errors.Is(err, context.Canceled) {
		t.Fatalf("Work ended with %v", err)
	}

	titles := map[string]bool{}
	for _, task := range tasks(t, log) {
		titles[task.Title] = true
		sessions, err := log.Sessions(t.Context(), task.ID, eventlog.SessionID{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(sessions) != 1 || sessions[0].Status != eventlog.Succeeded {
			t.Errorf("%s has %d sessions and is %s", task.ID, len(sessions), task.Status)
		}
		checkWork(t, log, task.ID, sessions[0].ID)
	}
	if len(titles) < 4 {
		t.Errorf("only %d different tasks", len(titles))
	}
}

// checkWork checks that a session shows an edit, a failure and a success, and that each call has
// its result.
func checkWork(t *testing.T, log *eventlog.Log, task string, session eventlog.SessionID) {
	t.Helper()
	seen := map[string]int{}
	open := map[string]string{} // calls without a result, by call_id
	edits, failures, successes := 0, 0, 0
	for e, err := range log.Session(task, session).Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Type]++
		var d struct {
			Tool     string            `json:"tool"`
			Args     map[string]string `json:"args"`
			CallID   string            `json:"call_id"`
			Success  bool              `json:"success"`
			Duration int               `json:"duration_ms"`
			Model    string            `json:"model"`
			USD      float64           `json:"usd"`
		}
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatalf("%s, event %d: %v", task, e.Sequence, err)
		}
		switch e.Type {
		case eventlog.TypeToolCall:
			open[d.CallID] = d.Tool
			if d.Tool == "edit_file" {
				if d.Args["old_str"] == d.Args["new_str"] || d.Args["path"] == "" {
					t.Errorf("%s, event %d: the edit changes nothing", task, e.Sequence)
				}
				edits++
			}
		case eventlog.TypeToolResult:
			if open[d.CallID] != d.Tool || d.Duration <= 0 {
				t.Errorf("%s, event %d: a result without its call, or without duration", task, e.Sequence)
			}
			delete(open, d.CallID)
			if d.Success {
				successes++
			} else {
				failures++
			}
		case eventlog.TypeCost:
			if d.USD <= 0 || d.Model == "" {
				t.Errorf("%s, event %d: cost without amount or model", task, e.Sequence)
			}
		}
	}
	for _, kind := range []string{"status", "thought", "assistant", "tool_call", "tool_result", "cost", "complete"} {
		if seen[kind] == 0 {
			t.Errorf("%s has no %s", task, kind)
		}
	}
	if len(open) != 0 || edits == 0 || failures == 0 || successes == 0 {
		t.Errorf("%s: calls without result %v, %d edits, %d failures, %d successes", task, open, edits, failures, successes)
	}
}
