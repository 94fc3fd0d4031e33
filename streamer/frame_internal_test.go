package streamer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"jrweb/eventlog"
)

// One operation is one frame of an event of 300 bytes, and events follow each other.
func BenchmarkFrame(b *testing.B) {
	e := eventlog.Event{
		Sequence: 12345, Time: time.Unix(1_800_000_000, 0), Type: eventlog.TypeAssistant, Actor: eventlog.Agent,
		Data: fmt.Appendf(nil, `{"content":"%s"}`, bytes.Repeat([]byte("x"), 286)),
	}
	from := newOrigin("t-1", eventlog.SessionID{1})
	for _, f := range []struct {
		format string
		frame  frameFunc
	}{{"json", jsonFrame}, {"envelope", envelopeFrame}} {
		b.Run("format="+f.format, func(b *testing.B) {
			b.ReportAllocs()
			buffer := f.frame(nil, &from, &e)
			b.SetBytes(int64(len(buffer)))
			for b.Loop() {
				e.Sequence++
				buffer = f.frame(buffer[:0], &from, &e)
			}
		})
	}
}

func TestFramesHaveTheIDsOfTheirEvents(t *testing.T) {
	from := newOrigin("t-1", eventlog.SessionID{1})
	for _, sequence := range []uint64{1, 2, 8, 9, 10, 11, 99, 100, 98, 99, 1<<64 - 1, 1, 1, 999_999, 1_000_000} {
		got := string(from.appendID(nil, &eventlog.Event{Sequence: sequence}))
		if want := fmt.Sprintf("id: %s\n", eventlog.Cursor{Session: eventlog.SessionID{1}, Sequence: sequence}); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
