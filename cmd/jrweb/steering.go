package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"

	"jrweb/cmd/jrweb/internal/steer"
	"jrweb/eventlog"
)

// steering hands what people say to the command that runs, and tells what became of it.
// Its methods may be called concurrently.
type steering struct {
	record func(...eventlog.Event)

	mu        sync.Mutex
	agent     steer.Agent
	out       *outbox
	closed    bool              // nothing more is written
	waiting   map[uint64]bool   // messages that are not delivered
	asked     map[string]string // questions of the agent, by a name that nobody can guess
	questions map[uint64]string // by the sequence of their events
}

func newSteering(agent steer.Agent, record func(...eventlog.Event)) *steering {
	return &steering{
		agent: agent, record: record,
		waiting: map[uint64]bool{}, asked: map[string]string{}, questions: map[uint64]string{},
	}
}

// begin is called with the input of each process that has started.
func (s *steering) begin(input io.WriteCloser, told []uint64) {
	s.mu.Lock()
	s.out, s.closed = newOutbox(input), false
	events := s.do(s.agent.Begin())
	s.mu.Unlock()
	for _, sequence := range told {
		s.delivered(sequence, nil)
	}
	s.record(events...)
}

// do does what an agent says, and returns the events that come of it. The caller holds mu.
func (s *steering) do(d steer.Does) (events []eventlog.Event) {
	for _, p := range d.Write {
		s.out.put(p.Bytes, func(err error) {
			if p.Of != 0 {
				s.delivered(p.Of, err)
			}
		})
	}
	for _, sequence := range d.Read {
		delete(s.waiting, sequence)
		events = append(events, receipt(sequence, eventlog.ReceiptRead, ""))
	}
	for _, q := range d.Asks {
		name := rand.Text()
		s.asked[name] = q.ID
		events = append(events, eventlog.Event{Type: eventlog.TypeQuestion, Actor: eventlog.Agent, Data: mustJSON(struct {
			Content string         `json:"content"`
			Options []steer.Option `json:"options,omitempty"`
			CallID  string         `json:"call_id,omitempty"`
			Other   string         `json:"other,omitempty"`
			Request string         `json:"request"`
		}{q.Content, q.Options, q.Call, q.Other, name})})
	}
	if d.Close && !s.closed {
		s.closed = true
		s.out.close()
	}
	return events
}

func receipt(of uint64, state, reason string) eventlog.Event {
	return eventlog.Event{Type: eventlog.TypeReceipt, Actor: eventlog.System, Data: mustJSON(struct {
		For    uint64 `json:"for"`
		State  string `json:"state"`
		Reason string `json:"reason,omitempty"`
	}{of, state, reason})}
}

// delivered tells that a message is in the command's input, or why it is not.
func (s *steering) delivered(sequence uint64, err error) {
	s.mu.Lock()
	waits := s.waiting[sequence]
	delete(s.waiting, sequence)
	s.mu.Unlock()
	switch {
	case !waits: // it is read, or the command has ended
	case err != nil:
		s.record(receipt(sequence, eventlog.ReceiptFailed, "the command takes no more input"))
	default:
		s.record(receipt(sequence, eventlog.ReceiptDelivered, ""))
	}
}

// hear takes a line of the command's output, and returns whether it does not belong to the
// record, and what belongs to the record behind it.
func (s *steering) hear(line []byte) (hide bool, events []eventlog.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return false, nil // begin comes first
	}
	d := s.agent.Hear(line)
	return d.Hide, s.do(d)
}

// say takes what a person said in an event.
func (s *steering) say(m steer.Message) {
	s.take(m.Sequence, func() steer.Does { return s.agent.Say(m) })
}

// answer takes a person's answer to the question of an event.
func (s *steering) answer(question uint64, m steer.Message) {
	s.mu.Lock()
	id, waits := s.questions[question]
	s.mu.Unlock()
	if waits {
		s.take(m.Sequence, func() steer.Does {
			d := s.agent.Answer(id, m)
			if waits = len(d.Write) > 0; !waits { // it has taken its question back
				delete(s.waiting, m.Sequence)
			}
			return d
		})
	}
	if !waits {
		s.record(receipt(m.Sequence, eventlog.ReceiptFailed, "the command does not wait for it"))
	}
}

func (s *steering) take(sequence uint64, take func() steer.Does) {
	s.mu.Lock()
	if s.waiting == nil {
		s.mu.Unlock()
		s.record(receipt(sequence, eventlog.ReceiptFailed, "the command had ended"))
		return
	}
	s.waiting[sequence] = true
	var events []eventlog.Event
	if s.out != nil {
		events = s.do(take())
	}
	s.mu.Unlock()
	s.record(events...)
}

// ask is told of a question in the log: people answer it by its sequence. A question of somebody
// else that comes later under the same name is not the agent's.
func (s *steering) ask(sequence uint64, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, asked := s.asked[name]; asked {
		delete(s.asked, name)
		s.questions[sequence] = id
	}
}

// copyInput hands our own input to the agent, until it ends.
func (s *steering) copyInput(in io.Reader) {
	lines := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			s.own(func() steer.Does { return s.agent.Input(append([]byte(nil), line...)) })
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			s.own(s.agent.InputEnded)
			return
		}
	}
}

// own takes our own input, and waits until the command has it: what is piped through us
// may be large.
func (s *steering) own(take func() steer.Does) {
	s.mu.Lock()
	events := s.do(take())
	out := s.out
	s.mu.Unlock()
	s.record(events...)
	out.drained()
}

// next returns what is to run after a process that has ended, nil for nothing.
func (s *steering) next(how ending) (command []string, told []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.close()
	return s.agent.Next(how.code)
}

// end reports the messages that nobody heard.
func (s *steering) end(how ending) {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for sequence := range waiting {
		s.record(receipt(sequence, eventlog.ReceiptFailed, fmt.Sprintf("the command had ended: %s", how)))
	}
}
