// Package demo is an agent that works by a script, so that there is something to
// watch:
//
//	clock := &demo.Clock{}
//	log, err := eventlog.Open(path, &eventlog.Options{Now: clock.Now})
//	err = demo.Past(ctx, log, clock)     // tasks of the last hours
//	err = demo.Work(ctx, log, wait)      // one task after the other, until ctx ends
//
// It works on the shop of a small company, as a real agent would: it reads,
// searches, thinks, changes code, runs the tests, and pays for its tokens. What
// it does goes into the log through package eventlog, like the work of any agent
// that a program embeds.
package demo

import (
	"context"
	"fmt"
	"time"

	"jrweb/eventlog"
)

// Wait is how time passes between two events: it returns after d, or with the
// error of ctx. [Work] takes one that waits, tests one that does not.
type Wait func(ctx context.Context, d time.Duration) error

// Past writes what the agent did in the last hours. The clock is that of the log;
// it goes through the past meanwhile, and is right again at the end.
func Past(ctx context.Context, log *eventlog.Log, clock *Clock) error {
	defer clock.release()
	now := time.Now()
	wait := func(ctx context.Context, d time.Duration) error {
		clock.advance(d)
		return ctx.Err()
	}
	for _, p := range past() {
		clock.set(now.Add(-p.ago))
		if err := play(ctx, log, p.task, p.story, wait); err != nil {
			return err
		}
	}
	return nil
}

// Work works on one task after the other until ctx ends. Its error is never nil.
func Work(ctx context.Context, log *eventlog.Log, wait Wait) error {
	for number := firstNumber; ; {
		for _, s := range stories() {
			if err := play(ctx, log, taskID(number), s, wait); err != nil {
				return err
			}
			if err := wait(ctx, betweenTasks); err != nil {
				return err
			}
			number++
		}
	}
}

// betweenTasks leaves time to see how a task ended.
const betweenTasks = 5 * time.Second

// firstNumber is the number of the first task of [Work]; those of the past have
// lower ones.
const firstNumber = 118

func taskID(number int) string { return fmt.Sprintf("shop-%d", number) }

// play lets the agent work on a task, in a new session.
func play(ctx context.Context, log *eventlog.Log, task string, s story, wait Wait) error {
	change := eventlog.TaskChange{Title: &s.title, Type: &s.kind, Description: &s.description}
	if _, _, err := log.PutTask(ctx, task, change); err != nil {
		return fmt.Errorf("demo: task %s: %w", task, err)
	}
	session, err := log.Start(ctx, task, &eventlog.StartOptions{Agent: "jr", Model: model})
	if err != nil {
		return fmt.Errorf("demo: start %s: %w", task, err)
	}
	for _, m := range s.script.moments {
		if err := wait(ctx, m.pause); err != nil {
			return err
		}
		if _, err := session.Append(ctx, m.events...); err != nil {
			return fmt.Errorf("demo: append to %s: %w", task, err)
		}
	}
	return nil
}
