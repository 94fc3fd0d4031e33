package main

import (
	"errors"
	"io"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// feed converts one file of a run, or several one after another. It is asked for one
// event after the other, so that those of many files can be put in order without all
// of them in memory.
type feed struct {
	converter *transcript.Converter
	lines     *transcript.Splitter
	text      io.Reader
	last      time.Time // of the event before: events without a time take it
	// final says that all is read when text ends, and that no line follows. Else the
	// file still grows, and may end in half a line.
	final bool
	// raw takes the lines as well. It may be nil.
	raw func([]byte)
	// outcomes says that each event is to tell how the run stood after it.
	outcomes bool

	chunk  []byte
	queue  []fedEvent
	ended  bool
	ending bool // what comes is told only because no line follows
}

// fedEvent is an event of a feed.
type fedEvent struct {
	eventlog.Event
	// tail says that it was told only because the file ended: once the file has grown,
	// another may stand in its place.
	tail    bool
	outcome transcript.Outcome
}

const feedChunk = 64 << 10

// next returns the next event, and false if there is none (yet).
func (f *feed) next() (fedEvent, bool, error) {
	for len(f.queue) == 0 {
		if f.ended || f.text == nil {
			return fedEvent{}, false, nil
		}
		if err := f.read(); err != nil {
			return fedEvent{}, false, err
		}
	}
	e := f.queue[0]
	f.queue = f.queue[1:]
	return e, true, nil
}

// read converts what one read of the text gives.
func (f *feed) read() error {
	if f.chunk == nil {
		f.chunk = make([]byte, feedChunk)
	}
	f.queue = f.queue[:0:cap(f.queue)]
	n, err := f.text.Read(f.chunk)
	f.lines.Split(f.chunk[:n], f.line)
	if err == nil {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if !f.final {
		f.text, f.chunk = nil, nil
		return nil
	}
	f.lines.Rest(f.line)
	f.ended, f.ending = true, true
	f.take(f.converter.End())
	f.chunk = nil
	return nil
}

func (f *feed) line(l transcript.Line) {
	if f.raw != nil {
		f.raw(l.Text)
	}
	f.take(f.converter.Line(l))
}

func (f *feed) take(events []eventlog.Event) {
	if len(events) == 0 {
		return
	}
	var how transcript.Outcome
	if f.outcomes {
		how = f.converter.Outcome()
	}
	for _, e := range events {
		if e.Time.IsZero() {
			e.Time = f.last
		}
		f.last = e.Time
		f.queue = append(f.queue, fedEvent{Event: e, tail: f.ending, outcome: how})
	}
}

// merged gives the events of several feeds by their times. Where times are equal,
// those of an earlier feed come first. What a feed tells stays in its order.
type merged struct {
	feeds []*feed
	heads []fedEvent
	ready []bool // whether there is a head
}

func merge(feeds ...*feed) *merged {
	return &merged{feeds: feeds, heads: make([]fedEvent, len(feeds)), ready: make([]bool, len(feeds))}
}

// next returns the next event and the number of its feed, or -1 if there is none.
func (m *merged) next() (e fedEvent, from int, err error) {
	from = -1
	for i, f := range m.feeds {
		if !m.ready[i] {
			if m.heads[i], m.ready[i], err = f.next(); err != nil {
				return fedEvent{}, -1, err
			}
		}
		if m.ready[i] && (from < 0 || m.heads[i].Time.Before(m.heads[from].Time)) {
			from = i
		}
	}
	if from < 0 {
		return fedEvent{}, -1, nil
	}
	m.ready[from] = false
	return m.heads[from], from, nil
}
