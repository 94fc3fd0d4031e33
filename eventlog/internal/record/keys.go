package record

import (
	"bytes"
	"encoding/binary"
	"time"

	"jrweb/eventlog/event"
)

// SessionKey is the key of a session, and of its entry among the open ones.
func SessionKey(task string, session event.SessionID) []byte {
	return append(TaskPrefix(task), session[:]...)
}

// TaskPrefix is the prefix of the keys of a task's sessions. No task id contains a zero
// byte, so no task's prefix is the prefix of another's.
func TaskPrefix(task string) []byte {
	return append(append(make([]byte, 0, len(task)+1+len(event.SessionID{})), task...), 0)
}

// PrefixEnd returns the first key after all keys that start with prefix, or nil if there is
// none.
func PrefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// EndedKey orders sessions by the millisecond of their end. It also works for times before
// 1970.
func EndedKey(ended time.Time, session event.SessionID) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(ended.UnixMilli())^(1<<63))
	return append(key, session[:]...)
}

// SplitEndedKey is the inverse of EndedKey.
func SplitEndedKey(key []byte) (ended time.Time, session event.SessionID) {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(key) ^ (1 << 63))), event.SessionID(key[8:])
}

// ChangeKey is the key of the entry of a change in [store.Activity].
func ChangeKey(change uint64) []byte { return binary.BigEndian.AppendUint64(nil, change) }

// CompareIDs orders ids by the time when they were issued.
func CompareIDs(a, b event.SessionID) int { return bytes.Compare(a[:], b[:]) }

// ParseNumber reads 8 bytes, big-endian. Anything else is 0.
func ParseNumber(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// SplitSessionKey is the inverse of SessionKey.
func SplitSessionKey(key []byte) (task string, id event.SessionID, ok bool) {
	cut := len(key) - len(id) - 1
	if cut < 1 || key[cut] != 0 || !event.ValidTaskID(string(key[:cut])) {
		return "", id, false
	}
	copy(id[:], key[cut+1:])
	return string(key[:cut]), id, true
}
