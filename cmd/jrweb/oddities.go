package main

import (
	"encoding/json"
	"slices"
	"strings"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// oddities are what of a transcript is not understood.
type oddities struct {
	count   int
	reasons []string // the first few
}

// mostReasons is how many kinds of lines a summary names.
const mostReasons = 3

func (o *oddities) see(e *eventlog.Event) {
	if e.Type != transcript.TypeRaw {
		return
	}
	o.count++
	var why struct{ Reason string }
	if json.Unmarshal(e.Data, &why) == nil && why.Reason != "" && len(o.reasons) <= mostReasons && !slices.Contains(o.reasons, why.Reason) {
		o.reasons = append(o.reasons, why.Reason)
	}
}

// String names them.
func (o *oddities) String() string {
	text := count(int64(o.count), "line") + " not understood and kept as they are"
	if len(o.reasons) == 0 {
		return text
	}
	named := o.reasons[:min(len(o.reasons), mostReasons)]
	text += " (" + strings.Join(named, "; ")
	if len(o.reasons) > mostReasons {
		text += "; and others"
	}
	return visibleLine(text + ")")
}

// mustJSON is for values that are always JSON.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
