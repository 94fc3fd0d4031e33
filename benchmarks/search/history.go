package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jrweb/eventlog"
)

// The words that stand in one run each. The texts have neither.
const (
	newest = "Quokka" + "Vortex"
	oldest = "Walrus" + "Zephyr"
)

// texts returns the text of all files below a folder.
func texts(folder string) ([]byte, error) {
	var all []byte
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"node_modules", ".git"}, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !slices.Contains([]string{".go", ".md", ".js", ".css", ".json"}, filepath.Ext(path)):
			return nil
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	})
	return all, err
}

// writer makes events of texts.
type writer struct {
	*rand.Rand
	texts []byte
}

// text is a piece of the texts of about n bytes.
func (w *writer) text(n int) string {
	n = n/2 + w.IntN(n)
	from := w.IntN(len(w.texts) - n)
	return string(bytes.ToValidUTF8(w.texts[from:from+n], nil))
}

func (w *writer) event(at time.Time) eventlog.Event {
	kind, data := eventlog.TypeAssistant, map[string]any{"content": w.text(800)}
	switch n := w.IntN(10); {
	case n < 4:
		kind, data = eventlog.TypeToolCall, map[string]any{"tool": "bash", "args": map[string]string{"command": w.text(120)}, "call_id": fmt.Sprintf("call_%016x", w.Uint64())}
	case n < 8:
		kind, data = eventlog.TypeToolResult, map[string]any{"tool": "bash", "success": true, "output": w.text(4000), "call_id": fmt.Sprintf("call_%016x", w.Uint64())}
	}
	return newEvent(kind, data, at)
}

// newEvent makes an event as agents write them: without escapes that JSON does not need.
func newEvent(kind string, data any, at time.Time) eventlog.Event {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(data); err != nil {
		panic(err) // maps of texts
	}
	return eventlog.Event{Type: kind, Data: text.Bytes(), Time: at}
}

// build makes a history of about size bytes: sessions of 1 to 3 MB that have ended over a
// year, and the newest one is open.
func build(ctx context.Context, file, corpus string, size int64) error {
	all, err := texts(corpus)
	if err != nil {
		return err
	}
	log, err := eventlog.Open(file, &eventlog.Options{KeepOpen: true})
	if err != nil {
		return err
	}
	w := &writer{rand.New(rand.NewPCG(1, 2)), all}
	at := time.Now().AddDate(-1, 0, 0)
	step := time.Since(at) / time.Duration(size/2_000_000+1)
	for written, n := int64(0), 0; written < size; n++ {
		s, err := log.Start(ctx, fmt.Sprintf("t-%d", n/3), &eventlog.StartOptions{Agent: "Codex", Concurrent: true})
		if err != nil {
			return err
		}
		length := 1_000_000 + w.Int64N(2_000_000)
		last := written+length >= size
		var batch []eventlog.Event
		for one := int64(0); one < length; {
			e := w.event(at)
			one += int64(len(e.Data))
			batch = append(batch, e)
			if len(batch) == 1000 || one >= length {
				if one >= length {
					batch = end(batch, n == 0, last, at)
				}
				if _, err := s.Append(ctx, batch...); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
		written += length
		at = at.Add(step)
	}
	return log.Close()
}

// end makes a batch the last one of a session. The newest session stays open.
func end(batch []eventlog.Event, isOldest, isNewest bool, at time.Time) []eventlog.Event {
	if isOldest {
		batch[0] = newEvent(eventlog.TypeAssistant, map[string]string{"content": "There was the " + oldest + " once."}, at)
	}
	if isNewest {
		batch[len(batch)/2] = newEvent(eventlog.TypeAssistant, map[string]string{"content": "Here is the " + newest + "."}, at)
		return batch
	}
	return append(batch, newEvent(eventlog.TypeComplete, map[string]string{"status": "succeeded"}, at))
}

// leaveCache takes a file out of the memory of the system.
func leaveCache(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}
