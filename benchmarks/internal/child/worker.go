package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Worker is a process of this program that answers questions, one at a time.
// Only one goroutine may use it at a time.
type Worker struct {
	// Pid is its id.
	Pid int

	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// Hire starts this program again with a subcommand, which calls [Work], and its
// arguments. The worker is to be stopped.
func Hire(args ...string) (*Worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return HireOf(self, args...)
}

// HireOf is [Hire] with another build of this program.
func HireOf(program string, args ...string) (*Worker, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a child must not outlive us
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	return &Worker{Pid: cmd.Process.Pid, cmd: cmd, in: in, out: json.NewDecoder(bufio.NewReader(out))}, nil
}

type question struct {
	Name string
	Body json.RawMessage
}

type answer struct {
	Body  json.RawMessage
	Error string
}

// Ask asks a question and waits for the answer, which is decoded into a unless
// that is nil. The end of ctx kills the worker: it is of no use after that.
func (w *Worker) Ask(ctx context.Context, name string, q, a any) error {
	defer context.AfterFunc(ctx, func() { _ = w.cmd.Process.Kill() })() // it may just have ended
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("ask %s: %w", name, err)
	}
	if err := json.NewEncoder(w.in).Encode(question{name, body}); err != nil {
		return fmt.Errorf("ask %s: %w", name, errors.Join(err, ctx.Err()))
	}
	var said answer
	if err := w.out.Decode(&said); err != nil {
		return fmt.Errorf("ask %s: %w", name, errors.Join(err, ctx.Err()))
	}
	if said.Error != "" {
		return fmt.Errorf("%s: %s", name, said.Error)
	}
	if a == nil {
		return nil
	}
	return json.Unmarshal(said.Body, a)
}

// Stop ends the worker by the end of its questions, and kills it if it does not end.
func (w *Worker) Stop() error {
	late := time.AfterFunc(patience, func() { _ = w.cmd.Process.Kill() }) // it may just have ended
	defer late.Stop()
	if err := errors.Join(w.in.Close(), w.cmd.Wait()); err != nil {
		return fmt.Errorf("process %d: %w", w.Pid, err)
	}
	return nil
}

// Kill ends the worker as a crash would. Then it is not to be stopped.
func (w *Worker) Kill() error {
	err := w.cmd.Process.Kill()
	_ = w.in.Close() // the worker reads no more
	_ = w.cmd.Wait() // it says that it was killed
	return err
}

// Answer answers one kind of question.
type Answer func(ctx context.Context, q json.RawMessage) (any, error)

// Work answers questions on the standard input until there are no more.
func Work(ctx context.Context, answers map[string]Answer) error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a question: %w", err)
		}
		if err := out.Encode(say(ctx, answers[q.Name], q.Body)); err != nil {
			return fmt.Errorf("answer %s: %w", q.Name, err)
		}
	}
}

func say(ctx context.Context, a Answer, q json.RawMessage) answer {
	if a == nil {
		return answer{Error: "nobody answers such a question"}
	}
	said, err := a(ctx, q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	body, err := json.Marshal(said)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Body: body}
}

// Answering makes an answer of a function of a question's type.
func Answering[Q, A any](f func(context.Context, Q) (A, error)) Answer {
	return func(ctx context.Context, body json.RawMessage) (any, error) {
		var q Q
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		return f(ctx, q)
	}
}
