package transcript_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// fuzzLimit is the smallest size of an event, so that cuts are reached soon.
const fuzzLimit = 16 << 10

// fuzzConverter holds one format to the promises: every event is one that the log
// takes and ends nothing, every line is accounted for, and the same lines make the
// same events, in whatever chunks they come.
func fuzzConverter(t *testing.T, format transcript.Format, input []byte, chunk int) {
	o := &transcript.Options{MaxEventBytes: fuzzLimit}
	c := converter(t, format, o)
	events := feed(c, input, 0)
	for _, e := range events {
		checkEvent(t, e, fuzzLimit)
	}
	s := c.Stats()
	if s.Events != len(events) || s.Raw != len(ofType(events, transcript.TypeRaw)) {
		t.Errorf("%s: %+v for %d events", format, s, len(events))
	}
	if isJSON := c.Format() != transcript.Text; isJSON && s.Lines > s.Silent+len(events) {
		t.Errorf("%s: lines are lost: %+v", format, s)
	}
	again := feed(converter(t, format, o), input, chunk)
	if !bytes.Equal(lines(events), lines(again)) {
		t.Errorf("%s: in chunks of %d: got\n%s\nwant\n%s", format, chunk, lines(again), lines(events))
	}
	// Pauses change how things are grouped, and nothing else.
	paused := converter(t, format, o)
	split := transcript.NewSplitter(0)
	var flushed []eventlog.Event
	take := func(l transcript.Line) { flushed = append(append(flushed, paused.Line(l)...), paused.Flush()...) }
	split.Split(input, take)
	split.Rest(take)
	for _, e := range append(flushed, paused.End()...) {
		checkEvent(t, e, fuzzLimit)
	}
}

// FuzzConverters begins with a few lines at a time: what is found in large inputs
// is made small for so long that little else is tried.
func FuzzConverters(f *testing.F) {
	for i, format := range transcript.Formats() {
		if format == transcript.Auto {
			continue
		}
		for lines := range slices.Chunk(slices.Collect(bytes.Lines(fixture(f, format))), 3) {
			f.Add(uint8(i), bytes.Join(lines, nil), uint16(100))
			f.Add(uint8(0), bytes.Join(lines, nil), uint16(3))
		}
	}
	for _, pattern := range []string{"testdata/inputs/*", "testdata/inputs/unsupported/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if input, err := os.ReadFile(file); err == nil && filepath.Ext(file) != ".golden" { // else it is a folder
				f.Add(uint8(0), input, uint16(10))
			}
		}
	}
	f.Add(uint8(1), []byte("\ufeff{\"type\":\r\n\x00\xff\n"), uint16(1))
	f.Fuzz(func(t *testing.T, which uint8, input []byte, chunk uint16) {
		all := transcript.Formats()
		fuzzConverter(t, all[int(which)%len(all)], input, int(chunk)+1)
	})
}

// Each converter reads the fixtures of all others, too.
func TestNoInputMakesABadEvent(t *testing.T) {
	for _, format := range transcript.Formats() {
		t.Run(string(format), func(t *testing.T) {
			for _, of := range realFormats() {
				fuzzConverter(t, format, fixture(t, of), 50)
			}
		})
	}
}
