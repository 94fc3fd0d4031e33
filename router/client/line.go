package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	"jrweb/eventlog"
)

// AppendLine appends an event to dst as a line of [Append].Body. The data stays as
// it is, byte for byte, unless it takes several lines: then it loses the white space
// that means nothing. An event without a time gets that of the server's clock.
func AppendLine(dst []byte, e *eventlog.Event) []byte {
	// Types and actors need no escapes in JSON: others than these are refused.
	dst = fmt.Appendf(dst, `{"type":%q,"actor":%q,`, e.Type, cmp.Or(e.Actor, eventlog.Agent))
	if !e.Time.IsZero() {
		dst = fmt.Appendf(dst, `"time":%q,`, e.Time.UTC().Format(eventlog.TimeFormat))
	}
	data := []byte(e.Data)
	if bytes.IndexByte(data, '\n') >= 0 {
		var line bytes.Buffer
		if json.Compact(&line, data) == nil { // else it is for the server to refuse
			data = line.Bytes()
		}
	}
	dst = append(append(dst, `"data":`...), data...)
	return append(dst, "}\n"...)
}
