package record

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"jrweb/eventlog/event"
)

// NextSessionID returns an id for a session that starts now: milliseconds since 1970 in 6
// bytes, then 10 random bytes. If that is not greater than last (many starts in one
// millisecond, or a clock that stepped back), it returns last + 1.
func NextSessionID(now time.Time, last event.SessionID) event.SessionID {
	var id event.SessionID
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(max(now.UnixMilli(), 0)))
	copy(id[:6], stamp[2:])
	rand.Read(id[6:]) // never fails: crypto/rand ends the program instead
	if string(id[:]) > string(last[:]) {
		return id
	}
	id = last
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			break
		}
	}
	return id
}
