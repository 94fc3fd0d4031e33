package record

import (
	"bytes"
	"encoding/binary"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

// Payload of an event: time (8 bytes, milliseconds since 1970, two's complement,
// big-endian), length of type (1), number of the change that committed it (8), length of
// actor (1), type, actor, data. A [State] begins alike.
const eventHeader = 18

// EncodeEvent makes the record of an event.
func EncodeEvent(key []byte, e *event.Event) []byte { return encodeEvent(nil, key, e) }

func encodeEvent(in *Scratch, key []byte, e *event.Event) []byte {
	record := in.room(RecordHeader + eventHeader + len(e.Type) + len(e.Actor) + len(e.Data))[:RecordHeader+eventHeader]
	binary.BigEndian.PutUint64(record[RecordHeader:], uint64(e.Time.UnixMilli()))
	record[RecordHeader+8] = byte(len(e.Type))
	binary.BigEndian.PutUint64(record[RecordHeader+9:], e.Change)
	record[RecordHeader+17] = byte(len(e.Actor))
	record = append(record, e.Type...)
	record = append(record, e.Actor...)
	record = append(record, e.Data...)
	return seal(store.Events, key, record)
}

// DecodeEvent returns a copy of the event, because the record's memory is valid only until
// its transaction ends.
func DecodeEvent(key, record []byte) (event.Event, error) {
	var e event.Event
	if err := ViewEvent(&e, key, record); err != nil {
		return event.Event{}, err
	}
	e.Data = bytes.Clone(e.Data)
	return e, nil
}

// ViewEvent decodes a record into e. The data shares the record's memory.
func ViewEvent(e *event.Event, key, record []byte) error {
	var sums KeySums
	return sums.ViewEvent(e, key, record)
}

// KeySums makes the checksums of events that follow each other cheaper: most of their keys
// differ in the last byte only. The zero value is ready.
type KeySums struct {
	session event.SessionID
	high    uint64 // the sequence without its last byte
	sum     uint32 // of the bucket and the key without its last byte; 0: none yet
}

// of is the checksum of the bucket and a key, which that of the payload continues.
func (s *KeySums) of(key []byte) uint32 {
	if len(key) != eventKey {
		return keyChecksum(store.Events, key)
	}
	sequence := EventSequence(key)
	if s.sum == 0 || s.high != sequence>>8 || s.session != event.SessionID(key) {
		s.session, s.high, s.sum = event.SessionID(key), sequence>>8, keyChecksum(store.Events, key[:eventKey-1])
	}
	return ^(castagnoli[byte(^s.sum)^byte(sequence)] ^ ^s.sum>>8)
}

// ViewEvent is the function ViewEvent.
func (s *KeySums) ViewEvent(e *event.Event, key, record []byte) error {
	payload, err := open(store.Events, s.of(key), key, record)
	if err != nil {
		return err
	}
	damage := func(reason string) error {
		return &store.DamageError{Bucket: store.Events, Key: bytes.Clone(key), Reason: reason}
	}
	if IsState(record) {
		return damage("is no event")
	}
	if len(payload) < eventHeader {
		return damage("event is too short")
	}
	typeEnd := eventHeader + int(payload[8])
	actorEnd := typeEnd + int(payload[17])
	if len(payload) < actorEnd {
		return damage("event is too short")
	}
	// Field by field: a composite literal would be made first, and then copied.
	e.Sequence = EventSequence(key)
	e.Time = time.UnixMilli(int64(binary.BigEndian.Uint64(payload))).UTC()
	e.Type = typeName(payload[eventHeader:typeEnd])
	e.Actor = actorName(payload[typeEnd:actorEnd])
	e.Data = payload[actorEnd:]
	e.Change = binary.BigEndian.Uint64(payload[9:])
	e.Committed = time.Time{}
	return nil
}

// eventKey is the length of the key of an event.
const eventKey = len(event.SessionID{}) + 8

// EventKey is the key of an event.
func EventKey(session event.SessionID, sequence uint64) []byte {
	return appendEventKey(make([]byte, 0, eventKey), session, sequence)
}

func appendEventKey(to []byte, session event.SessionID, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(append(to, session[:]...), sequence)
}

// EventSequence returns the sequence in the key of an event.
func EventSequence(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
