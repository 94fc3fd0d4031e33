package streamer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"jrweb/eventlog"
)

// One operation is one frame of an event of 300 bytes.
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
				buffer = f.frame(buffer[:0], &from, &e)
			}
		})
	}
}
