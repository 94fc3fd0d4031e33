package streamer

import (
	"bytes"
	"context"

	"jrweb/eventlog"
)

// read reads the next frames after the cursor, and moves the cursor behind them.
func (st *eventStream) read(ctx context.Context) (part, error) {
	if p, ok, err := st.readShared(ctx); ok || err != nil {
		return p, err
	}
	if st.from.session != st.place.Session || st.from.line == nil {
		st.from = newOrigin(st.task, st.place.Session)
	}
	var page eventlog.Page
	var err error
	if st.format.slow { // it would delay the store
		page, err = st.readSlowly(ctx)
	} else {
		page, err = st.hub.watch.Scan(ctx, st.place.Session, st.place.Sequence, st.take)
	}
	if err != nil {
		return part{}, err
	}
	if page.Gap(st.place.Sequence) { // events were trimmed, and none follows them
		st.gap(page.First)
	}
	st.markCaughtUp(false)
	return part{batch: st.made, page: page}, nil
}

func (st *eventStream) readSlowly(ctx context.Context) (eventlog.Page, error) {
	events, page, err := copyEvents(ctx, st.hub.watch, st.place.Session, st.place.Sequence)
	for i := range events {
		if !st.take(&events[i]) {
			break
		}
	}
	return page, err
}

// slowBytes is about how much event data a slow format renders at once, because its frames
// are larger than the data.
const slowBytes = writeSize / 4

// copyEvents returns the next events of a session, in an amount for a slow format.
func copyEvents(ctx context.Context, w *eventlog.Watch, session eventlog.SessionID, after uint64) (events []eventlog.Event, page eventlog.Page, err error) {
	size := 0
	page, err = w.Scan(ctx, session, after, func(e *eventlog.Event) bool {
		kept := *e
		kept.Data = bytes.Clone(e.Data)
		events = append(events, kept)
		size += len(e.Data) + frameOverhead
		return size < slowBytes
	})
	if err != nil {
		return nil, page, err
	}
	return events, page, nil
}

// frameOverhead is more than a frame takes in addition to the data of its event.
const frameOverhead = 512

// fits reports whether the frame of an event may follow text on a page of page bytes. A
// frame that is larger than a page may follow any text that is shorter than a page.
func fits(text []byte, e *eventlog.Event, page int) bool {
	size := len(e.Data) + frameOverhead
	return len(text)+size <= page || size > page && len(text) < page
}

// fits reports whether the frame of an event may be a part of what is being read.
func (st *eventStream) fits(e *eventlog.Event) bool {
	return st.sock.buffered() == st.start || fits((*st.sock.buf)[st.start:], e, st.sock.page)
}

// take puts an event's frame into the buffer and moves the cursor, if the frame fits.
func (st *eventStream) take(e *eventlog.Event) bool {
	shown := st.types.Show(e)
	if shown && !st.fits(e) {
		return false
	}
	if e.Sequence > st.place.Sequence+1 {
		st.gap(e.Sequence)
	}
	st.markCaughtUp(false)
	if shown {
		st.frame(e, e.Sequence <= st.replayTo())
	}
	st.place.Sequence = e.Sequence
	st.markCaughtUp(false)
	return true
}

// frame puts the frame of an event into the buffer.
func (st *eventStream) frame(e *eventlog.Event, replayed bool) {
	buf := st.sock.buffer()
	*buf = st.format.frame(*buf, &st.from, e)
	if replayed {
		st.made.replayed++
		return
	}
	st.made.live++
	if st.trace.Delivered != nil {
		st.made.commits = append(st.made.commits, e.Committed)
	}
}

// replayTo is the last event of this session that existed when the stream began. Later
// events are live.
func (st *eventStream) replayTo() uint64 {
	if st.place.Session != st.began.Session {
		return 0 // it began before the first session
	}
	return st.began.Sequence
}

// gap tells the client that the events after the cursor and before next no longer exist.
func (st *eventStream) gap(next uint64) {
	st.sock.control("gap", gapData{st.place.Session, st.place.Sequence, next})
	st.place.Sequence = next - 1
}

// share makes a stream that has nothing more to replay use the frames that similar streams
// share.
func (st *eventStream) share() {
	if st.shared == nil && st.types == nil {
		st.shared = st.hub.share(st.place.Session, st.format, st.place.Sequence)
	}
}

// readShared is read from shared frames. ok is false if they have nothing after the cursor.
func (st *eventStream) readShared(ctx context.Context) (p part, ok bool, err error) {
	if st.shared != nil && st.shared.from.session != st.place.Session {
		st.hub.release(st.shared)
		st.shared = nil
	}
	if st.shared == nil {
		return part{}, false, nil
	}
	if p, ok, err = st.shared.after(ctx, st.place.Sequence); !ok || err != nil {
		return part{}, false, err
	}
	events := len(p.commits)
	p.replayed = min(events, int(max(st.replayTo(), st.place.Sequence)-st.place.Sequence))
	p.live, p.commits = events-p.replayed, p.commits[p.replayed:]
	st.place.Sequence += uint64(events)
	return p, true, nil
}
