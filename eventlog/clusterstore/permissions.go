package clusterstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// untilDenied returns a context for what is done with a connection that is yet to be made. It
// also ends when the engine says that the user may not do something: it does not answer what it
// does not allow, so to wait for an answer is of no use. explain releases the context, and
// returns what was not allowed instead of the error that followed from it.
func (o *Options) untilDenied(ctx context.Context) (_ context.Context, explain func(error) error) {
	ctx, denied := context.WithCancelCause(ctx)
	o.denied = denied
	return ctx, func(err error) error {
		if cause := context.Cause(ctx); err != nil && errors.Is(cause, nats.ErrPermissionViolation) {
			err = fmt.Errorf("the user of the NATS servers may not do what a replica must do: %w", cause)
		}
		denied(nil)
		return err
	}
}

// mayTalk returns an error if the user may not talk with other replicas. A refusal would
// otherwise be noticed only when they hear nothing. The message that it sends means nothing to
// them.
func (e *engine) mayTalk(ctx context.Context, id [8]byte) error {
	for _, subject := range []string{e.signSubject(), e.askSubject(id), e.replicasSubject()} {
		s, err := e.conn.SubscribeSync(subject)
		if err != nil {
			return err
		}
		defer func() { _ = s.Unsubscribe() }() // an error says that the connection is closed
		_ = e.conn.Publish(subject, nil)       // an error says that it is away
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_ = e.conn.FlushWithContext(ctx) // a refusal comes before its answer, or, if that is missing, ends what follows
	if err := e.conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}
