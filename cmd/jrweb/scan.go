package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// oldRun is a run as its files tell it, read once from end to end.
type oldRun struct {
	*bundle
	task  string
	files []runFile // the agent's own first

	format   transcript.Format
	origin   transcript.Origin
	outcome  transcript.Outcome
	count    int // of the events
	odd      oddities
	subagent transcript.Subagents

	first, last time.Time // zero if no line tells a time
	events      string    // the hash of all events
	text        textID
}

// runFile is what one converter reads.
type runFile struct {
	paths []string
	sizes []int64
	agent subagentFile // none for the agent itself
	first time.Time    // the first that a line tells
}

// textID names a text by what it is, so that the same text is known again, and one that
// begins with it.
type textID struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// errNoTranscript says that a file is in no format that is known.
var errNoTranscript = errors.New("no known agent's transcript")

// scan reads all of a run's files, to learn what it is. Of a file that nobody named it
// wants that an agent wrote it.
func scan(b *bundle, task string, format transcript.Format, moved func(bytes int64)) (*oldRun, error) {
	r := &oldRun{bundle: b, task: task, format: format}
	r.files = append(r.files, runFile{paths: b.main})
	for _, a := range b.agents {
		r.files = append(r.files, runFile{paths: []string{a.path}, agent: a})
	}
	if len(b.agents) > 0 {
		if err := r.findCalls(moved); err != nil {
			return nil, err
		}
	}
	events, text := sha256.New(), &hashed{Hash: sha256.New()}
	for i := range r.files {
		if err := r.scanFile(i, events, text, moved); err != nil {
			return nil, err
		}
	}
	r.events = hex.EncodeToString(events.Sum(nil)[:16])
	r.text = text.id()
	return r, nil
}

// hashed hashes what is written to it, and counts the bytes.
type hashed struct {
	hash.Hash
	bytes int64
}

// Write implements [io.Writer].
func (h *hashed) Write(p []byte) (int, error) {
	h.bytes += int64(len(p))
	return h.Hash.Write(p)
}

func (h *hashed) id() textID { return textID{h.bytes, hex.EncodeToString(h.Sum(nil))} }

// findCalls learns which call started which subagent.
func (r *oldRun) findCalls(moved func(int64)) error {
	for i := range r.files {
		f := &r.files[i]
		t := f.open(moved)
		lines := transcript.NewSplitter(0)
		take := func(l transcript.Line) { r.subagent.Line(l.Text) }
		chunk := make([]byte, feedChunk)
		for {
			n, err := t.Read(chunk)
			lines.Split(chunk[:n], take)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, t.Close())
			}
		}
		lines.Rest(take)
		if err := t.Close(); err != nil {
			return err
		}
	}
	for _, a := range r.agents {
		if meta, err := os.ReadFile(a.metaPath()); err == nil {
			r.subagent.Meta(a.id, meta)
		}
	}
	return nil
}

// scanFile converts a file, and keeps what it tells of the run.
func (r *oldRun) scanFile(i int, events, text io.Writer, moved func(int64)) error {
	f := &r.files[i]
	converter, err := r.converter(f)
	if err != nil {
		return err
	}
	t := f.open(moved)
	defer func() { _ = t.Close() }() // it was only read from
	fd := &feed{converter: converter, lines: transcript.NewSplitter(0), text: io.TeeReader(t, text), final: true}
	var line []byte
	for {
		e, more, err := fd.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if i == 0 && !r.named && converter.Format() == transcript.Text {
			return errNoTranscript
		}
		r.count++
		r.odd.see(&e.Event)
		if !e.Time.IsZero() {
			if f.first.IsZero() {
				f.first = e.Time
			}
			if r.first.IsZero() || e.Time.Before(r.first) {
				r.first = e.Time
			}
			if e.Time.After(r.last) {
				r.last = e.Time
			}
		}
		line = client.AppendLine(line[:0], &e.Event)
		if _, err := events.Write(line); err != nil {
			return err
		}
	}
	if i == 0 {
		r.format, r.origin, r.outcome = converter.Format(), converter.Origin(), converter.Outcome()
	}
	return nil
}

func (r *oldRun) converter(f *runFile) (*transcript.Converter, error) {
	o := &transcript.Options{Apart: r.hasFile}
	if f.agent.id != "" {
		o.Parent, o.Caller = r.subagent.Call(f.agent.id), f.agent.caller
	}
	return transcript.New(r.format, o)
}

func (b *bundle) hasFile(agent string) bool {
	for _, a := range b.agents {
		if a.id == agent {
			return true
		}
	}
	return false
}

