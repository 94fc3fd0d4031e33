package streamer

import (
	"bytes"
	"context"
	"math"

	"jrweb/eventlog"
)

// read puts frames of what comes after the cursor into the buffer, a page of them,
// and moves the cursor. What it returns tells how the session stands.
func (st *eventStream) read(ctx context.Context) (eventlog.Page, error) {
	if page, ok, err := st.readShared(ctx); ok || err != nil {
		return page, err
	}
	if st.from.session != st.cursor.Session || st.from.id == "" {
		st.from = newOrigin(st.task, st.cursor.Session)
	}
	if st.format.slow { // it would hold up the store
		events, page, err := copyEvents(ctx, st.hub.watch, st.cursor.Session, st.cursor.Sequence)
		for i := range events {
			if !st.take(&events[i]) {
				break
			}
		}
		st.skip(&page)
		return page, err
	}
	buffered := st.sock.buffered()
	page, err := st.hub.watch.Scan(ctx, st.cursor.Session, st.cursor.Sequence, st.take)
	if err != nil {
		st.sock.cut(buffered)
		st.unsent = batch{}
		return page, err
	}
	st.skip(&page)
	return page, nil
}

// slowBytes is about how much data a slow format makes frames of in one go: it
// makes more of it.
const slowBytes = writeSize / 4

// copyEvents returns the next events of a session, as a slow format wants them.
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

// frameOverhead is more than a frame has beside the data of its event.
const frameOverhead = 512

// fits reports whether the frame of an event may follow text on a page of so many
// bytes. One that is larger than a page may follow anything that is not.
func fits(text []byte, e *eventlog.Event, page int) bool {
	size := len(e.Data) + frameOverhead
	return len(text)+size <= page || size > page && len(text) < page
}

// take puts an event's frame into the buffer and moves the cursor, if it fits.
func (st *eventStream) take(e *eventlog.Event) bool {
	shown := st.types.Show(e)
	if shown && st.sock.buf != nil && !fits(*st.sock.buf, e, st.sock.page) {
		return false
	}
	if e.Sequence > st.cursor.Sequence+1 {
		st.gap(e.Sequence)
	}
	st.markCaughtUp(false)
	if shown {
		buf := st.sock.buffer()
		*buf = st.format.frame(*buf, &st.from, e)
		if e.Sequence <= st.replayTo() {
			st.unsent.replayed++
		} else {
			st.unsent.live++
			if st.trace.Delivered != nil {
				st.unsent.commits = append(st.unsent.commits, e.Committed)
			}
		}
	}
	st.cursor.Sequence = e.Sequence
	st.markCaughtUp(false)
	return true
}

// replayTo is the last event of this session that was there when the stream began.
// What comes after it is live.
func (st *eventStream) replayTo() uint64 {
	switch c := bytes.Compare(st.cursor.Session[:], st.began.Session[:]); {
	case c < 0:
		return math.MaxUint64
	case c > 0:
		return 0
	}
	return st.began.Sequence
}

// skip tells of events that were trimmed when none follows them.
func (st *eventStream) skip(page *eventlog.Page) {
	if page.Gap(st.cursor.Sequence) {
		st.gap(page.First)
	}
}

// gap tells that what comes after the cursor and before next is not there any more.
func (st *eventStream) gap(next uint64) {
	st.sock.control("gap", gapData{st.cursor.Session, st.cursor.Sequence, next})
	st.cursor.Sequence = next - 1
}

// share makes the stream, which has nothing more to replay, use the frames that
// others of its kind use.
func (st *eventStream) share() {
	if st.shared == nil && st.types == nil {
		st.shared = st.hub.share(st.cursor.Session, st.format, st.cursor.Sequence)
	}
}

// readShared is read from frames that were made already. ok is false if there are
// none after the cursor.
func (st *eventStream) readShared(ctx context.Context) (page eventlog.Page, ok bool, err error) {
	if st.shared != nil && st.shared.from.session != st.cursor.Session {
		st.hub.release(st.shared)
		st.shared = nil
	}
	if st.shared == nil {
		return page, false, nil
	}
	part, ok, err := st.shared.after(ctx, st.cursor.Sequence)
	if !ok || err != nil || len(part.text) == 0 {
		return part.page, ok, err
	}
	if st.flush() != nil { // what is buffered goes first
		return part.page, true, nil // the next flush tells the error, too
	}
	if st.may.revoked() {
		return part.page, true, nil // as the caller sees
	}
	st.sock.send(part.text)
	events := uint64(len(part.commits))
	replayed := min(events, max(st.replayTo(), st.cursor.Sequence)-st.cursor.Sequence)
	st.unsent = batch{replayed: int(replayed), live: int(events - replayed), commits: part.commits[replayed:]}
	st.cursor.Sequence += events
	return part.page, true, nil
}
