package spool

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// Writer appends the events of a run to its spool. Its methods may be called
// concurrently.
type Writer struct {
	path string
	file *os.File
	run  Run
	note []byte

	mu    sync.Mutex
	size  int64 // of the whole lines
	lost  int   // events that there was no room for, since the last that was written
	ended bool
	grown chan struct{} // closed when there is more, and renewed
}

// Create makes the spool of a run in a folder, which is made as well. It fills in
// the run's ID.
func Create(dir string, run Run) (*Writer, error) {
	name, id := newName(time.Now())
	run.ID = id
	w := &Writer{path: filepath.Join(dir, name), run: run, grown: make(chan struct{})}
	if err := w.create(dir); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return w, nil
}

func (w *Writer) create(dir string) (err error) {
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	unfinished, sent, room := beside(w.path, newSuffix), beside(w.path, sentSuffix), beside(w.path, roomSuffix)
	note := beside(w.path, noteSuffix)
	if w.file, err = os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err = lock(w.file); err == nil {
		if _, made := os.Lstat(w.path); made == nil { // by another process, just now
			err = ErrBusy
		}
	}
	if err != nil {
		return errors.Join(err, w.file.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.file.Close(), remove(unfinished), remove(sent), remove(room), remove(note))
		}
	}()
	if err = w.file.Truncate(0); err != nil { // a process may have died here
		return err
	}
	header, err := json.Marshal(w.run)
	if err != nil {
		return err
	}
	if err = newProgress(sent); err != nil {
		return err
	}
	if err = os.WriteFile(room, make([]byte, roomBytes), 0o600); err != nil {
		return err
	}
	if err = remove(note); err == nil && len(w.note) > 0 {
		err = os.WriteFile(note, w.note, 0o600)
	}
	if err != nil {
		return err
	}
	if err = w.write(append(header, '\n')); err != nil {
		return err
	}
	return os.Rename(unfinished, w.path)
}

// Resume opens the kept spool of a name for more events, or makes it. It returns
// how many it has. The run is that of the spool, if there was one: its end may be in it
// already. Note is kept beside a spool that is made, for [Note].
func Resume(dir, name string, run Run, note []byte) (*Writer, int, error) {
	path := KeptPath(dir, name)
	run.Kept = true
	w := &Writer{path: path, run: run, note: note, grown: make(chan struct{})}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		_, w.run.ID = newName(time.Now())
		if err := w.create(dir); err != nil {
			return nil, 0, fmt.Errorf("spool: %w", err)
		}
		return w, 0, nil
	}
	d, err := Open(path)
	if err != nil {
		return nil, 0, err
	}
	events, err := d.count()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("spool: %w", err), d.Close())
	}
	last, err := d.lastLine(d.size)
	if err != nil {
		return nil, 0, errors.Join(err, d.Close())
	}
	w.file, w.size, w.run, w.ended = d.lines, d.size, d.run, isEnd(last)
	w.run.Late = false
	return w, events, d.sent.Close()
}

// Events takes the lines of the events that the spool has now.
func (w *Writer) Events(take func(line []byte)) error {
	size, _, _ := w.state()
	in := bufio.NewReaderSize(io.NewSectionReader(w.file, 0, size), 64<<10)
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("spool: %w", err)
		}
		if !first { // which names the run
			take(line)
		}
	}
}

// Note returns what was to be kept beside the kept spool of a name.
func Note(dir, name string) ([]byte, error) {
	note, err := os.ReadFile(beside(KeptPath(dir, name), noteSuffix))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return note, nil
}

// KeptPath is where the kept spool of a name is.
func KeptPath(dir, name string) string { return filepath.Join(dir, name+runSuffix) }

// Path is where the spool is.
func (w *Writer) Path() string { return w.path }

// Ended reports whether the end of the run is in the spool.
func (w *Writer) Ended() bool {
	_, ended, _ := w.state()
	return ended
}

// Run returns the run with its ID.
func (w *Writer) Run() Run { return w.run }

// Append writes events. It does not wait for the disk. After an error the events
// are not in the spool; the next that are tell how many are missing.
func (w *Writer) Append(events ...eventlog.Event) error {
	var lines []byte
	for i := range events {
		lines = client.AppendLine(lines, &events[i])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.append(lines, len(events))
}

// End writes the event that ends the session. Nothing can follow it.
func (w *Writer) End(complete eventlog.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := remove(beside(w.path, roomSuffix)); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	w.ended = true
	err := w.append(client.AppendLine(nil, &complete), 1)
	w.wake() // also if there was no room
	return err
}

func (w *Writer) append(lines []byte, events int) error {
	if w.lost > 0 {
		note := errorLine(fmt.Sprintf("%d events before this one were not recorded: there was no room for them", w.lost))
		lines = append(note, lines...)
	}
	if err := w.write(lines); err != nil {
		w.lost += events
		return fmt.Errorf("spool: %w", err)
	}
	w.lost = 0
	return nil
}

// write adds whole lines, or nothing.
func (w *Writer) write(lines []byte) error {
	if _, err := w.file.WriteAt(lines, w.size); err != nil {
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.size += int64(len(lines))
	w.wake()
	return nil
}

func (w *Writer) wake() {
	close(w.grown)
	w.grown = make(chan struct{})
}

// state returns how much there is, whether that is all, and what reports more.
func (w *Writer) state() (size int64, ended bool, grown <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size, w.ended, w.grown
}

// Close syncs the spool and gives it up. What was not delivered stays.
func (w *Writer) Close() error {
	err := errors.Join(w.file.Sync(), w.file.Close())
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// Forget gives up a spool that is delivered and removed: nothing of it need be on a disk.
func (w *Writer) Forget() error {
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// errorLine is an event of the recording itself. It has no time, so that the same
// line is made again.
func errorLine(message string) []byte {
	text, err := json.Marshal(message)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return fmt.Appendf(nil, `{"type":"error","actor":"system","data":{"message":%s}}`+"\n", text)
}

// remove removes a file that may be gone.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
