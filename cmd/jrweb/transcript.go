package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

// agentFile is a transcript that an agent left, read once.
type agentFile struct {
	path    string
	task    string
	format  transcript.Format
	hash    string // of its bytes
	origin  transcript.Origin
	stats   transcript.Stats
	outcome transcript.Outcome
}

// isExport reports whether a file begins like what jrweb export writes. A blank one
// does: its sessions are none.
func isExport(path string) (bool, error) {
	found := true
	err := readFile(path, func(l inputLine) error {
		var envelope struct {
			Task, Session string
			Sequence      uint64
		}
		found = json.Unmarshal(l.text, &envelope) == nil && envelope.Task != "" && envelope.Session != "" && envelope.Sequence > 0
		return errEnough
	})
	return found, err
}

// readTranscript converts all of a file, to learn what it is.
func readTranscript(path, task string, format transcript.Format) (*agentFile, error) {
	f := &agentFile{path: path, task: task}
	hash := sha256.New()
	converter, err := f.convert(format, hash, func(eventlog.Event) error { return nil })
	if err != nil {
		return nil, err
	}
	f.hash = fmt.Sprintf("%x", hash.Sum(nil)[:16])
	f.format, f.origin, f.stats, f.outcome = converter.Format(), converter.Origin(), converter.Stats(), converter.Outcome()
	return f, nil
}

// convert reads the file and yields its events. A copy of the bytes goes to w.
func (f *agentFile) convert(format transcript.Format, w io.Writer, yield func(eventlog.Event) error) (*transcript.Converter, error) {
	converter, err := transcript.New(format, nil)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read from
	var failed error
	times := times{}
	take := func(events []eventlog.Event) {
		for _, e := range events {
			if failed == nil {
				failed = yield(times.fill(e))
			}
		}
	}
	lines := transcript.NewSplitter(0)
	line := func(l transcript.Line) { take(converter.Line(l)) }
	for chunk := make([]byte, 64<<10); failed == nil; {
		n, err := file.Read(chunk)
		if _, err := w.Write(chunk[:n]); err != nil {
			return nil, err
		}
		lines.Split(chunk[:n], line)
		if errors.Is(err, io.EOF) {
			lines.Rest(line)
			take(converter.End())
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return converter, failed
}

// times gives events without a time that of the one before. Before the first that
// has one there is none: the server's clock counts.
type times struct{ last time.Time }

func (t *times) fill(e eventlog.Event) eventlog.Event {
	if e.Time.IsZero() {
		e.Time = t.last
	}
	t.last = e.Time
	return e
}

// transcript imports a file as a session. Its keys follow from its bytes: the same
// file changes nothing.
func (i *importer) transcript(ctx context.Context, f *agentFile) (eventlog.SessionID, error) {
	start := client.Start{Agent: f.origin.Agent, Model: f.origin.Model, ExternalID: f.externalID(), Concurrent: true}
	return i.start(ctx, f.task, start, "import-"+f.hash, func(id eventlog.SessionID) error {
		return i.transcriptEvents(ctx, f, id)
	})
}

func (f *agentFile) externalID() string { return cmp.Or(f.origin.Session, "import-"+f.hash) }

func (i *importer) transcriptEvents(ctx context.Context, f *agentFile, id eventlog.SessionID) error {
	b, batches := &batch{}, 0
	send := func() error {
		batches++
		_, err := i.server.Append(ctx, f.task, client.Append{Session: id, Key: fmt.Sprintf("import-%d", batches), Body: b.body})
		i.done += int64(len(b.lines))
		i.bar.show(i.done, i.total)
		b = &batch{}
		return err
	}
	number := 0
	_, err := f.convert(f.format, io.Discard, func(e eventlog.Event) error {
		number++
		line := eventLine(number, &e)
		if len(b.lines) > 0 && len(b.body)+len(line.text) > batchBytes {
			if err := send(); err != nil {
				return err
			}
		}
		b.add(line)
		if b.full() {
			return send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	end := eventlog.Event{Type: eventlog.TypeComplete, Actor: eventlog.System, Data: importedAs(f.outcome)}
	b.add(eventLine(number+1, &end))
	return send()
}

// importedAs is how the session of a file ends: by all that the file tells.
func importedAs(told transcript.Outcome) json.RawMessage {
	end := struct {
		Status eventlog.Status `json:"status"`
		Reason string          `json:"reason"`
	}{told.Status, "imported"}
	if told.Reason != "" {
		end.Reason = "imported: " + clip(told.Reason, mostReason)
	}
	data, err := json.Marshal(end)
	if err != nil {
		panic(err) // strings are always JSON
	}
	return data
}

// String says what the file is.
func (f *agentFile) String() string {
	text := fmt.Sprintf("%s as %s", count(int64(f.stats.Events), "event"), f.format)
	if f.stats.Raw > 0 {
		text += fmt.Sprintf(", %s not understood and kept as they are", count(int64(f.stats.Raw), "line"))
	}
	return text
}
