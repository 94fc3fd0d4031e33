package eventlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"jrweb/eventlog/internal/record"
)

// Append appends a batch and returns after its commit: then the batch is on the disk.
// Errors: [ErrTaskNotFound], [ErrSessionNotFound], [ErrSealed], [ErrKeyReused],
// [*FieldError] (wrapping [ErrTooLarge] at a limit), [ErrFull], [ErrNotCommitted],
// [ErrUnsettled], [ErrClosed], [ErrFailed], or the error of ctx. After all of them except
// ErrUnsettled and ErrFailed it is certain that nothing was appended.
func (l *Log) Append(ctx context.Context, b *Batch) (Appended, error) {
	start := time.Now()
	answer, err := l.append(ctx, b)
	if l.trace.Appended != nil {
		l.trace.Appended(b, time.Since(start), err)
	}
	return answer, err
}

// appendBatch is the innermost [AppendFunc].
func (l *Log) appendBatch(ctx context.Context, b *Batch) (Appended, error) {
	if !ValidTaskID(b.Task) {
		return Appended{}, errTaskID
	}
	if err := b.Key.check(); err != nil {
		return Appended{}, err
	}
	if err := record.CheckText("owner", b.Owner, record.MaxName); err != nil {
		return Appended{}, err
	}
	events, err := record.Prepare(b.Events, l.o.MaxBatchEvents, l.o.MaxEventBytes)
	if err != nil {
		return Appended{}, err
	}
	answer, err := made(ctx, l, appends, &batch{b, events})
	if err != nil {
		return Appended{}, err
	}
	return Appended(answer), nil
}

// appendHere appends a batch whose key and owner have been checked.
func appendHere(ctx context.Context, l *Log, b *batch) (answer appended, err error) {
	events := b.prepared
	if events == nil { // another log has prepared them
		if events, err = record.Prepare(b.Events, l.o.MaxBatchEvents, l.o.MaxEventBytes); err != nil {
			return appended{}, err
		}
	}
	bytes := 0
	for i := range events {
		bytes += len(events[i].Data)
	}
	seals := len(events) == 1 && events[0].Type == TypeComplete // and adds nothing else
	err = l.committer.wait(ctx, &op{bytes: bytes, frees: seals, apply: func(tx *record.Txn) error {
		answer = appended{}
		first, err := b.Key.firstAnswer(tx, b.Task, b.Session)
		if err == nil {
			answer = appended{Session: first.Session, First: first.First, Last: first.Last, Sealed: first.Info, Replayed: true}
			return nil
		}
		if !errors.Is(err, errNoKey) {
			return err
		}
		t, s, err := target(tx, b.Batch, events)
		if err == nil {
			err = tx.Foresee(s, events)
		}
		if err == nil {
			err = tx.CheckAnswers(t, s, events)
		}
		if err == nil && s == nil {
			t, s, err = startFor(tx, b.Batch)
		}
		if err != nil {
			return err
		}
		tx.AppendTo(t, s, events)
		answer = appended{Session: s.ID, First: s.Head - uint64(len(events)) + 1, Last: s.Head}
		if s.Status != StatusOpen {
			info := s.Info()
			answer.Sealed = &info
		}
		b.Key.keep(tx, t, b.Session, record.Request{
			Session: answer.Session, First: answer.First, Last: answer.Last, Info: answer.Sealed,
		})
		return nil
	}})
	return answer, err
}

// target finds the open session that a batch goes to. The session is nil if the batch must
// start one. The task is nil if the batch does not need it.
func target(tx *record.Txn, b *Batch, events []record.Prepared) (*record.Task, *record.Session, error) {
	if !b.Session.IsZero() {
		s, err := tx.OpenSession(b.Task, b.Session)
		if err != nil {
			return nil, nil, err
		}
		if s != nil && !slices.ContainsFunc(events, record.Prepared.NeedsAll) && b.Key.ID == "" {
			return nil, s, nil
		}
		t, err := tx.Task(b.Task)
		if err != nil {
			return nil, nil, err
		}
		s, err = tx.Session(b.Task, b.Session)
		if err == nil && s.Status != StatusOpen {
			err = ErrSealed
		}
		return t, s, err
	}

	t, err := tx.Task(b.Task)
	if err == nil && t.Status == StatusOpen {
		s, err := tx.Session(b.Task, t.Latest)
		return t, s, err
	}
	if b.NoStart {
		if err == nil {
			err = ErrSealed
		}
		return nil, nil, err
	}
	if errors.Is(err, ErrTaskNotFound) {
		err = nil
	}
	return nil, nil, err
}

// startFor starts the session that a batch goes to.
func startFor(tx *record.Txn, b *Batch) (*record.Task, *record.Session, error) {
	t, _, err := tx.TaskOrNew(b.Task)
	if err != nil {
		return nil, nil, err
	}
	s := &record.Session{Started: Time{Time: tx.Now}, Owner: b.Owner}
	return t, s, tx.StartSession(t, s, false)
}

var errTaskID = &FieldError{Index: -1, Field: "task", Reason: "must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}"}
