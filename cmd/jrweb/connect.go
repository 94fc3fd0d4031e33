package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
)

const (
	tokenFlag  = "token"
	defaultURL = "http://127.0.0.1:7070"
)

// clientFlags are the flags of every command that talks to a server.
func clientFlags(more ...cli.Flag) []cli.Flag {
	token := stringFlag(tokenFlag, "", "what the server knows you by; better in the environment than here")
	return append(more,
		stringFlag("url", defaultURL, "the server; unix:PATH is its Unix socket"),
		token)
}

func sessionFlag(usage string) cli.Flag { return stringFlag("session", "", usage) }

// connect returns the client that the flags describe. It sends nothing yet.
func connect(c *cli.Command) (*client.Client, error) {
	server, err := client.New(c.String("url"), &client.Options{Token: c.String(tokenFlag)})
	if err != nil {
		return nil, usageError{err}
	}
	return server, nil
}

// taskOf checks a task id before anything is sent.
func taskOf(id string) (string, error) {
	if !eventlog.ValidTaskID(id) {
		return "", usagef("%q is not a task id: letters, digits, and . _ - after the first, at most 128", id)
	}
	return id, nil
}

// sessionOf reads -session, the zero id if it was not given.
func sessionOf(c *cli.Command) (eventlog.SessionID, error) {
	if !c.IsSet("session") {
		return eventlog.SessionID{}, nil
	}
	id, err := eventlog.ParseSessionID(c.String("session"))
	if err != nil {
		return id, usagef("-session %q is not a session id: jrweb ls TASK lists them", c.String("session"))
	}
	return id, nil
}

// target connects and reads the task and session that a command is about.
func target(c *cli.Command, task string) (server *client.Client, id string, session eventlog.SessionID, err error) {
	if id, err = taskOf(task); err != nil {
		return nil, "", session, err
	}
	if session, err = sessionOf(c); err != nil {
		return nil, "", session, err
	}
	server, err = connect(c)
	return server, id, session, err
}

// explain adds to an error of the client what to do about it.
func explain(c *cli.Command, err error) error {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fmt.Errorf("cannot reach %s: %w: start jrweb serve, or name another server with -url or JRWEB_URL", c.String("url"), dial)
	}
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == 404 {
		return fmt.Errorf("%w: jrweb ls lists what there is", err)
	}
	return err
}
