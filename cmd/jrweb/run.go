package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/steer"
	"jrweb/eventlog/transcript"
)

// What a shell says of a command that it cannot run, and of one that Ctrl-C has
// ended, which on a terminal of its own gets it as a key.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitInterrupted   = 128 + int(syscall.SIGINT)
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "run an agent and record it live", ArgsUsage: "-- COMMAND…",
		Description: "The command gets our input, its output is passed through, and its exit code is ours. What it prints becomes\n" +
			"events: in one of the formats that agents print, or as text. While the server is away, they wait on this disk,\n" +
			"and are delivered later, by this command, the next jrweb run, or jrweb flush. A person who ends the session as\n" +
			"canceled stops the command. With -steer, what people say reaches it: -steer -stdin any program that reads lines,\n" +
			"-steer alone claude with --input-format stream-json, codex exec, codex app-server, opencode run, and agents\n" +
			"that speak ACP. Servers of protocols take their first prompt from our input. The command does not get JRWEB_TOKEN.",
		Flags: clientFlags(
			stringFlag("task", "", "record in a new session of this task, which is made if there is none (required)"),
			titleFlag(),
			formatFlag(),
			stringFlag("db", "", "record in this database file instead of a server"),
			boolFlag("serve", "serve the -db meanwhile"),
			stringFlag("addr", defaultAddr, "with -serve, listen here"),
			pricesFlag(),
			spoolFlag(),
			boolFlag("steer", "hand what people say to the command, while it works"),
			boolFlag("stdin", "with -steer, a message is a line of the command's input"),
			&cli.DurationFlag{Name: "grace", Value: stopGrace, Usage: "when a person stops the run, how long the command has between SIGINT, SIGTERM and SIGKILL", Sources: env("grace"), OnlyOnce: true},
			&cli.DurationFlag{Name: "lease", Value: time.Minute, Usage: "the session ends as interrupted when nothing is heard of us for so long", Sources: env("lease"), OnlyOnce: true}),
		ArgValidator: someOperands("COMMAND"),
		Action:       runAgent,
	}
}

func formatFlag() *cli.StringFlag {
	var names []string
	for _, f := range transcript.Formats() {
		names = append(names, string(f))
	}
	return enumFlag("format", "what the agent prints", names...)
}

func spoolFlag() cli.Flag {
	return stringFlag("spool", "", "the folder for what cannot be delivered yet (default: jrweb/spool in $XDG_STATE_HOME or ~/.local/state)")
}

// spoolDir is where spools are, as an absolute path.
func spoolDir(c *cli.Command) (string, error) {
	if dir := c.String("spool"); dir != "" {
		return filepath.Abs(dir)
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%w: name a folder with -spool or JRWEB_SPOOL", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "jrweb", "spool"), nil
}

// childExit is the exit code of the command that was run.
type childExit struct{ code int }

func (e childExit) Error() string { return fmt.Sprintf("the command ended with exit code %d", e.code) }

func runAgent(ctx context.Context, c *cli.Command) error {
	if !c.IsSet("task") {
		return usagef("-task is required: the task to record in")
	}
	task, err := taskOf(c.String("task"))
	if err != nil {
		return err
	}
	if c.Duration("lease") < 3*time.Second || c.Duration("lease") > 24*time.Hour {
		return usagef("-lease must be from 3s to 24h")
	}
	if given(c, "db") && given(c, "url") {
		return usagef("-db and -url: give only one of them")
	}
	if given(c, "serve") && c.Bool("serve") && !intoDatabase(c) {
		return usagef("-serve is for -db: with a server, it serves")
	}
	if given(c, "stdin") && c.Bool("stdin") && !c.Bool("steer") {
		return usagef("-stdin is for -steer: it says how the command takes messages")
	}
	title, err := titleOf(c)
	if err != nil {
		return err
	}
	dir, err := spoolDir(c)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	command := c.Args().Slice()
	warn := func(text string) { fmt.Fprintf(c.Root().ErrWriter, "jrweb: run: %s\n", visible(text)) }
	if _, err := exec.LookPath(command[0]); err != nil {
		warn(err.Error())
		return cannotRun(err)
	}
	agent, err := steerOf(c, command)
	if err != nil {
		return err
	}
	// A signal is for the command: what we do goes on until it has ended.
	ctx = context.WithoutCancel(ctx)
	to, err := openDestination(ctx, c)
	if err != nil {
		return err
	}
	defer func() { // the exit code is the command's, whatever comes now
		if err := to.close(); err != nil {
			warn(err.Error())
		}
	}()

	r := &recording{dir: dir, to: to, task: task, title: title, lease: c.Duration("lease"), agent: filepath.Base(command[0]), warn: warn}
	if agent != nil {
		r.steering = newSteering(agent, r.note)
	}
	p := &processes{recording: r, in: c.Root().Reader, out: tee(c.Root().Writer, r.output), errs: tee(c.Root().ErrWriter, r.errors), grace: c.Duration("grace")}
	if to.watch != nil {
		r.listener = &listener{server: to.watch, task: task, steering: r.steering, stop: func(string) { p.stop() }}
	}
	format := transcript.Format(c.String("format"))
	if agent != nil && format == transcript.Auto {
		format = agent.Format()
	}
	if err := r.open(ctx, format); err != nil {
		return err
	}
	found := r.findThread(ctx, newThreadFinder(command))
	how, err := p.run(command)
	found()
	if err != nil {
		r.abandon()
		warn(err.Error())
		return cannotRun(err)
	}
	// From now on a signal is for us: what is not delivered waits.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r.end(ctx, how)
	if how.code != 0 {
		return childExit{how.code}
	}
	return nil
}

// steerOf returns what speaks to the command, nil if nobody is to.
func steerOf(c *cli.Command, command []string) (steer.Agent, error) {
	if !c.Bool("steer") {
		return nil, nil
	}
	if intoDatabase(c) && !c.Bool("serve") {
		return nil, unlessFromEnv(c, "-steer needs somebody who speaks: a server, or -serve")
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	_, typed := terminalOf(c.Root().Reader)
	agent, err := steer.Choose(command, steer.Options{Lines: c.Bool("stdin"), Typed: typed, Cwd: cwd})
	switch {
	case errors.Is(err, steer.ErrUnknown):
		return nil, unlessFromEnv(c, fmt.Sprintf("-steer: %v: if it reads lines, say -stdin", err))
	case err != nil:
		return nil, unlessFromEnv(c, fmt.Sprintf("-steer: %v", err))
	}
	return agent, nil
}

// unlessFromEnv is an error that says why a command cannot be spoken to, nil if nobody but
// an environment variable wants to.
func unlessFromEnv(c *cli.Command, why string) error {
	if !given(c, "steer") {
		return nil
	}
	return usagef("%s", why)
}

// cannotRun tells why the command did not start, as a shell does.
func cannotRun(err error) childExit {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return childExit{exitNotFound}
	}
	return childExit{exitNotExecutable}
}

// tee returns a writer that shows take what it gets, and passes it on. What cannot
// be passed on is recorded anyway.
func tee(w io.Writer, take func([]byte)) io.Writer { return passOn{w, take} }

type passOn struct {
	io.Writer
	take func([]byte)
}

func (p passOn) Write(b []byte) (int, error) {
	p.take(b) // first: whole lines that somebody has seen outlive a kill of us
	return p.Writer.Write(b)
}
