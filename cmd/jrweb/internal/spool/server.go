package spool

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// To returns the server that a client talks to.
func To(c *client.Client) Server { return remote{c} }

type remote struct{ client *client.Client }

// Start implements [Server].
func (r remote) Start(ctx context.Context, run Run, key string) (eventlog.SessionID, error) {
	info, err := r.client.Start(ctx, run.Task, client.Start{
		Agent: run.Agent, Model: run.Model, ExternalID: run.ExternalID,
		Lease: time.Duration(run.LeaseSeconds) * time.Second, Concurrent: run.Beside, Key: key,
	})
	if sorted := sort(err); !errors.Is(sorted, ErrGone) { // there is no session yet: who says so is not the server
		err = sorted
	}
	return info.ID, err
}

// Append implements [Server].
func (r remote) Append(ctx context.Context, run Run, session eventlog.SessionID, key string, lines []byte) error {
	_, err := r.client.Append(ctx, run.Task, client.Append{Session: session, Key: key, Body: lines})
	return sort(err)
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
