package client

import (
	"cmp"
	"fmt"

	"jrweb/eventlog"
)

// AppendLine appends an event to dst as a line of [Append].Body. The data stays as
// it is, byte for byte. An event without a time gets that of the server's clock.
func AppendLine(dst []byte, e *eventlog.Event) []byte {
	// Types and actors need no escapes in JSON: others than these are refused.
	dst = fmt.Appendf(dst, `{"type":%q,"actor":%q,`, e.Type, cmp.Or(e.Actor, eventlog.Agent))
	if !e.Time.IsZero() {
		dst = fmt.Appendf(dst, `"time":%q,`, e.Time.UTC().Format(eventlog.TimeFormat))
	}
	dst = append(append(dst, `"data":`...), e.Data...)
	return append(dst, "}\n"...)
}
