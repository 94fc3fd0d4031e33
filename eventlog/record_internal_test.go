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
				wantDamaged(t, err)
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
	f.Add([]byte(`{"status":"open","lease":1,"started":"2026-11-22T10:00:00.123Z","first":1,"head":2,"totals":{"usd":1e-7},"cumulative":{"m":{"usd":1}}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, record := range [][]byte{record, encodeRecord(bucketSessions, key, record)} {
			s, err := decodeSession("t-1", key, record)
			if err != nil {
				wantDamaged(t, err)
				continue
			}
			written := encodeJSON(bucketSessions, key, s)
			again, err := decodeSession("t-1", key, written)
			if err != nil || !bytes.Equal(encodeJSON(bucketSessions, key, again), written) {
				t.Errorf("%+v came back as %+v, %v", s, again, err)
			}
		}
	})
}

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got error %v", err)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	at := requestKey(&taskRecord{id: "t-1", Born: 1}, SessionID{}, "", "k")
	info := &SessionInfo{ID: SessionID{1}, Task: "t-1", Status: Succeeded, Head: 2}
	f.Add(encodeJSON(bucketKeys, at, &keyRecord{Digest: []byte{1}, Session: SessionID{1}, First: 1, Last: 2, Info: info}))
	f.Add(encodeRecord(bucketKeys, at, []byte(`{"session":"x"}`)))
	f.Add(encodeRecord(bucketKeys, at, []byte(`{"info":{"id":""},"time":"2026"}`)))
	f.Add(encodeRecord(bucketKeys, at, nil))
	f.Add([]byte(`{"digest":"AQ==","time":"2026-11-22T10:00:00.123Z","session":"06GQ3T5S1O0G00000000000000","first":1,"last":2,"info":{"id":"","task":"t"}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, record := range [][]byte{record, encodeRecord(bucketKeys, at, record)} {
			var k, again keyRecord
			if err := decodeJSON(bucketKeys, at, record, &k); err != nil {
				wantDamaged(t, err)
				continue
			}
			written := encodeJSON(bucketKeys, at, &k)
			err := decodeJSON(bucketKeys, at, written, &again)
			if err != nil || !bytes.Equal(encodeJSON(bucketKeys, at, &again), written) {
				t.Errorf("%+v came back as %+v, %v", k, again, err)
			}
		}
	})
}

// FuzzSplitKeys takes apart what may or may not be a key of the store. What is
// understood is put together again to the same key.
func FuzzSplitKeys(f *testing.F) {
	task := &taskRecord{id: "t-1", Born: 7}
	f.Add(sessionKey("t-1", SessionID{1}))
	f.Add(requestKey(task, SessionID{}, "", "k"))
	f.Add(requestKey(task, SessionID{1}, "complete", "k"))
	f.Add(requestKey(task, SessionID{}, startScope, "k"))
	f.Add(endedKey(time.UnixMilli(-1), SessionID{1}))
	f.Add(bytes.Repeat([]byte{0}, 24))
	f.Add(externalKey("a", "x", SessionID{1}))
	f.Add(saidKey(SessionID{1}, accountID{2}, memberID{3}))
	f.Add(creditKey(accountID{2}, SessionID{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, key []byte) {
		if task, id, ok := splitSessionKey(key); ok && !bytes.Equal(sessionKey(task, id), key) {
			t.Errorf("%x is taken for the key of session %s of %s", key, id, task)
		}
		if owner, ok := splitRecordKey(key); ok {
			task := &taskRecord{id: owner.task, Born: owner.born}
			prefix := keysOfTask(task)
			if !owner.session.IsZero() {
				prefix = keysOfSession(task, owner.session)
			}
			if !bytes.HasPrefix(key, prefix) {
				t.Errorf("%x is taken for a key of %+v", key, owner)
			}
		}
		if agent, external, id, ok := splitExternalKey(key); ok && !bytes.Equal(externalKey(agent, external, id), key) {
			t.Errorf("%x is taken for external id %q of agent %q, session %s", key, external, agent, id)
		}
		if id, a, m, ok := splitSaidKey(key); ok && !bytes.Equal(saidKey(id, a, m), key) {
			t.Errorf("%x is taken for what %s said", key, id)
		}
		if a, kind, of, ok := splitAccountKey(key); ok {
			again := append(a[:], kind)
			if kind != accountItself {
				again = append(again, of[:]...)
			}
			if !bytes.Equal(again, key) {
				t.Errorf("%x is taken for a record of account %x", key, a)
			}
		}
		if len(key) == 24 {
			if at, id := splitEndedKey(key); !bytes.Equal(endedKey(at, id), key) {
				t.Errorf("%x is taken for the end of %s at %v", key, id, at)
			}
		}
	})
}

func TestATimeOutsideNanosecondsSurvivesItsRecord(t *testing.T) {
	for _, year := range []int{1, 1600, 1969, 2026, 9999} {
		key := eventKey(SessionID{1}, 1)
		at := time.Date(year, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
		e, err := decodeEvent(key, encodeEvent(key, &Event{Time: at, Type: "note"}))
		if err != nil || !e.Time.Equal(at) {
			t.Errorf("%v came back as %v, %v", at, e.Time, err)
		}
	}
}
