package record

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/store"
)

func FuzzDecodeEvent(f *testing.F) {
	key := EventKey(event.SessionID{1}, 7)
	good := EncodeEvent(key, &event.Event{Sequence: 7, Time: time.UnixMilli(-1), Type: event.TypeThought, Actor: event.Human, Data: []byte(`{"content":"x"}`)})
	f.Add(key, good)
	f.Add(key, Encode(store.Events, key, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff")))
	f.Add(key, Encode(store.Events, key, nil))
	f.Add(key, good[:len(good)-1])
	f.Add(key, []byte{})
	f.Fuzz(func(t *testing.T, key, record []byte) {
		if len(key) != 24 {
			return
		}
		// The record as it is nearly always counts as damaged. With a matching header, the
		// rest must still be decoded safely.
		for _, record := range [][]byte{record, sealed(key, record)} {
			e, err := DecodeEvent(key, record)
			if err != nil {
				wantDamaged(t, err)
				continue
			}
			if again := EncodeEvent(key, &e); !bytes.Equal(again, record) {
				t.Errorf("%x reads as %+v, which is written as %x", record, e, again)
			}
		}
	})
}

// sealed returns the record with a correct header.
func sealed(key, record []byte) []byte {
	if len(record) < RecordHeader {
		return record
	}
	return seal(store.Events, key, bytes.Clone(record))
}

func FuzzDecodeSession(f *testing.F) {
	key := SessionKey("t-1", event.SessionID{1})
	f.Add(EncodeJSON(store.Sessions, key, &Session{Status: event.StatusOpen, First: 1}))
	f.Add(Encode(store.Sessions, key, []byte(`{"head":-1}`)))
	f.Add(Encode(store.Sessions, key, []byte(`{"started":"2026"}`)))
	f.Add(Encode(store.Sessions, key, nil))
	f.Add([]byte(`{"status":"open","lease":1,"started":"2026-11-22T10:00:00.123Z","first":1,"head":2,"totals":{"usd":1e-7},"cumulative":{"m":{"usd":1}}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, record := range [][]byte{record, Encode(store.Sessions, key, record)} {
			s, err := DecodeSession("t-1", key, record)
			if err != nil {
				wantDamaged(t, err)
				continue
			}
			written := EncodeJSON(store.Sessions, key, s)
			again, err := DecodeSession("t-1", key, written)
			if err != nil || !bytes.Equal(EncodeJSON(store.Sessions, key, again), written) {
				t.Errorf("%+v came back as %+v, %v", s, again, err)
			}
		}
	})
}

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got error %v", err)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	at := RequestKey(&Task{ID: "t-1", Born: 1}, event.SessionID{}, "", "k")
	info := &event.SessionInfo{ID: event.SessionID{1}, Task: "t-1", Status: event.Succeeded, Head: 2}
	f.Add(EncodeJSON(store.Keys, at, &Request{Digest: []byte{1}, Session: event.SessionID{1}, First: 1, Last: 2, Info: info}))
	f.Add(Encode(store.Keys, at, []byte(`{"session":"x"}`)))
	f.Add(Encode(store.Keys, at, []byte(`{"info":{"id":""},"time":"2026"}`)))
	f.Add(Encode(store.Keys, at, nil))
	f.Add([]byte(`{"digest":"AQ==","time":"2026-11-22T10:00:00.123Z","session":"06GQ3T5S1O0G00000000000000","first":1,"last":2,"info":{"id":"","task":"t"}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, record := range [][]byte{record, Encode(store.Keys, at, record)} {
			var k, again Request
			if err := DecodeJSON(store.Keys, at, record, &k); err != nil {
				wantDamaged(t, err)
				continue
			}
			written := EncodeJSON(store.Keys, at, &k)
			err := DecodeJSON(store.Keys, at, written, &again)
			if err != nil || !bytes.Equal(EncodeJSON(store.Keys, at, &again), written) {
				t.Errorf("%+v came back as %+v, %v", k, again, err)
			}
		}
	})
}

// FuzzSplitKeys splits bytes that may or may not be a key of the store. What can be split
// is joined to the same key again.
func FuzzSplitKeys(f *testing.F) {
	task := &Task{ID: "t-1", Born: 7}
	f.Add(SessionKey("t-1", event.SessionID{1}))
	f.Add(RequestKey(task, event.SessionID{}, "", "k"))
	f.Add(RequestKey(task, event.SessionID{1}, "complete", "k"))
	f.Add(RequestKey(task, event.SessionID{}, StartScope, "k"))
	f.Add(EndedKey(time.UnixMilli(-1), event.SessionID{1}))
	f.Add(bytes.Repeat([]byte{0}, 24))
	f.Add(ExternalKey("a", "x", event.SessionID{1}))
	f.Add(SaidKey(event.SessionID{1}, AccountID{2}, MemberID{3}))
	f.Add(CreditKey(AccountID{2}, event.SessionID{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, key []byte) {
		if task, id, ok := SplitSessionKey(key); ok && !bytes.Equal(SessionKey(task, id), key) {
			t.Errorf("%x is taken for the key of session %s of %s", key, id, task)
		}
		if owner, ok := SplitRequestKey(key); ok {
			task := &Task{ID: owner.Task, Born: owner.Born}
			prefix := keysOfTask(task)
			if !owner.Session.IsZero() {
				prefix = keysOfSession(task, owner.Session)
			}
			if !bytes.HasPrefix(key, prefix) {
				t.Errorf("%x is taken for a key of %+v", key, owner)
			}
		}
		if agent, external, id, ok := SplitExternalKey(key); ok && !bytes.Equal(ExternalKey(agent, external, id), key) {
			t.Errorf("%x is taken for external id %q of agent %q, session %s", key, external, agent, id)
		}
		if id, a, m, ok := SplitSaidKey(key); ok && !bytes.Equal(SaidKey(id, a, m), key) {
			t.Errorf("%x is taken for what %s said", key, id)
		}
		if a, kind, of, ok := SplitAccountKey(key); ok {
			again := append(a[:], kind)
			if kind != AccountItself {
				again = append(again, of[:]...)
			}
			if !bytes.Equal(again, key) {
				t.Errorf("%x is taken for a record of account %x", key, a)
			}
		}
		if len(key) == 24 {
			if at, id := SplitEndedKey(key); !bytes.Equal(EndedKey(at, id), key) {
				t.Errorf("%x is taken for the end of %s at %v", key, id, at)
			}
		}
	})
}

func TestATimeOutsideNanosecondsSurvivesItsRecord(t *testing.T) {
	for _, year := range []int{1, 1600, 1969, 2026, 9999} {
		key := EventKey(event.SessionID{1}, 1)
		at := time.Date(year, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
		e, err := DecodeEvent(key, EncodeEvent(key, &event.Event{Time: at, Type: "note"}))
		if err != nil || !e.Time.Equal(at) {
			t.Errorf("%v came back as %v, %v", at, e.Time, err)
		}
	}
}

// However keys follow each other, the checksum of each is that of the key alone.
func TestKeySumsAreThoseOfEachKey(t *testing.T) {
	var sums KeySums
	keys := [][]byte{{}, []byte("x"), bytes.Repeat([]byte("x"), eventKey+1), make([]byte, eventKey)}
	for _, session := range []event.SessionID{{}, {1}, {2}, {1}} {
		for _, sequence := range []uint64{0, 1, 2, 255, 256, 257, 1 << 40, 1<<40 + 1, 1<<64 - 1, 3} {
			keys = append(keys, EventKey(session, sequence))
		}
	}
	for _, key := range keys {
		if got, want := sums.of(key), keyChecksum(store.Events, key); got != want {
			t.Errorf("key %x: checksum %08x, not %08x", key, got, want)
		}
	}
}
