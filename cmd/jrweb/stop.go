package main

import (
	"os"
	"syscall"
	"time"
)

// stopGrace is how long a command that is to end has between a signal and the next one.
const stopGrace = 5 * time.Second

// stopper ends a child as a person at its terminal would: by Ctrl-C, and if that does not
// help, by harder means. What the child has started gets the same signals: a shell
// around an agent may keep them for itself.
type stopper struct {
	child *child
	steps int
	next  <-chan time.Time
	known map[int]birth
}

var stopSignals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}

func (s *stopper) step() {
	if s.steps == len(stopSignals) {
		s.next = nil
		return
	}
	s.send(stopSignals[s.steps])
	s.steps++
	s.next = time.After(s.child.grace)
}

// end kills what is left of the child's family when the child itself is gone.
func (s *stopper) end() {
	if s.steps > 0 {
		s.send(syscall.SIGKILL)
	}
}

func (s *stopper) send(signal syscall.Signal) {
	pid := s.child.cmd.Process.Pid
	if s.known == nil {
		s.known = map[int]birth{}
	}
	processes := allProcesses()
	family(processes, pid, s.known)
	_ = s.child.cmd.Process.Signal(signal) // it may have ended just now
	for member, born := range s.known {
		if now, lives := processes[member]; lives && now.birth == born {
			_ = syscall.Kill(member, signal) // as above
		}
	}
}

// osProcess is what is known of a process that runs.
type osProcess struct {
	parent, group int
	birth
}

// birth tells a process from a later one with the same number.
type birth uint64

// family adds to known what a process has started, at any remove, as far as it is in the same
// group: a process that has left the group was meant to live on.
func family(processes map[int]osProcess, pid int, known map[int]birth) {
	group := processes[pid].group
	for more := true; more; {
		more = false
		for member, p := range processes {
			_, isKnown := known[member]
			_, ofKnown := known[p.parent]
			if !isKnown && (p.parent == pid || ofKnown) && p.group == group && member != os.Getpid() {
				known[member], more = p.birth, true
			}
		}
	}
}
