package streamer

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// frames are the newest frames of one session, made once for all streams that show the
// same. They begin where a stream first has nothing more to send. They are only a cache: a
// stream that is behind the first frame reads the log.
type frames struct {
	hub     *hub
	format  format
	from    origin
	streams atomic.Int64 // number of streams that use them; changed under hub.mu

	mu     sync.Mutex
	chunks []*chunk // without holes; the last one grows
	last   uint64   // the sequence of the newest frame
	bytes  int
	used   bool // since the last tick
}

// variant says which events the frames have, and in which form.
type variant struct {
	session eventlog.SessionID
	format  string
}

// chunk is a sequence of frames. Its content never changes; it only grows at its end. So a
// stream writes a part of it without a copy, and a slow stream holds no more than the
// chunk.
type chunk struct {
	first   uint64 // the sequence of the first frame
	text    []byte
	ends    []int // where each frame ends
	commits []time.Time
}

// maxFrames bounds how many bytes of frames are kept in addition to the newest chunk. Below
// this bound, it is one write for each stream.
const maxFrames = 4 << 20

// beyond is a sequence after every event. What is read after it is the state of a session
// and no event, which the log has in memory however far its head is ahead of the frames.
const beyond = math.MaxInt64

// after returns the frames after a sequence, as many as one write carries, including those
// that have committed just now. ok is false if they are not kept here.
func (f *frames) after(ctx context.Context, sequence uint64) (p part, ok bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = true
	if sequence > f.last { // the stream read further elsewhere: start again there
		f.reset(sequence)
	}
	if sequence == f.last {
		p.page, err = f.fill(ctx)
	} else { // enough is kept here, but only the log knows whether the session still exists
		p.page, err = f.hub.watch.Scan(ctx, f.from.session, beyond, func(*eventlog.Event) bool { return false })
	}
	if err != nil {
		return part{}, false, err
	}
	if p.page.Gap(f.last) || len(f.chunks) > 0 && p.page.First > f.chunks[0].first {
		f.reset(f.last) // some of it has been trimmed
		return part{}, false, nil
	}
	f.trim(sequence)
	if sequence == f.last {
		return p, true, nil
	}
	for _, c := range slices.Backward(f.chunks) {
		if sequence+1 < c.first {
			continue
		}
		from, start := int(sequence+1-c.first), 0
		if from > 0 {
			start = c.ends[from-1]
		}
		p.text, p.commits = slices.Clip(c.text[start:]), slices.Clip(c.commits[from:])
		return p, true, nil
	}
	return part{}, false, nil
}

// fill adds the next frames, as many as one write carries.
func (f *frames) fill(ctx context.Context) (eventlog.Page, error) {
	last, before := f.last, f.bytes
	add := func(e *eventlog.Event) bool {
		if e.Sequence != f.last+1 || f.bytes-before >= writeSize {
			return false
		}
		f.add(e)
		return true
	}
	if !f.format.slow {
		page, err := f.hub.watch.Scan(ctx, f.from.session, f.last, add)
		if err != nil {
			f.reset(last)
		}
		return page, err
	}
	events, page, err := copyEvents(ctx, f.hub.watch, f.from.session, f.last)
	for i := range events {
		add(&events[i])
	}
	return page, err
}

// reset forgets all frames. The next ones begin after a sequence.
func (f *frames) reset(sequence uint64) { f.chunks, f.bytes, f.last = nil, 0, sequence }

// forgetUnused forgets frames that no stream has asked for since the last call, so that an
// idle task holds none.
func (f *frames) forgetUnused() {
	if !f.mu.TryLock() {
		return // it is in use
	}
	defer f.mu.Unlock()
	if !f.used {
		f.reset(f.last)
	}
	f.used = false
}

func (f *frames) add(e *eventlog.Event) {
	var c *chunk
	if n := len(f.chunks); n > 0 {
		c = f.chunks[n-1]
	}
	if c == nil || !fits(c.text, e, writeSize) {
		c = &chunk{first: e.Sequence}
		f.chunks = append(f.chunks, c)
	}
	before := len(c.text)
	c.text = f.format.frame(c.text, &f.from, e)
	c.ends = append(c.ends, len(c.text))
	c.commits = append(c.commits, e.Committed)
	f.last = e.Sequence
	f.bytes += len(c.text) - before
}

// trim forgets the oldest frames, if there are too many, but none after the sequence.
func (f *frames) trim(sequence uint64) {
	limit := int(min(f.streams.Load()*writeSize, maxFrames))
	for len(f.chunks) > 1 && f.chunks[1].first <= sequence+1 && f.bytes-len(f.chunks[len(f.chunks)-1].text) > limit {
		f.bytes -= len(f.chunks[0].text)
		f.chunks = slices.Delete(f.chunks, 0, 1)
	}
}

// share returns the frames of a session in a format. If no stream uses them yet, they begin
// after the sequence. The caller must call release.
func (h *hub) share(session eventlog.SessionID, form format, after uint64) *frames {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := variant{session, form.name}
	f := h.frames[v]
	if f == nil {
		f = &frames{hub: h, format: form, from: newOrigin(h.task, session), last: after}
		h.frames[v] = f
	}
	f.streams.Add(1)
	return f
}

// release ends the use of the frames that share returned.
func (h *hub) release(f *frames) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.streams.Add(-1) == 0 {
		delete(h.frames, variant{f.from.session, f.format.name})
	}
}
