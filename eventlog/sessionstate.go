package eventlog

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// sessionState is what every append to a session changes. While the session is
// open, it stands in a record of its own directly behind the session's last event:
// on the page that the event makes dirty anyway, and in few bytes. There it is
// found if and only if the session is open. The end of the session moves it into
// the session's record.
type sessionState struct {
	Head       uint64                `json:"head,omitempty"`
	Totals     totals                `json:"totals,omitzero"`
	Cumulative map[string]costValues `json:"cumulative,omitempty"`

	// Of an open session: when the task changed by it last, and the number of
	// that change. See activity.go.
	change  uint64
	updated Time
}

// stateSequence stands for the state where events have their sequence. No event
// comes so far.
const stateSequence = math.MaxUint64

func stateKey(session SessionID) []byte { return eventKey(session, stateSequence) }

// isState reports whether a key of bucketEvents is that of a state.
func isState(key []byte) bool {
	return len(key) == len(SessionID{})+8 && eventSequence(key) == stateSequence
}

// Payload of a state: head, USD (IEEE 754), input tokens, output tokens, time and
// number of the change (8 bytes each), length of the task's id (1), the id. Then
// for each model, in order, its last cumulative cost: length of the model's name
// (2), the name, USD, input, output, cache read, cache write tokens (8 each).
const (
	stateHeader = 49
	stateCost   = 42 // of a model without its name
)

func encodeState(key []byte, task string, s *sessionState) []byte {
	size := recordHeader + stateHeader + len(task)
	for model := range s.Cumulative {
		size += stateCost + len(model)
	}
	order := binary.BigEndian
	record := make([]byte, recordHeader, size)
	record = order.AppendUint64(record, s.Head)
	record = order.AppendUint64(record, math.Float64bits(s.Totals.USD))
	record = order.AppendUint64(record, s.Totals.InputTokens)
	record = order.AppendUint64(record, s.Totals.OutputTokens)
	record = order.AppendUint64(record, uint64(s.updated.UnixMilli()))
	record = order.AppendUint64(record, s.change)
	record = append(append(record, byte(len(task))), task...)
	if len(s.Cumulative) > 0 {
		for _, model := range slices.Sorted(maps.Keys(s.Cumulative)) {
			c := s.Cumulative[model]
			record = append(order.AppendUint16(record, uint16(len(model))), model...)
			record = order.AppendUint64(record, math.Float64bits(c.USD))
			for _, n := range [...]uint64{c.InputTokens, c.OutputTokens, c.CacheReadTokens, c.CacheWriteTokens} {
				record = order.AppendUint64(record, n)
			}
		}
	}
	return sealRecord(bucketEvents, key, record)
}

// decodeState returns a state and the id of its task, which shares record's memory.
func decodeState(key, record []byte) (s sessionState, task []byte, err error) {
	payload, err := decodeRecord(bucketEvents, key, record)
	if err != nil {
		return sessionState{}, nil, err
	}
	short := func() error {
		return &DamageError{Bucket: bucketEvents, Key: append([]byte(nil), key...), Reason: "state is too short"}
	}
	if len(payload) < stateHeader || len(payload) < stateHeader+int(payload[stateHeader-1]) {
		return sessionState{}, nil, short()
	}
	order := binary.BigEndian
	s = sessionState{
		Head: order.Uint64(payload),
		Totals: totals{
			Events:       order.Uint64(payload), // each one counts
			USD:          math.Float64frombits(order.Uint64(payload[8:])),
			InputTokens:  order.Uint64(payload[16:]),
			OutputTokens: order.Uint64(payload[24:]),
		},
		updated: Time{time.UnixMilli(int64(order.Uint64(payload[32:]))).UTC()},
		change:  order.Uint64(payload[40:]),
	}
	end := stateHeader + int(payload[stateHeader-1])
	task = payload[stateHeader:end]
	for rest := payload[end:]; len(rest) > 0; {
		if len(rest) < stateCost || len(rest) < stateCost+int(order.Uint16(rest)) {
			return sessionState{}, nil, short()
		}
		name := rest[2:][:order.Uint16(rest)]
		rest = rest[2+len(name):]
		if s.Cumulative == nil {
			s.Cumulative = map[string]costValues{}
		}
		s.Cumulative[string(name)] = costValues{
			USD:         math.Float64frombits(order.Uint64(rest)),
			InputTokens: order.Uint64(rest[8:]), OutputTokens: order.Uint64(rest[16:]),
			CacheReadTokens: order.Uint64(rest[24:]), CacheWriteTokens: order.Uint64(rest[32:]),
		}
		rest = rest[stateCost-2:]
	}
	return s, task, nil
}

// readSessionState reads the state of a session that is open.
func readSessionState(r Reader, task string, id SessionID) (sessionState, error) {
	key := stateKey(id)
	damage := func(reason string) error { return &DamageError{Bucket: bucketEvents, Key: key, Reason: reason} }
	raw := r.Get(bucketEvents, key)
	if raw == nil {
		return sessionState{}, damage("an open session has no state")
	}
	s, of, err := decodeState(key, raw)
	if err == nil && string(of) != task {
		err = damage(fmt.Sprintf("the state is of task %q", of))
	}
	return s, err
}
