package eventlog

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func FuzzDecodeEvent(f *testing.F) {
	key := eventKey(SessionID{1}, 7)
	good := encodeEvent(key, &Event{Sequence: 7, Time: time.UnixMilli(-1), Type: TypeThought, Actor: Human, Data: []byte(`{"content":"x"}`)})
	f.Add(key, good)
	f.Add(key, encodeRecord(bucketEvents, key, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff")))
	f.Add(key, encodeRecord(bucketEvents, key, nil))
	f.Add(key, good[:len(good)-1])
	f.Add(key, []byte{})
	f.Fuzz(func(t *testing.T, key, record []byte) {
		if len(key) != 24 {
			return
		}
		// As it is, the record is nearly always damaged; with a header that fits
		// it, what follows the header must still be read with care.
		for _, record := range [][]byte{record, sealed(key, record)} {
			e, err := decodeEvent(key, record)
			if err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("got error %v", err)
				}
				continue
			}
			if again := encodeEvent(key, &e); !bytes.Equal(again, record) {
				t.Errorf("%x reads as %+v, which is written as %x", record, e, again)
			}
		}
	})
}

// sealed returns the record with the header that it ought to have.
func sealed(key, record []byte) []byte {
	if len(record) < recordHeader {
		return record
	}
	return sealRecord(bucketEvents, key, bytes.Clone(record))
}

func FuzzDecodeSession(f *testing.F) {
	key := sessionKey("t-1", SessionID{1})
	f.Add(encodeJSON(bucketSessions, key, &sessionRecord{Status: StatusOpen, First: 1}))
	f.Add(encodeRecord(bucketSessions, key, []byte(`{"head":-1}`)))
	f.Add(encodeRecord(bucketSessions, key, []byte(`{"started":"2026"}`)))
	f.Add(encodeRecord(bucketSessions, key, nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		if _, err := decodeSession("t-1", key, record); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestATimeOutsideNanosecondsSurvivesItsRecord(t *testing.T) {
	for _, year := range []int{1, 1600, 1969, 2026, 9999} {
		key := eventKey(SessionID{1}, 1)
		at := time.Date(year, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
		e, err := decodeEvent(key, encodeEvent(key, &Event{Time: at}))
		if err != nil || !e.Time.Equal(at) {
			t.Errorf("%v came back as %v, %v", at, e.Time, err)
		}
	}
}
