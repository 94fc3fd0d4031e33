package eventlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// action is a kind of change that a log which is not the writer hands on. Guards have been
// passed and inputs checked before; the writer checks again what depends on the state of the
// log, and on its own limits.
type action[In, Out any] struct {
	name string
	make func(ctx context.Context, l *Log, in *In) (Out, error)
	// repeats reports whether making it twice has the same effect as once. Nil: never.
	repeats func(in *In) bool
}

// nothing is the input or the answer of an action that has none.
type nothing struct{}

func always[In any](*In) bool { return true }

// The actions.
var (
	appends        = &action[batch, appended]{"append", appendHere, func(b *batch) bool { return b.Key.ID != "" }}
	starts         = &action[startOf, started]{"start", startHere, func(s *startOf) bool { return s.Options.Key.ID != "" }}
	taskPuts       = &action[taskPut, taskWasPut]{"put task", putTaskHere, nil}
	taskDeletes    = &action[string, nothing]{"delete task", deleteTaskHere, nil}
	sessionDeletes = &action[sessionOf, nothing]{"delete session", deleteSessionHere, nil}
	trims          = &action[trim, nothing]{"trim", trimHere, always[trim]}
	heartbeats     = &action[sessionOf, nothing]{"heartbeat", heartbeatHere, always[sessionOf]}
	probes         = &action[nothing, nothing]{"probe", probeHere, always[nothing]}
	catchUp        = &action[nothing, nothing]{"catch up", catchUpHere, always[nothing]}
)

// served is an action as the writer makes it for others: it decodes the input and encodes the
// answer.
type served func(ctx context.Context, l *Log, in []byte) (answer []byte, err error)

var actions = map[string]served{
	appends.name: appends.serve, starts.name: starts.serve, taskPuts.name: taskPuts.serve,
	taskDeletes.name: taskDeletes.serve, sessionDeletes.name: sessionDeletes.serve, trims.name: trims.serve,
	heartbeats.name: heartbeats.serve, probes.name: probes.serve, catchUp.name: catchUp.serve,
}

// made makes a change: here, if this log is the writer, or else by handing it on.
func made[In, Out any](ctx context.Context, l *Log, a *action[In, Out], in *In) (out Out, err error) {
	for {
		if l.writes() {
			out, err = a.make(ctx, l, in)
		} else {
			out, err = a.hand(ctx, l, in)
		}
		if !errors.Is(err, store.ErrNotWriter) {
			return out, err
		}
		// The writer has changed before the change was made.
	}
}

// hand hands an action on. If ctx ends first, it is unknown whether the change is made.
func (a *action[In, Out]) hand(ctx context.Context, l *Log, in *In) (out Out, err error) {
	if err := l.Err(); err != nil {
		return out, err
	}
	change, err := encodeHanded(a.name+"\n", in)
	if err != nil {
		return out, fmt.Errorf("eventlog: %s: %w", a.name, err)
	}
	answer, err := l.others.Hand(ctx, change, a.repeats != nil && a.repeats(in))
	switch {
	case err == nil:
		return out, decodeAnswer(answer, &out)
	case errors.Is(err, store.ErrUpdateTooLarge):
		return out, tooLarge(err)
	case l.Err() != nil && !errors.Is(err, ErrUnsettled): // it was closed before it was made
		return out, l.Err()
	}
	return out, fmt.Errorf("eventlog: %s: %w", a.name, err)
}

// serve implements [served].
func (a *action[In, Out]) serve(ctx context.Context, l *Log, input []byte) ([]byte, error) {
	in := new(In)
	if err := decodeHanded(input, in); err != nil {
		return encodeAnswer(nil, err)
	}
	out, err := a.make(ctx, l, in)
	if errors.Is(err, store.ErrNotWriter) || errors.Is(err, ErrClosed) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, store.ErrNotWriter // it was not made
	}
	return encodeAnswer(&out, err)
}

// serve makes a change that another log has handed on, if this one is the writer of the term.
// It implements the function of [store.NotifyingStore].
func (l *Log) serve(ctx context.Context, term uint64, change []byte) (answer []byte, err error) {
	name, in, _ := bytes.Cut(change, []byte{'\n'})
	if l.turn.check(term) != nil || l.Err() != nil {
		return nil, store.ErrNotWriter
	}
	serve, known := actions[string(name)]
	if !known {
		return encodeAnswer(nil, fmt.Errorf("the writer of the cluster does not know how to %q: use a newer jrweb there", name))
	}
	return serve(inTerm(ctx, term), l, in)
}

// tooLarge is the error of a change that is too large for the store.
func tooLarge(err error) error {
	return &FieldError{Index: -1, Field: "events", Reason: "are too large in all: " + err.Error(), Err: ErrTooLarge}
}

func catchUpHere(ctx context.Context, l *Log, _ *nothing) (nothing, error) {
	return nothing{}, l.committer.do(ctx, 0, func(*record.Txn) error { return nil })
}
