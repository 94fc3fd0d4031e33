package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// teller tells the events of a run from its files, and more once these have grown.
type teller interface {
	// round yields what was not told before. All says that nothing follows: then it also
	// yields what is told only because the files end.
	round(all bool, yield func(fedEvent) error) error
	// origin is what is known of the run, and format how its lines are read.
	origin() transcript.Origin
	format() transcript.Format
	// outcome is how the run stands.
	outcome() transcript.Outcome
	close()
}

// errRewritten says that a file does not begin any more as it did: it has to be read from
// its start.
var errRewritten = errors.New("the file was written anew")

// openTeller opens the files of a run.
func openTeller(b *bundle, names *sessionNames) (teller, error) {
	if b.thread != nil {
		return openThreadTeller(b.thread)
	}
	whole := len(b.main) > 1 || strings.HasSuffix(unpackedName(b.main[0]), ".json")
	if !whole {
		f, err := source.Open(b.main[0])
		if err != nil {
			return nil, err
		}
		whole = f.Packed() != ""
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	if whole {
		return &wholeTeller{path: b.main[0], names: names}, nil
	}
	files, err := openGrowing(b.main[0], transcript.Auto)
	if err != nil {
		return nil, err
	}
	files.gatherer.sessions = names
	files.main().feed.outcomes = true
	return &growingTeller{files: files}, nil
}

func unpackedName(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
}

// growingTeller reports on files to which lines are added.
type growingTeller struct {
	files *growingFiles
	marks []fileMark // of the files, in their order
}

// fileMark is what a file had around where it was read up to. If it has that still, it was
// not rewritten.
type fileMark struct{ head, seam []byte }

// markBytes is how much of a file is compared.
const markBytes = 256

func (t *growingTeller) round(all bool, yield func(fedEvent) error) error {
	for i, f := range t.files.files {
		if i < len(t.marks) && !t.marks[i].holds(f) {
			return errRewritten
		}
	}
	err := t.files.round(all, yield)
	if errors.Is(err, errShorter) {
		return errRewritten
	}
	if err != nil {
		return err
	}
	t.marks = t.marks[:0]
	for _, f := range t.files.files {
		m, err := markOfFile(f)
		if err != nil {
			return err
		}
		t.marks = append(t.marks, m)
	}
	return nil
}

func markOfFile(f *growingFile) (m fileMark, err error) {
	n := min(f.read, markBytes)
	m = fileMark{make([]byte, n), make([]byte, n)}
	if n > 0 {
		_, err = f.file.ReadAt(m.head, 0)
		_, more := f.file.ReadAt(m.seam, f.read-n)
		err = errors.Join(err, more)
	}
	if errors.Is(err, io.EOF) { // it is shorter by now
		err = errRewritten
	}
	return m, err
}

// holds reports whether a file is the one that it was, and begins as it did. One that was
// removed stays what it is, as long as it is open.
func (m fileMark) holds(f *growingFile) bool {
	now, err := os.Stat(f.path)
	if err == nil {
		was, statErr := f.file.Stat()
		if statErr != nil || !os.SameFile(was, now) {
			return false
		}
	}
	again, err := markOfFile(f)
	return err == nil && bytes.Equal(m.head, again.head) && bytes.Equal(m.seam, again.seam)
}

// changed is when one of the files last changed.
func (t *growingTeller) changed() (last time.Time) {
	for _, f := range t.files.files {
		if info, err := f.file.Stat(); err == nil {
			last = later(last, info.ModTime())
		}
	}
	return last
}

func (t *growingTeller) origin() transcript.Origin   { return t.files.main().feed.converter.Origin() }
func (t *growingTeller) format() transcript.Format   { return t.files.main().feed.converter.Format() }
func (t *growingTeller) outcome() transcript.Outcome { return t.files.main().feed.converter.Outcome() }
func (t *growingTeller) close()                      { t.files.close() }

// wholeTeller reports on files that are written as a whole: packed ones, documents, and folders
// with a file for each event. It reads them again from their start.
type wholeTeller struct {
	path   string
	names  *sessionNames
	states []fileState // when they were read
	told   known
	run    *oldRun
}

func (t *wholeTeller) round(all bool, yield func(fedEvent) error) error {
	b, err := bundleOf(t.path, t.names)
	if err != nil {
		return err
	}
	if b == nil {
		return nil // another file tells more by now
	}
	states, err := statesOf(b)
	if err != nil || !all && slices.Equal(states, t.states) {
		return err
	}
	if t.run, err = scan(b, "", transcript.Auto, nil); err != nil {
		return err
	}
	t.states = states
	before, told := maps.Clone(t.told), known{}
	err = t.run.each(true, func(e fedEvent) error {
		if e.tail && !all {
			return nil
		}
		d := digestOf(&e.Event)
		told[d]++
		if before.take(d) {
			return nil
		}
		return yield(e)
	})
	t.told = told
	return err
}

func (t *wholeTeller) origin() transcript.Origin {
	if t.run == nil {
		return transcript.Origin{}
	}
	return t.run.origin
}

func (t *wholeTeller) format() transcript.Format {
	if t.run == nil {
		return transcript.Auto
	}
	return t.run.format
}

func (t *wholeTeller) outcome() transcript.Outcome {
	if t.run == nil {
		return transcript.Outcome{}
	}
	return t.run.outcome
}

func (*wholeTeller) close() {}

// text is what the run's own files have now, or a thread in a database.
func (b *bundle) text() io.ReadCloser {
	if b.thread != nil {
		return io.NopCloser(b.thread.Follow().Rest(true))
	}
	return (&runFile{paths: b.main}).open(nil)
}

// bundleOf returns the files of the run that a file belongs to, nil if another file tells
// the same and more.
func bundleOf(path string, names *sessionNames) (*bundle, error) {
	if thread := names.databases.Thread(path); thread != nil {
		return &bundle{main: []string{path}, thread: thread}, nil
	}
	if other, lesser := toldAgain[filepath.Base(path)]; lesser && existing(filepath.Join(filepath.Dir(path), other)) != "" {
		return nil, nil
	}
	g := newGatherer()
	g.sessions = names
	if err := g.add(path, false); err != nil || len(g.order) == 0 {
		return nil, err
	}
	b := g.bundles[g.order[0]]
	if state := conversationState(b.main[0]); state != "" {
		b.main = append(b.main, state)
	}
	return b, nil
}

// introduced is what the beginning of a transcript tells of it.
type introduced struct {
	transcript.Origin
	format transcript.Format
	// first names the run by how it begins, for agents that give it no id.
	first string
}

const (
	// So much of a transcript is read to find out whose it is.
	mostIntroduction       = 4 << 20
	mostIntroductionEvents = 400
)

// introduce reads the beginning of a run.
func introduce(b *bundle) (in introduced, err error) {
	converter, err := transcript.New(transcript.Auto, nil)
	if err != nil {
		return in, err
	}
	text := b.text()
	defer func() { err = errors.Join(err, text.Close()) }()
	f := &feed{converter: converter, lines: transcript.NewSplitter(0), text: io.LimitReader(text, mostIntroduction), final: true}
	for range mostIntroductionEvents {
		e, more, err := f.next()
		if err != nil {
			return in, err
		}
		if !more {
			break
		}
		if in.first == "" && e.Type != eventlog.TypeSession {
			in.first = nameOfFirst(&e.Event)
		}
		in.Origin = converter.Origin()
		if in.Session != "" && in.Dir != "" && in.Title != "" && in.first != "" {
			break
		}
	}
	in.format = converter.Format()
	if b.thread == nil {
		in.Origin = withBeside(in.Origin, b.main[0])
	}
	return in, nil
}
