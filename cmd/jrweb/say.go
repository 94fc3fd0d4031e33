package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
)

func sayCommand() *cli.Command {
	return &cli.Command{
		Name: "say", Usage: "say something to the agent that works on a task", ArgsUsage: "TASK TEXT…",
		Description: "What is said reaches agents that jrweb run -steer runs. TEXT may be -, for standard input.\n" +
			"The server must know that a person speaks: with JRWEB_TOKEN, a token of role steer. Without tokens only the\n" +
			"page in a browser on the server's machine can.",
		Flags: clientFlags(
			&cli.IntFlag{Name: "answer", Usage: "it answers the question with this sequence", Sources: env("answer"), OnlyOnce: true},
			boolFlag("comment", "it is for people: no agent hears it")),
		ArgValidator: func(_ context.Context, c *cli.Command) error {
			if c.Args().Len() < 2 {
				return usagef("%s: missing %s, see %s -help", c.FullName(), [...]string{"TASK", "TEXT"}[c.Args().Len()], c.FullName())
			}
			return nil
		},
		Action: say,
	}
}

func say(ctx context.Context, c *cli.Command) error {
	kind, err := choice(c, "answer", "comment")
	if err != nil {
		return err
	}
	text := strings.Join(c.Args().Tail(), " ")
	if text == "-" {
		all, err := io.ReadAll(c.Root().Reader)
		if err != nil {
			return fmt.Errorf("say: %w", err)
		}
		text = strings.TrimSpace(string(all))
	}
	if text == "" {
		return usagef("there is nothing to say")
	}
	server, open, err := openSession(ctx, c)
	if err != nil {
		return err
	}
	e := eventlog.Event{Type: eventlog.TypeUser, Actor: eventlog.Human, Data: mustJSON(map[string]string{"content": text})}
	switch {
	case kind == "answer":
		e.Type = eventlog.TypeAnswer
		e.Data = mustJSON(struct {
			For   int    `json:"for"`
			Value string `json:"value"`
		}{c.Int("answer"), text})
	case kind == "comment":
		e.Type = eventlog.TypeComment
	case !open.Steer:
		return errors.New("say: this agent cannot be spoken to: it does not run under jrweb run -steer; -comment leaves a comment")
	}
	answer, err := server.Append(ctx, open.Task, client.Append{Session: open.ID, Person: kind != "comment", Body: client.AppendLine(nil, &e)})
	if err != nil {
		return explain(c, fmt.Errorf("say: %w", err))
	}
	_, err = fmt.Fprintf(c.Root().Writer, "session %s: event %d\n", answer.Session, answer.Last)
	return err
}

func stopCommand() *cli.Command {
	return &cli.Command{
		Name: "stop", Usage: "stop the agent that works on a task", ArgsUsage: "TASK",
		Description: "It seals the session as canceled. If jrweb run runs the agent, that ends it.\n" +
			"The server must know that a person does this: see jrweb say -help.",
		Flags:        clientFlags(stringFlag("reason", "", "why, for people")),
		ArgValidator: operands("TASK"),
		Action: func(ctx context.Context, c *cli.Command) error {
			server, open, err := openSession(ctx, c)
			if err != nil {
				return err
			}
			_, err = server.Complete(ctx, open.Task, open.ID, client.Complete{Status: eventlog.Canceled, Reason: c.String("reason"), Person: true})
			if err != nil {
				return explain(c, fmt.Errorf("stop: %w", err))
			}
			_, err = fmt.Fprintf(c.Root().Writer, "session %s is canceled\n", open.ID)
			return err
		},
	}
}

// openSession returns the latest session of the task that is the first operand, which must
// be open.
func openSession(ctx context.Context, c *cli.Command) (*client.Client, eventlog.SessionInfo, error) {
	task, err := taskOf(c.Args().First())
	if err != nil {
		return nil, eventlog.SessionInfo{}, err
	}
	server, err := connect(c)
	if err != nil {
		return nil, eventlog.SessionInfo{}, err
	}
	for latest, err := range server.Sessions(ctx, task) {
		switch {
		case err != nil:
			return nil, eventlog.SessionInfo{}, explain(c, fmt.Errorf("%s: %w", c.Name, err))
		case latest.Sealed():
			return nil, eventlog.SessionInfo{}, fmt.Errorf("%s: nobody works on task %s: its latest session is %s", c.Name, task, latest.Status)
		}
		return server, latest, nil
	}
	return nil, eventlog.SessionInfo{}, fmt.Errorf("%s: nobody works on task %s: it has no session", c.Name, task)
}
