package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
)

const keyFlag = "key"

func appendCommand() *cli.Command {
	return &cli.Command{
		Name: "append", Usage: "append events from standard input, one JSON object a line",
		Description: "Each line is an event: {\"type\":\"assistant\",\"data\":{\"content\":\"Hello\"}}, with \"actor\" and \"time\" if you like.\n" +
			"They go to the task's latest session if it is open, else to a new one. When the connection breaks or the\n" +
			"server restarts, the request is repeated, and nothing is appended twice.",
		Flags: clientFlags(
			stringFlag("task", "", "append to this task, which is made if there is none (required)"),
			titleFlag(),
			sessionFlag("append to this session"),
			stringFlag(keyFlag, "", "makes a repeat of the whole command with the same input harmless; input is then sent in full batches, not as it comes")),
		ArgValidator: operands(),
		Action:       appendEvents,
	}
}

// maxKey leaves room for the number of a batch.
const maxKey = 100

func appendEvents(ctx context.Context, c *cli.Command) error {
	if !c.IsSet("task") {
		return usagef("-task is required: the task to append to")
	}
	server, task, session, err := target(c, c.String("task"))
	if err != nil {
		return err
	}
	if _, err := titleOf(c); err != nil {
		return err
	}
	key, delay := c.String(keyFlag), time.Duration(0)
	if !c.IsSet(keyFlag) {
		key, delay = rand.Text(), sendDelay
	} else if !eventlog.ValidKeyID(key) || len(key) > maxKey {
		return usagef("-key must have 1 to %d visible ASCII characters", maxKey)
	}

	a := &appender{server: server, task: task, session: session, key: key}
	err = inBatches(ctx, c.Root().Reader, delay, func(b *batch) error {
		first := a.last == 0
		err := a.send(ctx, b)
		if err == nil && first {
			err = putTitle(ctx, c, server, task)
		}
		return err
	})
	if err == nil && a.last == 0 {
		err = errors.New("nothing to append: there are no events on standard input")
	}
	if err != nil {
		return explain(c, a.progress(err))
	}
	_, err = fmt.Fprintf(c.Root().Writer, "session %s: events %d–%d\n", a.session, a.first, a.last)
	return err
}

// appender appends batch after batch to one session.
type appender struct {
	server  *client.Client
	task    string
	session eventlog.SessionID // zero: what the server chooses for the first batch
	key     string             // of the run; each batch adds its number

	batches     int
	first, last uint64 // sequences, 0: none yet
	lastLine    int    // of the input, that is appended
}

func (a *appender) send(ctx context.Context, b *batch) error {
	a.batches++
	answer, err := a.server.Append(ctx, a.task, client.Append{
		Session: a.session, Key: a.key + "-" + strconv.Itoa(a.batches), Body: b.body,
	})
	if err != nil {
		return b.locate(err)
	}
	// From now on, whatever else starts: the rest belongs to this session.
	a.session = answer.Session
	if a.first == 0 {
		a.first = answer.First
	}
	a.last, a.lastLine = answer.Last, b.lines[len(b.lines)-1]
	return nil
}

// progress adds to an error what was appended before it.
func (a *appender) progress(err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	switch {
	case a.last > 0:
		return fmt.Errorf("append: %w (up to line %d all is appended, to session %s)", err, a.lastLine, a.session)
	case ok && refused.Status < 500:
		return fmt.Errorf("append: %w (nothing was appended)", err)
	}
	return fmt.Errorf("append: %w", err)
}

// problemLine is where a problem of the server names a line of the request.
var problemLine = regexp.MustCompile(`^line (\d+)|\(line (\d+)\)$`)

// locate says in which line of the input the server found what it refused.
func (b *batch) locate(err error) error {
	if located := b.name(err, "line"); located != nil {
		return located
	}
	return fmt.Errorf("%s: %w", b.place(), err)
}

// name returns an error of the server with the number that the line has for the caller that gave
// it, and what that counts; nil if the error tells no line.
func (b *batch) name(err error, unit string) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return nil
	}
	found := problemLine.FindStringSubmatch(refused.Detail)
	if found == nil {
		return nil
	}
	n, err := strconv.Atoi(found[1] + found[2])
	if err != nil || n < 1 || n > len(b.lines) {
		return nil
	}
	located := *refused
	located.Detail = problemLine.ReplaceAllLiteralString(refused.Detail, fmt.Sprintf("%s %d", unit, b.lines[n-1]))
	return &located
}
