package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog/transcript"
)

// growingFiles are the files of a run: the agent's own, and one of each subagent,
// which come while it runs.
type growingFiles struct {
	path      string
	format    transcript.Format
	gatherer  *gatherer
	subagents transcript.Subagents
	files     []*growingFile // the agent's own first
	ends      map[string]int64
}

// growingFile is one of the files.
type growingFile struct {
	subagentFile
	file    *os.File
	looked  int64                // up to where it was looked at for calls
	lines   *transcript.Splitter // of that
	whole   bool                 // one line is
	read    int64                // up to where it is converted
	feed    *feed                // nil: it has no whole line yet
	hasMeta bool
}

// errShorter says that a file does not grow any more.
var errShorter = errors.New("the file is shorter than it was: somebody writes it anew")

func openGrowing(path string, format transcript.Format) (*growingFiles, error) {
	f, err := source.Open(path)
	if err != nil {
		return nil, err
	}
	packed := f.Packed()
	if err := f.Close(); err != nil {
		return nil, err
	}
	if packed != "" {
		return nil, fmt.Errorf("it is %s, which does not grow: import it without -follow", packed)
	}
	t := &growingFiles{path: path, format: format, gatherer: newGatherer()}
	main, err := openGrowingFile(subagentFile{path: path})
	if err != nil {
		return nil, err
	}
	t.files = []*growingFile{main}
	converter, err := transcript.New(format, &transcript.Options{Apart: t.has})
	if err != nil {
		t.close()
		return nil, err
	}
	main.feed = &feed{converter: converter, lines: transcript.NewSplitter(0)}
	return t, nil
}

func openGrowingFile(s subagentFile) (*growingFile, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	return &growingFile{subagentFile: s, file: file, lines: transcript.NewSplitter(0)}, nil
}

func (t *growingFiles) main() *growingFile { return t.files[0] }

func (t *growingFiles) has(agent string) bool {
	for _, f := range t.files[1:] {
		if f.id == agent {
			return true
		}
	}
	return false
}

func (t *growingFiles) close() {
	for _, f := range t.files {
		_ = f.file.Close() // it was only read from
	}
}

// upTo says that the files end where they ended when they were scanned.
func (t *growingFiles) upTo(run *oldRun) {
	t.ends = map[string]int64{}
	for _, f := range run.files {
		t.ends[f.paths[0]] = f.sizes[0]
	}
}

// round yields what the files have more than in the round before, in the order of its
// times. If it is to be all, they end here.
func (t *growingFiles) round(all bool, yield func(fedEvent) error) error {
	if err := t.discover(); err != nil {
		return err
	}
	// The calls of subagents stand in files that are looked at later: what a file of a
	// subagent has now is told by lines that are there.
	ends := make([]int64, len(t.files))
	for i := len(t.files) - 1; i >= 0; i-- {
		var err error
		if ends[i], err = t.end(t.files[i]); err != nil {
			return err
		}
	}
	for i, f := range t.files {
		if err := t.look(f, ends[i]); err != nil {
			return err
		}
	}
	var feeds []*feed
	for i, f := range t.files {
		if f.feed == nil {
			if !all && (!f.whole || t.waits(f)) {
				continue
			}
			converter, err := transcript.New(t.main().feed.converter.Format(), &transcript.Options{Parent: t.subagents.Call(f.id), Caller: f.caller, Apart: t.has})
			if err != nil {
				return err
			}
			f.feed = &feed{converter: converter, lines: transcript.NewSplitter(0)}
		}
		if f.feed.final = all; all || ends[i] > f.read {
			f.feed.text = io.NewSectionReader(f.file, f.read, ends[i]-f.read)
			feeds = append(feeds, f.feed)
		}
	}
	m := merge(feeds...)
	for {
		e, from, err := m.next()
		if err != nil {
			return err
		}
		if from < 0 {
			break
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	for i, f := range t.files {
		if f.feed != nil {
			f.read = ends[i]
		}
	}
	return nil
}

// waits reports whether the call of a subagent is still to be told: Gemini CLI writes a
// call when it has ended. What others tell of a call stands before its subagent works.
func (t *growingFiles) waits(f *growingFile) bool {
	switch t.main().feed.converter.Format() {
	case transcript.GeminiChat, transcript.Auto: // which may become that
		_, known := t.subagents.Called(f.id)
		return !known
	}
	return false
}

// discover opens files of subagents that are new.
func (t *growingFiles) discover() error {
	agents, err := t.gatherer.subagentsOf(t.path)
	if err != nil {
		return err
	}
	for _, a := range agents {
		if t.has(a.id) {
			continue
		}
		if _, given := t.ends[a.path]; t.ends != nil && !given {
			continue // it came after the scan
		}
		f, err := openGrowingFile(a)
		if err != nil {
			return err
		}
		t.files = append(t.files, f)
	}
	return nil
}

// end returns where a file ends now.
func (t *growingFiles) end(f *growingFile) (int64, error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	end := info.Size()
	if given, ok := t.ends[f.path]; ok {
		end = min(end, given)
	}
	if end < f.read {
		return 0, errShorter
	}
	return end, nil
}

// look looks for the calls of subagents in what is new of a file.
func (t *growingFiles) look(f *growingFile, end int64) error {
	if f.id != "" && !f.hasMeta {
		if meta, err := os.ReadFile(f.metaPath()); err == nil {
			t.subagents.Meta(f.id, meta)
			f.hasMeta = true
		}
	}
	if end <= f.looked {
		return nil
	}
	text := io.NewSectionReader(f.file, f.looked, end-f.looked)
	chunk := make([]byte, feedChunk)
	for {
		n, err := text.Read(chunk)
		f.lines.Split(chunk[:n], func(l transcript.Line) {
			f.whole = true
			t.subagents.Line(l.Text)
		})
		if errors.Is(err, io.EOF) {
			f.looked = end
			return nil
		}
		if err != nil {
			return err
		}
	}
}
