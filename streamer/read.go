package streamer

import (
	"bytes"
	"context"

	"jrweb/eventlog"
)

// read puts a page of frames after the cursor into the buffer, and moves the cursor. The
// returned page has the state of the session.
func (st *eventStream) read(ctx context.Context) (eventlog.Page, error) {
	if page, ok, err := st.readShared(ctx); ok || err != nil {
		return page, err
	}
	if st.from.session != st.place.Session || st.from.id == "" {
		st.from = newOrigin(st.task, st.place.Session)
	}
	if st.format.slow { // it would delay the store
		events, page, err := copyEvents(ctx, st.hub.watch, st.place.Session, st.place.Sequence)
		for i := range events {
			if !st.take(&events[i]) {
				break
			}
		}
		st.skip(&page)
		return page, err
	}
	buffered := st.sock.buffered()
	page, err := st.hub.watch.Scan(ctx, st.place.Session, st.place.Sequence, st.take)
	if err != nil {
		st.sock.cut(buffered)
		st.unsent = batch{}
		return page, err
	}
	st.skip(&page)
	return page, nil
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

// take puts an event's frame into the buffer and moves the cursor, if the frame fits.
func (st *eventStream) take(e *eventlog.Event) bool {
	shown := st.types.Show(e)
	if shown && st.sock.buf != nil && !fits(*st.sock.buf, e, st.sock.page) {
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
		st.unsent.replayed++
		return
	}
	st.unsent.live++
	if st.trace.Delivered != nil {
		st.unsent.commits = append(st.unsent.commits, e.Committed)
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

// skip sends a gap if events were trimmed and none follows them.
func (st *eventStream) skip(page *eventlog.Page) {
	if page.Gap(st.place.Sequence) {
		st.gap(page.First)
	}
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
func (st *eventStream) readShared(ctx context.Context) (page eventlog.Page, ok bool, err error) {
	if st.shared != nil && st.shared.from.session != st.place.Session {
		st.hub.release(st.shared)
		st.shared = nil
	}
	if st.shared == nil {
		return page, false, nil
	}
	part, ok, err := st.shared.after(ctx, st.place.Sequence)
	if !ok || err != nil || len(part.text) == 0 {
		return part.page, ok, err
	}
	if st.flush() != nil { // buffered frames must be sent first
		return part.page, true, nil // the next flush returns the error, too
	}
	if st.may.revoked() {
		return part.page, true, nil // the caller sees it from the page
	}
	st.sock.send(part.text)
	events := uint64(len(part.commits))
	replayed := min(events, max(st.replayTo(), st.place.Sequence)-st.place.Sequence)
	st.unsent = batch{replayed: int(replayed), live: int(events - replayed), commits: part.commits[replayed:]}
	st.place.Sequence += events
	return part.page, true, nil
}
