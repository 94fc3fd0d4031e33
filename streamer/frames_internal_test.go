package streamer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
)

// sharing is a session and the frames of it that streams share.
type sharing struct {
	t       *testing.T
	log     *eventlog.Log
	session *eventlog.Session
	frames  *frames
}

func newSharing(t *testing.T, after uint64) *sharing {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	s, err := log.Start(t.Context(), "t-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{Streamer: New(log, nil), task: "t-1", watch: log.Watch("t-1"), frames: map[variant]*frames{}}
	t.Cleanup(h.watch.Close)
	return &sharing{t, log, s, h.share(s.ID(), jsonFormat, after)}
}

// put appends events of a size.
func (s *sharing) put(events, bytes int) {
	s.t.Helper()
	batch := make([]eventlog.Event, events)
	for i := range batch {
		batch[i] = eventlog.Event{Type: "x", Data: fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", max(0, bytes-8)))}
	}
	if _, err := s.session.Append(s.t.Context(), batch...); err != nil {
		s.t.Fatal(err)
	}
}

// ids are the sequences of frames.
func (s *sharing) ids(text []byte) (ids []uint64) {
	s.t.Helper()
	for line := range strings.Lines(string(text)) {
		if id, is := strings.CutPrefix(line, "id: "); is {
			c, err := eventlog.ParseCursor(strings.TrimSpace(id))
			if err != nil || c.Session != s.session.ID() {
				s.t.Fatalf("id %q: %v", id, err)
			}
			ids = append(ids, c.Sequence)
		}
	}
	return ids
}

func (s *sharing) after(sequence uint64) (part, bool, error) {
	return s.frames.after(context.Background(), sequence)
}

func TestSharedFramesFollowEachOther(t *testing.T) {
	for _, size := range []int{8, 300, 20_000, writeSize - 600, writeSize, 3 * writeSize} {
		s := newSharing(t, 0)
		const events = 30
		for n := uint64(5); n <= events; n += 5 {
			s.put(5, size)
			for s.frames.last < n { // page by page
				if _, ok, err := s.after(s.frames.last); !ok || err != nil {
					t.Fatalf("ok %v: %v", ok, err)
				}
			}
		}
		// From any event that is still kept, the frames lead to the head.
		for from := s.frames.chunks[0].first - 1; from <= events; from++ {
			at := from
			for at < events {
				p, ok, err := s.after(at)
				if !ok || err != nil || len(p.text) == 0 {
					t.Fatalf("%d bytes, after %d: %d bytes, ok %v: %v", size, at, len(p.text), ok, err)
				}
				for _, id := range s.ids(p.text) {
					if at++; id != at {
						t.Fatalf("%d bytes: event %d, not %d", size, id, at)
					}
				}
				if size < writeSize/2 && len(p.text) > writeSize {
					t.Errorf("%d bytes: %d in one part", size, len(p.text))
				}
			}
		}
	}
}

func TestSharedFramesAreBounded(t *testing.T) {
	for _, size := range []int{300, 30_000, 200_000} {
		s := newSharing(t, 0)
		const streams = 4
		for range streams - 1 {
			s.frames.hub.share(s.session.ID(), jsonFormat, 0)
		}
		for range 40 {
			s.put(max(1, 20_000/size), size)
			if _, _, err := s.after(s.frames.last); err != nil {
				t.Fatal(err)
			}
		}
		kept := 0
		for _, c := range s.frames.chunks {
			kept += len(c.text)
		}
		newest := len(s.frames.chunks[len(s.frames.chunks)-1].text)
		if kept != s.frames.bytes || kept-newest > streams*writeSize {
			t.Errorf("events of %d bytes: %d bytes are kept beside the newest %d, counted %d", size, kept-newest, newest, s.frames.bytes)
		}
		if _, ok, err := s.after(0); ok || err != nil { // streams that are behind read the log
			t.Errorf("events of %d bytes: the first is still there: %v", size, err)
		}
	}
}

// Streams that are behind must not make frames for those in front. The kept frames are
// bounded for any requests, even if the log has none of the events in memory.
func TestSharedFramesAreBoundedWhileStreamsCatchUp(t *testing.T) {
	const streams, events = 4, 200
	for _, size := range []int{300, 40_000, 100_000} {
		s := newSharing(t, 0)
		for range streams - 1 {
			s.frames.hub.share(s.session.ID(), jsonFormat, 0)
		}
		s.put(events, size)
		cursors := make([]uint64, streams)
		for steps := 0; slices.Min(cursors) < events; steps++ {
			if steps > 10*streams*events {
				t.Fatalf("events of %d bytes: at %d", size, cursors)
			}
			i := steps % streams
			p, ok, err := s.after(cursors[i])
			if err != nil {
				t.Fatal(err)
			}
			if !ok { // it reads the log itself
				cursors[i]++
				continue
			}
			for _, id := range s.ids(p.text) {
				if cursors[i]++; id != cursors[i] {
					t.Fatalf("event %d, not %d", id, cursors[i])
				}
			}
			// The frames that were kept, those that one call adds, and the chunk that it
			// began.
			if most := streams*writeSize + 2*(writeSize+size+frameOverhead); s.frames.bytes > most {
				t.Fatalf("events of %d bytes: %d bytes are kept, %d at most", size, s.frames.bytes, most)
			}
		}
	}
}

func TestSharedFramesGoWhenNobodyUsesThem(t *testing.T) {
	s := newSharing(t, 0)
	h := s.frames.hub
	s.put(10, 300)
	if p, ok, err := s.after(0); !ok || err != nil || len(s.ids(p.text)) != 10 {
		t.Fatalf("ok %v: %v", ok, err)
	}
	h.wakeBehind()
	if s.frames.bytes == 0 {
		t.Error("they have gone although they were used since the last tick")
	}
	h.wakeBehind()
	if s.frames.bytes != 0 || len(s.frames.chunks) != 0 {
		t.Errorf("%d bytes are kept of an idle session", s.frames.bytes)
	}
	s.put(1, 300)
	if p, ok, err := s.after(10); !ok || err != nil || len(s.ids(p.text)) != 1 {
		t.Errorf("after that: %q, ok %v: %v", p.text, ok, err)
	}
}

func TestSharedFramesBeginAnewWhereSomebodyIsAhead(t *testing.T) {
	s := newSharing(t, 0)
	s.put(10, 300)
	p, ok, err := s.after(7)
	if ids := s.ids(p.text); !ok || err != nil || len(ids) != 3 || ids[0] != 8 {
		t.Errorf("events %v, ok %v: %v", ids, ok, err)
	}
	if _, ok, err := s.after(6); ok || err != nil {
		t.Errorf("event 7 was never read: ok %v: %v", ok, err)
	}
}

func TestSharedFramesDoNotOutliveTheirEvents(t *testing.T) {
	s := newSharing(t, 0)
	s.put(10, 300)
	if p, ok, err := s.after(3); !ok || err != nil || len(p.text) == 0 {
		t.Fatalf("ok %v: %v", ok, err)
	}
	if err := s.log.Trim(t.Context(), "t-1", s.session.ID(), 6); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.after(3); ok || err != nil {
		t.Errorf("trimmed: ok %v: %v", ok, err)
	}
	if p, ok, err := s.after(10); !ok || err != nil || len(p.text) != 0 {
		t.Errorf("at the head: %d bytes, ok %v: %v", len(p.text), ok, err)
	}
	s.put(1, 300)
	if p, ok, err := s.after(10); !ok || err != nil || len(s.ids(p.text)) != 1 {
		t.Errorf("behind the head: %q, ok %v: %v", p.text, ok, err)
	}
	if err := s.log.DeleteSession(t.Context(), "t-1", s.session.ID()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.after(10); ok || !errors.Is(err, eventlog.ErrSessionNotFound) {
		t.Errorf("deleted: ok %v: %v", ok, err)
	}
}

func TestSharedFramesGoWithTheLastStreamThatUsesThem(t *testing.T) {
	s := newSharing(t, 0)
	h := s.frames.hub
	if again := h.share(s.session.ID(), jsonFormat, 5); again != s.frames {
		t.Error("two streams of one variant have frames of their own")
	}
	h.release(s.frames)
	if len(h.frames) != 1 {
		t.Error("they have gone before the last stream")
	}
	h.release(s.frames)
	if len(h.frames) != 0 {
		t.Error("they have not gone")
	}
}
