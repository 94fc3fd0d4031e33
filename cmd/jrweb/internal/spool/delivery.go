package spool

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"jrweb/eventlog"
)

// Server is what a spool is delivered to. An error that wraps [ErrRefused] or
// [ErrGone] is final for the request; after any other it is not known whether the
// request was carried out, and it is sent again.
type Server interface {
	// Start starts a session of the run's task.
	Start(ctx context.Context, run Run, key string) (eventlog.SessionID, error)
	// Append appends lines to a session. It returns when they are on the server's disk.
	Append(ctx context.Context, run Run, session eventlog.SessionID, key string, lines []byte) error
	// Stopped returns the person who has ended a session as canceled, "" if it has ended
	// in another way, or is gone.
	Stopped(ctx context.Context, run Run, session eventlog.SessionID) (string, error)
	// Heartbeat renews the lease of a session.
	Heartbeat(ctx context.Context, run Run, session eventlog.SessionID) error
}

var (
	// ErrRefused says that a server will never take these lines.
	ErrRefused = errors.New("refused")
	// ErrGone says that a session has ended or was deleted.
	ErrGone = errors.New("the session has ended")
	// ErrRecorded says that somebody else records what a session with [Run.Unique], or one
	// of [Run.Join], was to have.
	ErrRecorded = errors.New("recorded already")
)

// StoppedError says that a person has stopped the run: what is left of it stays in the
// spool, and no new session begins for it.
type StoppedError struct {
	By string
	// Left is how many events are not delivered, not counting the end of the run.
	Left int
}

func (e *StoppedError) Error() string { return "stopped by " + e.By }

const (
	// A batch has at most so many lines, and, unless one line is longer, bytes.
	mostLines = 1000
	mostBytes = 4 << 20

	// The longest pause between two attempts is less than half of the time for which a run
	// waits at its end, so that a server which has just come back still gets all of it.
	firstPause = 200 * time.Millisecond
	mostPause  = 2 * time.Second
	// gathering is how long a live delivery waits for more before it sends: a
	// request for each token would cost more than it tells.
	gathering = 50 * time.Millisecond
)

// Delivery delivers a spool. It is not safe for concurrent use.
type Delivery struct {
	// Moved is called after every request that was carried out. It may be nil.
	Moved func()
	// Started is called with each session that the run gets. It may be nil.
	Started func(eventlog.SessionID)
	// Ended is called with the person who has stopped the run. It may be nil.
	Ended func(by string)

	path   string
	run    Run
	writer *Writer // nil: the run is over
	lines  *os.File
	sent   *os.File
	progress
	size    int64 // of what was read of a spool without a writer
	removed bool
	first   int64 // where the events begin
}

// Open opens a spool that a process left behind. The errors are [ErrBusy],
// [ErrDamaged], [os.ErrNotExist] for one that is delivered and removed meanwhile,
// and those of files.
func Open(path string) (*Delivery, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	err = lock(f)
	if err == nil {
		_, err = os.Stat(path) // who had the lock may have removed it
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	d := &Delivery{path: path, lines: f}
	if err := d.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Close())
	}
	d.run.Late = true
	if d.size, err = d.wholeLines(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), d.Close())
	}
	return d, nil
}

// Deliver returns the delivery of a spool that is being written. The writer must
// stay open for as long.
func Deliver(w *Writer) (*Delivery, error) {
	f, err := os.Open(w.path)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	d := &Delivery{path: w.path, writer: w, lines: f}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Delivery) open() (err error) {
	header, err := bufio.NewReader(d.lines).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%w: it has no whole line", ErrDamaged)
	}
	d.first = int64(len(header))
	if d.run, err = parseRun(header); err != nil {
		return err
	}
	if d.sent, err = os.OpenFile(beside(d.path, sentSuffix), os.O_RDWR, 0); err != nil {
		return fmt.Errorf("%w: how far it was delivered is not known: %s", ErrDamaged, err.Error()) // the spool itself exists
	}
	d.progress, err = readProgress(d.sent)
	d.Sent = max(d.Sent, d.first)
	return err
}

// Run returns whose events these are.
func (d *Delivery) Run() Run { return d.run }

// Session returns the session that they went to, zero if there is none yet.
func (d *Delivery) Session() eventlog.SessionID { return d.progress.Session }

// Left returns how many bytes are not delivered.
func (d *Delivery) Left() int64 {
	size, _, _ := d.state()
	return max(0, size-d.Sent)
}

