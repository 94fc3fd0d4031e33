package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// child is a command that runs. It has a terminal of its own if ours is one, so
// that it behaves as it would without us.
type child struct {
	cmd      *exec.Cmd
	signals  chan os.Signal
	terminal *os.File // nil: it has pipes
	ours     *os.File // our terminal, if it has one
	restore  func()   // gives our terminal back
	copied   chan struct{}
	input    io.WriteCloser // of a command that is spoken to
	stopping chan struct{}  // closed when it is to end
	stopOnce sync.Once
	grace    time.Duration // between the steps of a stop
	// shared says that the terminal sends its signals to the child as well.
	shared bool
}

// ending is how a child ended.
type ending struct {
	code    int            // as a shell tells it
	signal  syscall.Signal // that killed it, or 0
	stopped bool           // by us
	asked   os.Signal      // that we were sent, the first, or nil
}

// lingering is how long output may come after the child has ended, from
// processes that it left behind.
const lingering = 5 * time.Second

// startChild starts a command that is recorded in a task. One that is steered has a pipe as its input, which we write
// to: see [child.input].
func startChild(command []string, task string, in io.Reader, out, errs io.Writer, steered bool) (*child, error) {
	c := &child{
		cmd: exec.Command(command[0], command[1:]...), signals: make(chan os.Signal, 8), restore: func() {},
		stopping: make(chan struct{}), grace: stopGrace,
	}
	c.cmd.Env = append(childEnv(), runVariable+"="+task)
	c.cmd.WaitDelay = lingering
	// A pipe behind us that breaks is the child's to hear of, and not our end.
	signal.Notify(c.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGWINCH, syscall.SIGPIPE)
	terminal, inIsTerminal := terminalOf(in)
	var err error
	_, outIsTerminal := terminalOf(out.(passOn).Writer)
	switch {
	case steered:
		c.shared = inIsTerminal
		c.cmd.Stdout, c.cmd.Stderr = out, errs
		if c.input, err = c.cmd.StdinPipe(); err == nil {
			err = c.cmd.Start()
		}
	case inIsTerminal && outIsTerminal:
		err = c.startOnTerminal(terminal, out)
	default:
		c.shared = inIsTerminal
		c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = in, out, errs
		err = c.cmd.Start()
	}
	if err != nil {
		signal.Stop(c.signals)
		return nil, err
	}
	return c, nil
}

// runVariable names the task in which a run is recorded, to what runs. An agent's hooks
// tell it to the server, which then leaves the agent to us.
const runVariable = "JRWEB_RUN"

// childEnv is our environment without the token that we speak to the server with: an agent
// that has it could answer its own questions.
func childEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "JRWEB_TOKEN=") })
}

func terminalOf(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// startOnTerminal gives the child a terminal, whose other end we pass to ours. Keys
// go through as they are: Ctrl-C is a byte here, and a signal there.
func (c *child) startOnTerminal(ours *os.File, out io.Writer) error {
	size, err := pty.GetsizeFull(ours)
	if err != nil {
		return err
	}
	if c.terminal, err = pty.StartWithSize(c.cmd, size); err != nil {
		return err
	}
	before, err := term.MakeRaw(int(ours.Fd()))
	if err != nil {
		return errors.Join(err, c.cmd.Process.Kill(), c.cmd.Wait(), c.terminal.Close())
	}
	c.ours = ours
	c.restore = func() { _ = term.Restore(int(ours.Fd()), before) } // there is no other way to help
	c.copied = make(chan struct{})
	go func() { _, _ = io.Copy(c.terminal, ours) }() // ends with the process: a read of a terminal cannot be broken off
	go func() {
		defer close(c.copied)
		_, _ = io.Copy(out, c.terminal) // its end is an error on Linux
		_ = c.terminal.Close()          // if ours is gone, the child is to hear of it
	}()
	return nil
}

// wait passes signals on until the child has ended.
func (c *child) wait() ending {
	defer c.restore()
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	var how ending
	s, stopping := stopper{child: c}, c.stopping
	for {
		select {
		case <-stopping:
			stopping, how.stopped = nil, true
			s.step()
		case <-s.next:
			s.step()
		case err := <-ended:
			signal.Stop(c.signals)
			s.end()
			if c.terminal != nil {
				select {
				case <-c.copied:
				case <-time.After(lingering):
				}
				_ = c.terminal.Close() // a process that still has it is left behind
			}
			return how.of(c.cmd.ProcessState, err)
		case s := <-c.signals:
			c.pass(s, &how)
		}
	}
}

// stop ends the command: it is asked twice, and then killed. Wait returns when it is gone.
func (c *child) stop() { c.stopOnce.Do(func() { close(c.stopping) }) }

func (c *child) pass(s os.Signal, how *ending) {
	switch s {
	case syscall.SIGPIPE:
	case syscall.SIGWINCH:
		if c.terminal != nil {
			_ = pty.InheritSize(c.ours, c.terminal) // the old size is better than no child
		}
	default:
		if how.asked == nil {
			how.asked = s
		}
		if !c.shared || s == syscall.SIGTERM {
			_ = c.cmd.Process.Signal(s) // it may have ended just now
		}
	}
}

func (o ending) of(state *os.ProcessState, err error) ending {
	if state == nil {
		o.code = exitFailed
		return o
	}
	o.code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		o.signal = status.Signal()
		o.code = 128 + int(o.signal)
	}
	if o.code < 0 {
		o.code = exitFailed
	}
	return o
}

// String says it in a few words.
func (o ending) String() string {
	if o.signal != 0 {
		return fmt.Sprintf("killed by signal %d (%s)", int(o.signal), o.signal)
	}
	return fmt.Sprintf("exit code %d", o.code)
}
