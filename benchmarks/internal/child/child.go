// Package child runs the servers that are measured as processes of their own, so
// that neither their memory nor their processor time is mixed with the client's.
package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long a process may take to say that it is ready, or to end.
const patience = 30 * time.Second

// Process is a process that runs.
type Process struct {
	// Pid is its id.
	Pid int
	// Ready is the first line that it printed, such as its address.
	Ready string

	cmd  *exec.Cmd
	done chan error
}

// Self starts this program again with a subcommand and its arguments, and waits
// for the first line that it prints.
func Self(ctx context.Context, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return Again(ctx, self, args...)
}

// Again is [Self] with another build of this program.
func Again(ctx context.Context, program string, args ...string) (*Process, error) {
	return Start(ctx, program, args, func(string) bool { return true })
}

// Start starts a program and waits for the first line on its standard output
// that ready accepts. What it writes to standard error goes to ours.
func Start(ctx context.Context, program string, args []string, ready func(line string) bool) (*Process, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	// A child must not outlive us. The kernel takes the end of the thread that
	// started it for ours: Go ends a thread only with a goroutine that is still
	// locked to it, so a goroutine that locks one must unlock it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p := &Process{Pid: cmd.Process.Pid, cmd: cmd, done: make(chan error, 1)}
	first := make(chan string, 1)
	go func() {
		defer close(first)
		lines := bufio.NewReader(stdout)
		for waiting := true; ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			if waiting && ready(strings.TrimSpace(line)) {
				first <- strings.TrimSpace(line)
				waiting = false
			}
		}
		_, _ = io.Copy(io.Discard, stdout) // its end, not its text, is what matters
		p.done <- cmd.Wait()
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case line, ok := <-first:
		if !ok {
			return nil, fmt.Errorf("%s ended before it was ready: %w", program, <-p.done)
		}
		p.Ready = line
		return p, nil
	case <-timeout.C:
		err = errors.New("not ready in time")
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), p.Stop())
}

// Stop asks the process to end (SIGTERM), and kills it if it does not.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process %d: %w", p.Pid, err)
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
			return nil // it did not catch the signal
		}
		return err
	case <-timeout.C:
		_ = p.cmd.Process.Kill() // it may just have ended
		<-p.done                 //nolint:errcheck // it was killed, as the error says
		return fmt.Errorf("process %d did not end when asked to, and was killed", p.Pid)
	}
}

// Kill ends the process as a crash would. Then it is not to be stopped.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.done //nolint:errcheck // it says that it was killed
	return err
}
