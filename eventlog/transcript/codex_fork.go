package transcript

import (
	"encoding/hex"
	"strings"
	"time"
)

// codexFork finds out where the lines end that a fork has from its parent. Older
// versions write all of the parent's lines into the fork's file when it begins, in one
// go. Newer ones only point to them, and may repeat the parent's last total.
type codexFork struct {
	repeating bool
	copied    bool // whether the lines themselves may be the parent's
	born      time.Time
	edge      time.Time // of the last line that was the parent's
}

// atOnce is how far apart the lines are at most that are written in one go. A model
// that answers takes longer.
const atOnce = 200 * time.Millisecond

func newCodexFork(meta object, at time.Time) codexFork {
	f := codexFork{repeating: true, copied: !meta.has("history_base") && !meta.has("forked_from_ordinal_exclusive")}
	f.born = meta.time("timestamp")
	if f.born.IsZero() {
		f.born = at
	}
	f.edge = f.born
	if at.After(f.edge) {
		f.edge = at
	}
	return f
}

// line takes a line and reports whether it is the parent's.
func (f *codexFork) line(kind string, p object, at time.Time) bool {
	if !f.repeating {
		return false
	}
	if !f.copied {
		f.repeating = kind == "event_msg" && !isTurnStart(p) || kind == "session_meta" || kind == "world_state"
		return f.repeating
	}
	if own, known := f.begins(kind, p); known {
		f.repeating = !own
	} else if at.Sub(f.edge) > atOnce {
		f.repeating = false
	}
	if f.repeating && at.After(f.edge) {
		f.edge = at
	}
	return f.repeating
}

// begins reports whether a line that begins a turn begins one of the fork itself, if
// the line tells.
func (f *codexFork) begins(kind string, p object) (own, known bool) {
	if kind != "event_msg" || !isTurnStart(p) {
		return false, false
	}
	if at := uuidTime(p.text("turn_id")); !at.IsZero() && !f.born.IsZero() {
		return !at.Before(f.born.Truncate(time.Millisecond)), true
	}
	if at, ok := p.number("started_at"); ok && !f.born.IsZero() && int64(at) != f.born.Unix() {
		return int64(at) > f.born.Unix(), true
	}
	return false, false
}

func isTurnStart(p object) bool {
	kind := p.text("type")
	return kind == "task_started" || kind == "turn_started"
}

// uuidTime returns when a UUID of version 7 was made, the zero time for other ids.
func uuidTime(id string) time.Time {
	if len(id) != 36 || id[14] != '7' {
		return time.Time{}
	}
	b, err := hex.DecodeString(strings.ReplaceAll(id[:13], "-", ""))
	if err != nil || len(b) != 6 {
		return time.Time{}
	}
	var ms int64
	for _, one := range b {
		ms = ms<<8 | int64(one)
	}
	return millis(float64(ms))
}
