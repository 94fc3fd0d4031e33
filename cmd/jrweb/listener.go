package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/cmd/jrweb/internal/steer"
	"jrweb/eventlog"
	"jrweb/router/client"
)

// listener hears what people say in the sessions of a run: that it is to stop, and where
// the command can be spoken to, messages and answers.
type listener struct {
	server   *client.Client
	task     string
	steering *steering // nil: nobody can speak to the command
	stop     func(by string)

	mu     sync.Mutex
	cancel context.CancelFunc // of the session that is listened to
	done   sync.WaitGroup
}

// deaf is how long a listener waits before it tries again to hear.
const deaf = 2 * time.Second

// session listens to another session, and to the one before no more.
func (l *listener) session(ctx context.Context, id eventlog.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	ctx, l.cancel = context.WithCancel(ctx)
	l.done.Go(func() { l.listen(ctx, id) })
}

// close ends the listener.
func (l *listener) close() {
	l.mu.Lock()
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	l.done.Wait()
}

func (l *listener) listen(ctx context.Context, id eventlog.SessionID) {
	types := []string{eventlog.TypeComplete}
	if l.steering != nil {
		types = append(types, eventlog.TypeUser, eventlog.TypeQuestion, eventlog.TypeAnswer)
	}
	heard := uint64(0)
	for ctx.Err() == nil {
		for e, err := range l.server.Follow(ctx, l.task, &client.FollowOptions{Session: id, Types: types}) {
			if refused, is := errors.AsType[*client.Error](err); is && refused.Status == 404 {
				return // deleted: nobody says anything there
			}
			if err != nil {
				break
			}
			if e.Sequence > heard {
				heard = e.Sequence
				l.hear(&e)
			}
			if e.Type == eventlog.TypeComplete {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(deaf):
		}
	}
}

// hear takes an event. Only what the server has marked as a person's reaches the command.
func (l *listener) hear(e *client.Event) {
	var data struct {
		Content, Value, Request string
		For                     uint64
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return
	}
	switch {
	case e.Type == eventlog.TypeQuestion:
		l.steering.ask(e.Sequence, data.Request)
	case e.Author() == "":
	case e.Type == eventlog.TypeComplete:
		if by := spool.Stopper(e); by != "" {
			l.stop(by)
		}
	case e.Type == eventlog.TypeUser:
		l.steering.say(steer.Message{Sequence: e.Sequence, Text: data.Content})
	case e.Type == eventlog.TypeAnswer:
		l.steering.answer(data.For, steer.Message{Sequence: e.Sequence, Text: data.Value})
	}
}
