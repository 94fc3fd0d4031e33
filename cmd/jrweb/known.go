package main

import (
	"encoding/binary"
	"encoding/json"

	"jrweb/eventlog"
)

// known counts events by what they say, so that each is recorded once, in whatever
// order the files of a run are read again.
type known map[digest]int

// take reports whether the event is known once more, which it is not any more then.
func (k known) take(event digest) bool {
	if k[event] == 0 {
		return false
	}
	k[event]--
	return true
}

// left is how many were not taken.
func (k known) left() (n int) {
	for _, times := range k {
		n += times
	}
	return n
}

// note writes them down, for parseKnown.
func (k known) note() []byte {
	var note []byte
	for event, times := range k {
		for range times {
			note = binary.BigEndian.AppendUint64(note, uint64(event))
		}
	}
	return note
}

func parseKnown(note []byte) known {
	k := known{}
	for ; len(note) >= 8; note = note[8:] {
		k[digest(binary.BigEndian.Uint64(note))]++
	}
	return k
}

// parseLine is the inverse of [client.AppendLine], except for the time.
func parseLine(line []byte) (eventlog.Event, error) {
	var e struct {
		Type  string
		Actor eventlog.Actor
		Data  json.RawMessage
	}
	err := json.Unmarshal(line, &e)
	return eventlog.Event{Type: e.Type, Actor: e.Actor, Data: e.Data}, err
}
