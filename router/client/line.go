package client

import (
	"bytes"
	"cmp"
	"encoding/json"

	"jrweb/eventlog"
)

// AppendLine appends an event to dst as a line of [Append].Body. The data stays as it is,
// byte for byte, unless it has several lines: then it loses the white space between its
// tokens. An event without a time gets that of the server's clock.
//
// Data that is not JSON is sent as a string, which the server refuses. If it were copied
// into a line as it is, it could end the line and begin another event.
func AppendLine(dst []byte, e *eventlog.Event) []byte {
	dst = append(dst, `{"type":`...)
	dst = append(dst, quote(e.Type)...)
	dst = append(dst, `,"actor":`...)
	dst = append(dst, quote(string(cmp.Or(e.Actor, eventlog.Agent)))...)
	if !e.Time.IsZero() {
		dst = append(dst, `,"time":"`...)
		dst = append(e.Time.UTC().AppendFormat(dst, eventlog.TimeFormat), '"')
	}
	data := []byte(e.Data)
	switch {
	case !json.Valid(data):
		data = quote(string(data))
	case bytes.ContainsAny(data, "\n\r"):
		var line bytes.Buffer
		if err := json.Compact(&line, data); err != nil {
			panic("client: valid JSON cannot be compacted: " + err.Error())
		}
		data = line.Bytes()
	}
	dst = append(append(dst, `,"data":`...), data...)
	return append(dst, "}\n"...)
}

// quote returns a text as a JSON string.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("client: a string cannot be encoded: " + err.Error())
	}
	return quoted
}