// Close gives the spool up. What was not delivered stays, for a later delivery.
func (d *Delivery) Close() error {
	err := d.lines.Close()
	if d.sent != nil {
		if !d.removed {
			err = errors.Join(err, d.sent.Sync())
		}
		err = errors.Join(err, d.sent.Close())
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// Remove removes a spool that is delivered.
func (d *Delivery) Remove() error {
	err := errors.Join(remove(beside(d.path, roomSuffix)), remove(d.path), remove(beside(d.path, sentSuffix)), remove(beside(d.path, noteSuffix)))
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	d.removed = true
	return nil
}

func (d *Delivery) state() (size int64, ended bool, grown <-chan struct{}) {
	if d.writer != nil {
		return d.writer.state()
	}
	return d.size, true, nil
}

// To delivers everything to a server, and waits for more until the run has ended.
// It returns nil when the server has all of it, the session sealed. While the
// server is away it tries again, until ctx ends. A spool that its process did not
// end is sealed as interrupted.
func (d *Delivery) To(ctx context.Context, server Server) error { return d.to(ctx, server, false) }

// Rest delivers what there is now, and neither waits for more nor seals.
func (d *Delivery) Rest(ctx context.Context, server Server) error { return d.to(ctx, server, true) }

func (d *Delivery) to(ctx context.Context, server Server, rest bool) error {
	if d.Started != nil && !d.progress.Session.IsZero() {
		d.Started(d.progress.Session)
	}
	for {
		size, ended, grown := d.state()
		if d.Stopped != "" {
			if !ended && !rest {
				if err := d.wait(ctx, server, grown); err != nil {
					return err
				}
				continue
			}
			return d.stopped(size)
		}
		if started := !d.progress.Session.IsZero(); !started && (d.Life == 1 || d.Sent < size) {
			if d.Life > 1 && ended && d.onlyEndLeft(size) {
				return nil // it has ended before, in another way
			}
			if err := d.start(ctx, server); err != nil {
				return err
			}
		}
		if d.Sent < size {
			if err := d.send(ctx, server, size); err != nil {
				return err
			}
			continue
		}
		switch {
		case rest || ended && d.writer == nil && d.run.Kept:
			return nil
		case ended:
			return d.seal(ctx, server, size)
		}
		if err := d.wait(ctx, server, grown); err != nil {
			return err
		}
	}
}

func (d *Delivery) start(ctx context.Context, server Server) error {
	run := d.run
	run.Beside = run.Late || d.Life > 1
	return d.insist(ctx, func() error {
		id, err := server.Start(ctx, run, d.startKey())
		if err != nil {
			return err
		}
		d.progress.Session = id
		if d.Started != nil {
			d.Started(id)
		}
		return d.keep()
	})
}

// gone decides what follows the end of a session that somebody else has ended: a person
// who stops the run ends it, and after all else it goes on in another session.
func (d *Delivery) gone(ctx context.Context, server Server) error {
	err := d.insist(ctx, func() (err error) {
		d.Stopped, err = server.Stopped(ctx, d.run, d.progress.Session)
		return err
	})
	if err != nil {
		return err
	}
	if d.Stopped != "" {
		d.Stopped = firstBytes(d.Stopped, mostStopper)
		if d.Ended != nil {
			d.Ended(d.Stopped)
		}
		return d.keep()
	}
	return d.nextLife()
}

// mostStopper keeps a name within the room of a progress.
const mostStopper = 40

func firstBytes(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// stopped says what is left of a run that a person has stopped.
func (d *Delivery) stopped(size int64) error {
	left := 0
	lines := bufio.NewReaderSize(io.NewSectionReader(d.lines, d.Sent, size-d.Sent), 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return &StoppedError{By: d.Stopped, Left: left}
		}
		if err != nil {
			return fmt.Errorf("spool: %w", err)
		}
		if !isEnd(line) {
			left++
		}
	}
}

// startKey differs for a late start, whose request does as well.
func (d *Delivery) startKey() string {
	if d.run.Late {
		return fmt.Sprintf("%s-start-%d-late", d.run.ID, d.Life)
	}
	return fmt.Sprintf("%s-start-%d", d.run.ID, d.Life)
}

// send delivers the next batch. What it is comes to the disk first.
func (d *Delivery) send(ctx context.Context, server Server, size int64) error {
	lines, err := d.next(size)
	if err != nil {
		return err
	}
	err = d.append(ctx, server, lines)
	switch {
	case errors.Is(err, ErrGone):
		return d.gone(ctx, server)
	case errors.Is(err, ErrRefused):
		return d.sendEach(ctx, server, lines)
	case err != nil:
		return err
	}
	return d.arrived(lines)
}

// append sends lines that begin where what the server has ends.
func (d *Delivery) append(ctx context.Context, server Server, lines []byte) error {
	d.Trying = d.Sent + int64(len(lines))
	if err := d.keep(); err != nil {
		return err
	}
	return d.insist(ctx, func() error {
		return server.Append(ctx, d.run, d.progress.Session, d.key(), lines)
	})
}

// key names what begins here. Its bytes are the same in every attempt.
func (d *Delivery) key() string { return fmt.Sprintf("%s-%d-%d", d.run.ID, d.Life, d.Sent) }

func (d *Delivery) arrived(lines []byte) error {
	d.Sent += int64(len(lines))
	d.Trying = 0
	return d.keep()
}

// sendEach delivers lines one by one, after a server refused them together. One
// that it refuses by itself is replaced by an event that says so.
func (d *Delivery) sendEach(ctx context.Context, server Server, lines []byte) error {
	for line := range bytes.Lines(lines) {
		err := d.append(ctx, server, line)
		if errors.Is(err, ErrRefused) {
			note := errorLine(fmt.Sprintf("an event of %d bytes is missing here: %v", len(line), err))
			err = d.insist(ctx, func() error {
				return server.Append(ctx, d.run, d.progress.Session, d.key()+"-note", note)
			})
			if errors.Is(err, ErrRefused) {
				err = nil // there is nothing more to say
			}
		}
		if errors.Is(err, ErrGone) {
			return d.gone(ctx, server)
		}
		if err == nil {
			err = d.arrived(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nextLife goes on in another session, which then has the rest.
func (d *Delivery) nextLife() error {
	d.progress = progress{Life: d.Life + 1, Sent: d.Sent}
	return d.keep()
}

// seal ends the session of a run whose process did not.
func (d *Delivery) seal(ctx context.Context, server Server, size int64) error {
	if last, err := d.lastLine(size); err != nil || isEnd(last) || d.progress.Session.IsZero() {
		return err
	}
	end := `{"type":"complete","actor":"system","data":{"status":"interrupted","reason":"the recording was broken off"}}`
	err := d.insist(ctx, func() error {
		return server.Append(ctx, d.run, d.progress.Session, d.run.ID+"-end", []byte(end))
	})
	if errors.Is(err, ErrGone) {
		return nil // it has ended in another way
	}
	return err
}

// onlyEndLeft reports whether nothing is left to deliver but the end.
func (d *Delivery) onlyEndLeft(size int64) bool {
	last, err := d.lastLine(size)
	return err == nil && isEnd(last) && d.Sent+int64(len(last)) == size
}

// insist repeats a request until it is certain what became of it.
func (d *Delivery) insist(ctx context.Context, request func() error) error {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := request()
		if err == nil || errors.Is(err, ErrGone) || errors.Is(err, ErrRefused) || errors.Is(err, ErrRecorded) {
			if d.Moved != nil {
				d.Moved()
			}
			return err
		}
		if sleep(ctx, pause) != nil {
			return brokenOff{err, ctx.Err()}
		}
	}
}

// brokenOff is the last error of a request that was not repeated any more.
type brokenOff struct{ last, why error }

func (b brokenOff) Unwrap() []error { return []error{b.last, b.why} }

func (b brokenOff) Error() string {
	if errors.Is(b.last, b.why) {
		return "it was broken off without an answer"
	}
	return b.last.Error()
}

// wait waits for more, and keeps the session alive meanwhile.
func (d *Delivery) wait(ctx context.Context, server Server, grown <-chan struct{}) error {
	var beats <-chan time.Time
	if every := time.Duration(d.run.LeaseSeconds) * time.Second / 3; every > 0 && !d.progress.Session.IsZero() && d.Stopped == "" {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		beats = ticker.C
	}
	for {
		select {
		case <-grown:
			if _, ended, _ := d.state(); ended {
				return nil
			}
			return sleep(ctx, gathering)
		case <-beats:
			// Any other error does no harm yet: the next beat comes before the lease ends.
			if err := server.Heartbeat(ctx, d.run, d.progress.Session); errors.Is(err, ErrGone) {
				return d.gone(ctx, server)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keep writes down how far it is.
func (d *Delivery) keep() error {
	if err := writeProgress(d.sent, d.progress); err != nil {
		return fmt.Errorf("spool: %s: %w", filepath.Base(d.path), err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
