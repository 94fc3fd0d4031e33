package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"jrweb/eventlog"
)

// replay reads the events of a session that is open, over a connection of its own.
type replay struct {
	address string
	session archived
	after   int    // the cursor's sequence
	buffer  []byte // of a size that tail fits into twice
}

// tail is how many bytes before the end of what was read the last frame is looked
// for: it is longer than a frame.
const tail = 4 << 10

// run returns when the last event of the session is there.
func (p *replay) run(ctx context.Context) (err error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	cursor := eventlog.Cursor{Session: p.session.ID, Sequence: uint64(p.after)}
	if _, err := fmt.Fprintf(conn, "GET /tasks/%s/events/stream HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nLast-Event-ID: %s\r\n\r\n",
		p.session.Task, p.address, cursor); err != nil {
		return err
	}
	last := eventlog.Cursor{Session: p.session.ID, Sequence: uint64(p.session.Events)}
	line := fmt.Appendf(nil, "id: %s\n", last)
	for kept := 0; ; {
		n, err := conn.Read(p.buffer[kept:])
		if err != nil {
			return fmt.Errorf("read the stream of %s: %w", p.session.Task, err)
		}
		text := p.buffer[:kept+n]
		if _, after, ok := bytes.Cut(text[max(0, kept-tail):], line); ok && bytes.Contains(after, []byte("\n\n")) {
			return nil
		}
		kept = copy(p.buffer, text[max(0, len(text)-tail):])
	}
}
