package main

import (
	"context"
	"errors"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog/transcript"
)

const (
	// joinedLease is how long a session that hooks have started may be silent. They have
	// set it, so that it is to be renewed.
	joinedLease = 30 * time.Minute
	// joinedSlack is how long before the start of a session of hooks the transcript may
	// say that it began: hooks tell no times, and clocks differ.
	joinedSlack = time.Minute
)

// join goes on with the session that hooks record of the thread: the transcript tells what
// they tell, and more. From then on they leave it to us.
func (t *thread) join(ctx context.Context, origin transcript.Origin) error {
	run := t.run(origin, t.cover.hooked.Started.Time)
	run.Join, run.LeaseSeconds = t.cover.hooked.ID, int64(joinedLease/time.Second)
	s, err := newStretch(t.dir, run.Task, run)
	if err != nil {
		return err
	}
	if err := t.startJoined(ctx, s); err != nil {
		return err
	}
	if err := t.cover.loadHooks(ctx, t.to.client, t.cover.hooked); err != nil {
		return errors.Join(err, s.writer.Close())
	}
	t.joined = s
	return nil
}

// startJoined waits until the log has given the session to us. If it has not, it removes
// the spool, which is empty. On an error the spool is closed.
func (t *thread) startJoined(ctx context.Context, s *stretch) error {
	d, err := spool.Deliver(s.writer)
	if err != nil {
		return errors.Join(err, s.writer.Close())
	}
	err = d.Rest(ctx, t.server)
	if errors.Is(err, spool.ErrRecorded) {
		return errors.Join(err, d.Remove(), d.Close(), s.writer.Forget())
	}
	if err = errors.Join(err, d.Close()); err != nil {
		err = errors.Join(err, s.writer.Close())
	}
	return err
}

// reach goes on with the session of hooks, if the transcript has come to its time.
func (t *thread) reach(at time.Time) error {
	if t.joined == nil || at.Before(t.joined.writer.Run().Started.Add(-joinedSlack)) {
		return nil
	}
	return t.goOn()
}

// goOn goes on with the session of hooks. What came before is another session.
func (t *thread) goOn() error {
	if t.joined == nil {
		return nil
	}
	if err := t.end(t.how); err != nil {
		return err
	}
	t.current, t.joined = t.joined, nil
	t.delivery.add(t.current)
	return nil
}
