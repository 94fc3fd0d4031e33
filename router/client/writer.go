package client

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"jrweb/eventlog"
)

const (
	// The limits of one batch of a [Writer]. A single event may be larger.
	mostBatchEvents = 1000
	mostBatchBytes  = 4 << 20
	// mostPending is how many bytes may wait in a [Writer].
	mostPending = 16 << 20
)

// ErrWriterClosed is returned by a [Writer] after Close.
var ErrWriterClosed = errors.New("client: the writer is closed")

// Writer appends events to a session in batches: while one batch is being sent, the next
// gathers. Its methods may be called concurrently. The caller must close it.
type Writer struct {
	client  *Client
	task    string
	session eventlog.SessionID

	mu      sync.Mutex
	pending []line
	bytes   int           // of pending, and of the batch that is being sent
	sent    uint64        // lines that the server has
	taken   uint64        // lines that Append has taken
	err     error         // the final error
	closed  bool          // no more lines can come
	changed chan struct{} // closed at each change of the fields above, and made again
	cancel  context.CancelFunc
	ended   chan struct{}
}

type line []byte

// NewWriter returns a writer to a session. It sends until it is closed, or until the server
// refuses a batch for good. While the server is away, it tries again.
func (c *Client) NewWriter(task string, session eventlog.SessionID) *Writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Writer{
		client: c, task: task, session: session,
		changed: make(chan struct{}), cancel: cancel, ended: make(chan struct{}),
	}
	go w.work(ctx)
	return w
}

// Append gives events to the writer, in order. It does not keep their memory. It returns at
// once or, if more than 16 MiB wait, once there is room. If the data of one event is not
// JSON, it takes none of them, and the error names the event ([*eventlog.FieldError]). Any
// other error belongs to an earlier batch and is final: [*Error] if the server refused that
// batch.
func (w *Writer) Append(ctx context.Context, events ...eventlog.Event) error {
	for i := range events {
		if !json.Valid(events[i].Data) {
			return &eventlog.FieldError{Index: i, Field: "data", Reason: "is not JSON"}
		}
	}
	for i := range events {
		text := AppendLine(nil, &events[i])
		if err := w.until(ctx, func() bool { return w.bytes < mostPending }); err != nil {
			return err
		}
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return ErrWriterClosed
		}
		w.pending = append(w.pending, text)
		w.bytes += len(text)
		w.taken++
		w.tell()
		w.mu.Unlock()
	}
	return nil
}

// Flush waits until everything that was appended before is on the server's disk.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	taken := w.taken
	w.mu.Unlock()
	return w.until(ctx, func() bool { return w.sent >= taken })
}

// Close flushes, and ends the writer. If ctx ends first, the rest is not sent, and the
// error says so. The session stays open: see [Client.Complete].
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.tell()
	w.mu.Unlock()
	err := w.Flush(ctx)
	w.cancel()
	<-w.ended
	return err
}

// until waits for a condition on the writer, or for an error of the writer.
func (w *Writer) until(ctx context.Context, condition func() bool) error {
	for {
		w.mu.Lock()
		err, met, changed := w.err, condition(), w.changed
		w.mu.Unlock()
		if err != nil || met {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell wakes the waiting goroutines. The caller holds mu.
func (w *Writer) tell() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// work sends batch after batch.
func (w *Writer) work(ctx context.Context) {
	defer close(w.ended)
	for {
		w.mu.Lock()
		batch, changed := w.next(), w.changed
		w.mu.Unlock()
		if batch == nil {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		err := w.send(ctx, batch)
		w.mu.Lock()
		w.err = err
		for _, l := range batch {
			w.bytes -= len(l)
		}
		w.sent += uint64(len(batch))
		w.tell()
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// next removes the next batch from the pending lines. The caller holds mu.
func (w *Writer) next() []line {
	n, bytes := 0, 0
	for n < len(w.pending) && n < mostBatchEvents && (n == 0 || bytes+len(w.pending[n]) <= mostBatchBytes) {
		bytes += len(w.pending[n])
		n++
	}
	if n == 0 {
		return nil
	}
	batch := w.pending[:n:n]
	w.pending = w.pending[n:]
	return batch
}

// send sends a batch until its outcome is certain. All attempts use one key, so that the
// batch is appended once.
func (w *Writer) send(ctx context.Context, batch []line) error {
	a := Append{Session: w.session, Key: newKey()}
	for _, l := range batch {
		a.Body = append(a.Body, l...)
	}
	for {
		_, err := w.client.Append(ctx, w.task, a)
		if err == nil || !unknown(err) || ctx.Err() != nil {
			return err
		}
		if err := wait(ctx, maxPause); err != nil {
			return err
		}
	}
}