// each yields the events of all files again, in the order of their times. Outcomes says
// whether they are to tell how the run stood after them.
func (r *oldRun) each(outcomes bool, yield func(fedEvent) error) error {
	var feeds []*feed
	for i := range r.files {
		f := &r.files[i]
		converter, err := r.converter(f)
		if err != nil {
			return err
		}
		t := f.open(nil)
		defer func() { _ = t.Close() }() // it was only read from
		first := f.first
		if first.IsZero() {
			first = r.first
		}
		feeds = append(feeds, &feed{
			converter: converter, lines: transcript.NewSplitter(0), text: t, final: true, last: first, outcomes: outcomes && i == 0,
		})
	}
	m := merge(feeds...)
	var how transcript.Outcome // of the agent itself
	for {
		e, from, err := m.next()
		if err != nil || from < 0 {
			return err
		}
		if from == 0 {
			how = e.outcome
		}
		e.outcome = how
		if err := yield(e); err != nil {
			return err
		}
	}
}

// beginsWith reports for each of some texts whether the run's text begins with it.
func (r *oldRun) beginsWith(texts []textID) (map[textID]bool, error) {
	found := map[textID]bool{}
	if len(r.files) > 1 || len(texts) == 0 {
		return found, nil
	}
	t := r.files[0].open(nil)
	defer func() { _ = t.Close() }() // it was only read from
	h := &hashed{Hash: sha256.New()}
	for _, text := range texts { // in ascending order of bytes
		if text.Bytes > r.text.Bytes {
			break
		}
		if _, err := io.CopyN(h, t, text.Bytes-h.bytes); err != nil {
			return nil, err
		}
		found[text] = h.id() == text
	}
	return found, nil
}

// startOf says what is known of the run, for the start of its session.
func startOf(o transcript.Origin) client.Start {
	machine, _ := os.Hostname() // it is for people; "" if there is no name
	return client.Start{
		Agent: o.Agent, Version: o.Version, Model: o.Model, Cwd: o.Dir, Branch: o.Branch, Machine: machine,
		ExternalID: o.Session, ParentExternalID: o.Parent, Concurrent: true,
	}
}

// complete is the event that ends the session of a transcript, by all that it tells.
func complete(told transcript.Outcome, at time.Time, mark importMark) eventlog.Event {
	reason := "imported"
	if told.Reason != "" {
		reason += ": " + clip(told.Reason, mostReason)
	}
	return eventlog.Event{Type: eventlog.TypeComplete, Actor: eventlog.System, Time: at, Data: mustJSON(struct {
		Status   eventlog.Status `json:"status"`
		Reason   string          `json:"reason"`
		Imported importMark      `json:"imported"`
	}{told.Status, reason, mark})}
}

// String says what the run is.
func (r *oldRun) String() string { return converted(r.count, r.format, &r.odd) }

// converted says what became of the lines of a transcript.
func converted(events int, format transcript.Format, odd *oddities) string {
	text := fmt.Sprintf("%s as %s", count(int64(events), "event"), format)
	if odd.count > 0 {
		text += ", " + odd.String()
	}
	return text
}

// open returns the text of the file, or of its files one after another, as they were
// when they were first opened. Moved hears of the bytes on disk that were read.
func (f *runFile) open(moved func(bytes int64)) *fileText { return &fileText{of: f, moved: moved} }

// fileText reads the texts of files one after another.
type fileText struct {
	of    *runFile
	moved func(int64)
	next  int
	file  *source.File
	done  int64
	fed   bool // a line feed stands between two files
}

// Read implements [io.Reader].
func (t *fileText) Read(p []byte) (int, error) {
	for {
		if t.file == nil {
			if t.next == len(t.of.paths) {
				return 0, io.EOF
			}
			if t.next > 0 && !t.fed {
				t.fed = true
				return copy(p, "\n"), nil
			}
			if err := t.open(); err != nil {
				return 0, err
			}
		}
		n, err := t.file.Read(p)
		if done := t.file.Done(); t.moved != nil && done > t.done {
			t.moved(done - t.done)
			t.done = done
		}
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := t.Close(); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (t *fileText) open() error {
	var err error
	i := t.next
	size := int64(-1)
	if i < len(t.of.sizes) {
		size = t.of.sizes[i]
	}
	if t.file, err = source.OpenUpTo(t.of.paths[i], size); err != nil {
		return err
	}
	if i == len(t.of.sizes) {
		t.of.sizes = append(t.of.sizes, t.file.Size())
	}
	t.next, t.fed, t.done = i+1, false, 0
	return nil
}

// Close closes the file that is being read.
func (t *fileText) Close() error {
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}
