package main

import (
	"io"
	"sync"
	"time"
)

// processes runs the command of a recording, and those that go on with it.
type processes struct {
	recording *recording
	in        io.Reader
	out, errs io.Writer
	grace     time.Duration

	mu      sync.Mutex
	current *child // nil: none has started
	stopped bool
}

// run runs a command, and what follows it, and returns how the last one ended. It fails
// if the first one cannot be started.
func (p *processes) run(command []string) (how ending, err error) {
	steering := p.recording.steering
	var told []uint64
	for first := true; ; first = false {
		c, err := startChild(command, p.recording.task, p.in, p.out, p.errs, steering != nil)
		if err != nil && first {
			return how, err
		}
		if err != nil {
			p.recording.warn(err.Error())
			how.code = cannotRun(err).code
			break
		}
		c.grace = p.grace
		p.started(c)
		if steering != nil {
			steering.begin(c.input, told)
			if first {
				go steering.copyInput(p.in) // ends with our input: a read cannot be broken off
			}
		}
		how = c.wait()
		if steering == nil {
			return how, nil
		}
		if command, told = steering.next(how); command == nil || how.stopped || how.asked != nil {
			break
		}
		if err := p.recording.goOn(); err != nil {
			return how, err
		}
	}
	steering.end(how)
	return how, nil
}

func (p *processes) started(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = c
	if p.stopped {
		c.stop()
	}
}

// stop ends the command, and nothing follows it.
func (p *processes) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.current != nil {
		p.current.stop()
	}
}
