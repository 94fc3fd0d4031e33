package spool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// To returns the server that a client talks to.
func To(c *client.Client) Server { return remote{c} }

type remote struct{ client *client.Client }

// Start implements [Server].
func (r remote) Start(ctx context.Context, run Run, key string) (eventlog.SessionID, error) {
	if !run.Join.IsZero() && !run.Beside {
		return r.join(ctx, run)
	}
	if run.Title != "" {
		if _, err := r.client.PutTask(ctx, run.Task, eventlog.TaskChange{Title: &run.Title}); err != nil {
			return eventlog.SessionID{}, sortStart(err)
		}
	}
	if err := r.label(ctx, run); err != nil {
		return eventlog.SessionID{}, sortStart(err)
	}
	info, err := r.client.Start(ctx, run.Task, client.Start{
		Agent: run.Agent, Version: run.Version, Model: run.Model, Cwd: run.Cwd, Branch: run.Branch, Machine: run.Machine,
		ExternalID: run.ExternalID, ParentExternalID: run.ParentExternalID, Started: run.Started,
		Lease: time.Duration(run.LeaseSeconds) * time.Second, Concurrent: run.Beside || run.Unique,
		Unique: run.Unique && !run.Beside, Steer: run.Steer && !run.Late, Key: key,
	})
	return info.ID, sortStart(err)
}

// joinKey is the idempotency key for going on with a session of hooks. The first one does; the
// body of another one differs, so it is refused.
const joinKey = "jrweb-join"

// Joined reports whether an event says that its run goes on with a session of hooks. What
// stands before it was told by hooks.
func Joined(e *client.Event) bool {
	var said struct{ Joined string }
	return e.Type == eventlog.TypeSession && json.Unmarshal(e.Data, &said) == nil && said.Joined != ""
}

// join goes on with a session of hooks. They see by its version that it is not theirs any
// more.
func (r remote) join(ctx context.Context, run Run) (eventlog.SessionID, error) {
	data, err := json.Marshal(struct {
		Version string `json:"version"`
		Joined  string `json:"joined"`
	}{cmp.Or(run.Version, "unknown"), run.ID})
	if err != nil {
		return eventlog.SessionID{}, err
	}
	line := client.AppendLine(nil, &eventlog.Event{Type: eventlog.TypeSession, Actor: eventlog.System, Data: data})
	_, err = r.client.Append(ctx, run.Task, client.Append{Session: run.Join, Key: joinKey, Body: line})
	if err = sort(err); errors.Is(err, ErrGone) || errors.Is(err, ErrRefused) {
		return eventlog.SessionID{}, fmt.Errorf("%w: %w", ErrRecorded, err)
	}
	if err != nil {
		return eventlog.SessionID{}, err
	}
	return run.Join, r.project(ctx, run)
}

// project names the project of a task that hooks have made: they know only the name of
// the directory.
func (r remote) project(ctx context.Context, run Run) error {
	task, err := r.client.Task(ctx, run.Task)
	if err == nil && run.Project != "" && task.Project != run.Project && task.Project == filepath.Base(run.Cwd) {
		_, err = r.client.PutTask(ctx, run.Task, eventlog.TaskChange{Project: &run.Project})
	}
	return err
}

// label gives a task that is not there yet its project and parent.
func (r remote) label(ctx context.Context, run Run) error {
	if run.Project == "" && run.Parent == "" {
		return nil
	}
	_, err := r.client.Task(ctx, run.Task)
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusNotFound {
		return err
	}
	_, err = r.client.PutTask(ctx, run.Task, eventlog.TaskChange{Project: &run.Project, Parent: &run.Parent})
	return err
}

// sortStart is sort for a session that is to start: there is none yet, so an answer that it has
// ended is not from the server.
func sortStart(err error) error {
	if _, recorded := errors.AsType[*eventlog.RecordedError](err); recorded {
		return fmt.Errorf("%w: %w", ErrRecorded, err)
	}
	if sorted := sort(err); !errors.Is(sorted, ErrGone) {
		return sorted
	}
	return err
}

// Append implements [Server].
func (r remote) Append(ctx context.Context, run Run, session eventlog.SessionID, key string, lines []byte) error {
	_, err := r.client.Append(ctx, run.Task, client.Append{Session: session, Key: key, Body: lines})
	return sort(err)
}

// Stopped implements [Server].
func (r remote) Stopped(ctx context.Context, run Run, session eventlog.SessionID) (string, error) {
	last, err := r.client.LastEvent(ctx, run.Task, session)
	if errors.Is(sort(err), ErrGone) {
		return "", nil // deleted: nobody has said anything about the agent
	}
	if err != nil {
		return "", err
	}
	return Stopper(&last), nil
}

// Stopper returns the person whose event stops a run, "" if the event does not stop it.
func Stopper(e *client.Event) string {
	var end struct {
		Status eventlog.Status `json:"status"`
	}
	if e.Type != eventlog.TypeComplete || json.Unmarshal(e.Data, &end) != nil || end.Status != eventlog.Canceled {
		return ""
	}
	return e.Author()
}

// Heartbeat implements [Server].
func (r remote) Heartbeat(ctx context.Context, run Run, session eventlog.SessionID) error {
	return sort(r.client.Heartbeat(ctx, run.Task, session))
}

// sort tells what is final.
func sort(err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return err
	}
	switch refused.Status {
	case http.StatusNotFound, http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err // a token that is not taken, say, can be mended
}
