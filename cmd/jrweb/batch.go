package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

const (
	// A batch is sent when it has so many events or bytes …
	batchEvents = 1000
	batchBytes  = 4 << 20
	// … or when its first event has waited for so long.
	sendDelay = 200 * time.Millisecond
	// maxLine bounds what is read before it is known to be an event. The server
	// has limits of its own, below this one.
	maxLine = 64 << 20
)

// batch is some lines of the input that are appended together.
type batch struct {
	body  []byte
	lines []int // the number of each line, from 1
	ends  bool  // the last line is a complete event: nothing can follow it in a batch
}

func (b *batch) add(l inputLine) {
	b.body = append(append(b.body, l.text...), '\n')
	b.lines = append(b.lines, l.number)
	b.ends = isComplete(l.text)
}

func (b *batch) full() bool {
	return b.ends || len(b.lines) >= batchEvents || len(b.body) >= batchBytes
}

// place names the lines of the batch.
func (b *batch) place() string {
	first, last := b.lines[0], b.lines[len(b.lines)-1]
	if first == last {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d–%d", first, last)
}

// isComplete reports whether a line seals its session.
func isComplete(line []byte) bool {
	var event struct {
		Type string `json:"type"`
	}
	return bytes.Contains(line, []byte(eventlog.TypeComplete)) &&
		json.Unmarshal(line, &event) == nil && event.Type == eventlog.TypeComplete
}

// inputLine is a line of the input that is not blank.
type inputLine struct {
	number int // from 1
	text   []byte
}

// eventLine is an event as the line of a batch.
func eventLine(number int, e *eventlog.Event) inputLine {
	return inputLine{number, bytes.TrimSuffix(client.AppendLine(nil, e), []byte("\n"))}
}

// inBatches cuts the input into batches and sends them one after the other. What
// comes slowly is sent once it has waited for delay; 0 means that batches are
// always full, so that the same input makes the same batches. It returns when
// all is sent, or at the first error; a read that waits for input may outlive it.
func inBatches(ctx context.Context, input io.Reader, delay time.Duration, send func(*batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan inputLine)
	ended := make(chan error, 1)
	go func() {
		ended <- readLines(input, func(l inputLine) bool {
			select {
			case lines <- l:
				return true
			case <-ctx.Done():
				return false
			}
		})
		close(lines)
	}()

	timer := time.NewTimer(sendDelay)
	timer.Stop() // until there is something to send
	defer timer.Stop()
	pending := &batch{}
	flush := func() error {
		timer.Stop()
		if len(pending.lines) == 0 {
			return nil
		}
		b := pending
		pending = &batch{}
		return send(b)
	}
	for {
		var err error
		select {
		case l, more := <-lines:
			if !more {
				return errors.Join(flush(), <-ended)
			}
			if len(pending.body)+len(l.text) > batchBytes {
				if err = flush(); err != nil {
					return err
				}
			}
			pending.add(l)
			switch {
			case pending.full():
				err = flush()
			case len(pending.lines) == 1 && delay > 0:
				timer.Reset(delay)
			}
		case <-timer.C:
			err = flush()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// readLines takes the lines of the input that are not blank, until take returns
// false.
func readLines(input io.Reader, take func(inputLine) bool) error {
	in := bufio.NewReaderSize(input, 64<<10)
	for number := 1; ; number++ {
		var text []byte
		var err error
		for more := true; more; more = errors.Is(err, bufio.ErrBufferFull) {
			var part []byte
			part, err = in.ReadSlice('\n')
			if len(text)+len(part) > maxLine {
				return fmt.Errorf("line %d is longer than %d bytes", number, maxLine)
			}
			text = append(text, part...)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", number, err)
		}
		if text = bytes.TrimSpace(text); len(text) > 0 && !take(inputLine{number, text}) {
			return nil
		}
		if err != nil {
			return nil
		}
	}
}
