package eventlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"
)

// Every value in the store is a record: one byte of version, four of CRC-32C
// (big-endian) over bucket, key and payload, then the payload. bbolt has no
// checksums of its own on data: a bit that flips on the disk must never be
// served as an event.
const (
	recordVersion = 1
	recordHeader  = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bucketChecksums are those of the buckets' names, with which every checksum
// begins; eventsChecksum is one of them, for what is read most.
var (
	bucketChecksums = func() map[Bucket]uint32 {
		sums := map[Bucket]uint32{}
		for _, b := range Buckets() {
			sums[b] = crc32.Checksum([]byte(b), castagnoli)
		}
		return sums
	}()
	eventsChecksum = bucketChecksums[bucketEvents]
)

func checksum(b Bucket, key, payload []byte) uint32 {
	crc := eventsChecksum
	if b != bucketEvents {
		crc = bucketChecksums[b]
	}
	crc = crc32.Update(crc, castagnoli, key)
	return crc32.Update(crc, castagnoli, payload)
}

// sealRecord fills in the header of a record whose payload stands behind the
// first recordHeader bytes.
func sealRecord(b Bucket, key, record []byte) []byte {
	record[0] = recordVersion
	binary.BigEndian.PutUint32(record[1:], checksum(b, key, record[recordHeader:]))
	return record
}

func encodeRecord(b Bucket, key, payload []byte) []byte {
	record := append(make([]byte, recordHeader, recordHeader+len(payload)), payload...)
	return sealRecord(b, key, record)
}

// decodeRecord returns the payload, which shares record's memory.
func decodeRecord(b Bucket, key, record []byte) ([]byte, error) {
	damage := func(reason string) error {
		return &DamageError{Bucket: b, Key: append([]byte(nil), key...), Reason: reason}
	}
	switch {
	case len(record) < recordHeader:
		return nil, damage("record is too short")
	case record[0] != recordVersion:
		return nil, damage(fmt.Sprintf("record has version %d", record[0]))
	case binary.BigEndian.Uint32(record[1:]) != checksum(b, key, record[recordHeader:]):
		return nil, damage("checksum does not match")
	}
	return record[recordHeader:], nil
}

func encodeJSON(b Bucket, key []byte, v any) []byte {
	payload, err := json.Marshal(v)
	if err != nil {
		panic("eventlog: record cannot be encoded: " + err.Error()) // our own types: a programming error
	}
	return encodeRecord(b, key, payload)
}

func decodeJSON(b Bucket, key, record []byte, v any) error {
	payload, err := decodeRecord(b, key, record)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return &DamageError{Bucket: b, Key: append([]byte(nil), key...), Reason: err.Error()}
	}
	return nil
}

// Payload of an event: time (8 bytes, milliseconds since 1970, two's
// complement, big-endian), length of type (1), length of actor (1), type,
// actor, data.
const eventHeader = 10

func encodeEvent(key []byte, e *Event) []byte {
	record := make([]byte, recordHeader+eventHeader, recordHeader+eventHeader+len(e.Type)+len(e.Actor)+len(e.Data))
	binary.BigEndian.PutUint64(record[recordHeader:], uint64(e.Time.UnixMilli()))
	record[recordHeader+8] = byte(len(e.Type))
	record[recordHeader+9] = byte(len(e.Actor))
	record = append(record, e.Type...)
	record = append(record, e.Actor...)
	record = append(record, e.Data...)
	return sealRecord(bucketEvents, key, record)
}

// decodeEvent copies what it returns: the record's memory ends with its transaction.
func decodeEvent(key, record []byte) (Event, error) {
	var e Event
	if err := viewEvent(&e, key, record); err != nil {
		return Event{}, err
	}
	e.Data = bytes.Clone(e.Data)
	return e, nil
}

// viewEvent makes e the event of a record. Its data shares the record's memory.
func viewEvent(e *Event, key, record []byte) error {
	payload, err := decodeRecord(bucketEvents, key, record)
	if err != nil {
		return err
	}
	damage := func(reason string) error {
		return &DamageError{Bucket: bucketEvents, Key: bytes.Clone(key), Reason: reason}
	}
	if isState(record) {
		return damage("is no event")
	}
	if len(payload) < eventHeader {
		return damage("event is too short")
	}
	typeEnd := eventHeader + int(payload[8])
	actorEnd := typeEnd + int(payload[9])
	if len(payload) < actorEnd {
		return damage("event is too short")
	}
	*e = Event{
		Sequence: eventSequence(key),
		Time:     time.UnixMilli(int64(binary.BigEndian.Uint64(payload))).UTC(),
		Type:     typeName(payload[eventHeader:typeEnd]),
		Actor:    actorName(payload[typeEnd:actorEnd]),
		Data:     payload[actorEnd:],
	}
	return nil
}

func eventKey(session SessionID, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 24), session[:]...), sequence)
}

func eventSequence(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

func sessionKey(task string, session SessionID) []byte {
	return append(taskPrefix(task), session[:]...)
}

// taskPrefix is what the keys of a task's sessions start with. No task id
// contains a zero byte, so no task's prefix is the start of another's.
func taskPrefix(task string) []byte {
	return append(append(make([]byte, 0, len(task)+1+len(SessionID{})), task...), 0)
}

// prefixEnd returns the first key behind all keys that start with prefix, nil
// if there is none.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// endedKey orders sessions by the millisecond of their end, also those of a
// clock that stood before 1970.
func endedKey(ended time.Time, session SessionID) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 24), uint64(ended.UnixMilli())^(1<<63))
	return append(key, session[:]...)
}

// splitEndedKey is the inverse of endedKey.
func splitEndedKey(key []byte) (ended time.Time, session SessionID) {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(key) ^ (1 << 63))), SessionID(key[8:])
}

func changeKey(change uint64) []byte { return binary.BigEndian.AppendUint64(nil, change) }

// taskRecord is a task on disk.
type taskRecord struct {
	Title       string         `json:"title,omitempty"`       // a person's
	AgentTitle  string         `json:"agent_title,omitempty"` // its agent's
	Prompt      string         `json:"prompt,omitempty"`      // a person's first words
	Type        string         `json:"type,omitempty"`
	Parent      string         `json:"parent,omitempty"`
	Description string         `json:"description,omitempty"`
	Project     string         `json:"project,omitempty"`
	Status      Status         `json:"status"`
	Created     Time           `json:"created"`
	Updated     Time           `json:"updated"`
	Sessions    int            `json:"sessions"`
	Latest      SessionID      `json:"latest"`
	Open        []SessionID    `json:"open,omitempty"`
	Totals      totals         `json:"totals"` // of the sessions that are not open, as is
	Unpriced    unpricedTokens `json:"unpriced,omitempty"`
	Born        uint64         `json:"born"` // the change that made it
	Change      uint64         `json:"change"`

	id     string         `json:"-"`
	latest *sessionRecord `json:"-"` // nil: there is none, or it was not asked for
	tidied bool           // see txn.tidy
}

func (t *taskRecord) info() Task {
	info := Task{
		ID: t.id, Title: cmp.Or(t.Title, t.AgentTitle, t.Prompt), Type: t.Type, Parent: t.Parent, Description: t.Description,
		Project: t.Project, Status: t.Status, Created: t.Created, Updated: t.Updated, Sessions: t.Sessions,
		Totals: t.Totals.public(), Change: t.Change, Latest: t.Latest,
		Unpriced: t.Unpriced.public(),
	}
	if s := t.latest; s != nil {
		info.Agent, info.Model, info.Owner = s.Agent, s.Model, s.Owner
	}
	return info
}

// sessionRecord is a session on disk. While it is open its state stands elsewhere.
type sessionRecord struct {
	Status           Status        `json:"status"`
	Reason           string        `json:"reason,omitempty"`
	Agent            string        `json:"agent,omitempty"`
	Version          string        `json:"version,omitempty"`
	Model            string        `json:"model,omitempty"`
	Cwd              string        `json:"cwd,omitempty"`
	Branch           string        `json:"branch,omitempty"`
	Machine          string        `json:"machine,omitempty"`
	ExternalID       string        `json:"external_id,omitempty"`
	ParentExternalID string        `json:"parent_external_id,omitempty"`
	Owner            string        `json:"owner,omitempty"`
	Steer            bool          `json:"steer,omitempty"`
	Lease            time.Duration `json:"lease,omitempty"`
	Beats            uint64        `json:"beats,omitempty"` // heartbeats, counted in shared stores only
	Started          Time          `json:"started"`
	Ended            Time          `json:"ended"`           // as the complete event says
	Sealed           Time          `json:"sealed,omitzero"` // when that was committed
	First            uint64        `json:"first"`
	sessionState

	id   SessionID `json:"-"`
	task string    `json:"-"`

	// Within a transaction:
	brief   bool // only id, task, that it is open, and its state are known
	dirty   bool // the record is to be written
	listed  bool // it stands in its task's touch
	closed  bool // it was open before, and is not any more
	counted bool // what it has cost so far is known; of one that is sealed it always is
	spends  bool // what it has cost is to be written, if it is open then
}

func (s *sessionRecord) info() SessionInfo {
	return SessionInfo{
		ID: s.id, Task: s.task, Status: s.Status, Reason: s.Reason, Agent: s.Agent, Version: s.Version, Model: s.Model,
		Cwd: s.Cwd, Branch: s.Branch, Machine: s.Machine,
		ExternalID: s.ExternalID, ParentExternalID: s.ParentExternalID, Owner: s.Owner, Steer: s.Steer, Started: s.Started, Ended: s.Ended, Head: s.Head,
		Totals: s.Totals.public(), First: s.First, Lease: s.Lease, Unpriced: s.Models.unpriced(),
	}
}

// encode writes the record. What an open session's state says is not in it.
func (s *sessionRecord) encode(key []byte) []byte {
	stored := *s
	if stored.Status == StatusOpen {
		stored.sessionState = sessionState{}
	}
	return encodeJSON(bucketSessions, key, &stored)
}

// storedTask reads the record of a task as it stands: without what its open
// sessions add.
func storedTask(r Reader, id string) (*taskRecord, error) {
	raw := r.Get(bucketTasks, []byte(id))
	if raw == nil {
		return nil, ErrTaskNotFound
	}
	record := &taskRecord{id: id}
	return record, decodeJSON(bucketTasks, []byte(id), raw, record)
}

// readTask reads a task with what its open sessions add, for those who do not
// write it.
func readTask(r Reader, id string) (*taskRecord, error) {
	t, err := storedTask(r, id)
	if err != nil {
		return nil, err
	}
	for _, open := range t.Open {
		s, err := readSessionState(r, id, open)
		if err == nil {
			err = readSpending(r, open, &s)
		}
		if err != nil {
			return nil, err
		}
		t.include(&s)
	}
	return t, nil
}

// readLatest reads the task's latest session, without what it has cost.
func (t *taskRecord) readLatest(r Reader) error {
	if t.Latest.IsZero() {
		return nil
	}
	key := sessionKey(t.id, t.Latest)
	raw := r.Get(bucketSessions, key)
	if raw == nil {
		return &DamageError{Bucket: bucketTasks, Key: []byte(t.id), Reason: "its latest session does not exist"}
	}
	s, err := decodeSession(t.id, key, raw)
	if err == nil {
		t.latest = s
	}
	return err
}

// include adds what an open session of the task says.
func (t *taskRecord) include(s *sessionState) {
	t.Totals.add(s.Totals)
	t.Unpriced.add(s.Models)
	if s.change > t.Change {
		t.Change, t.Updated = s.change, s.updated
	}
}

// readSession reads a session, with its state if it is open, but without what it
// has cost so far then.
func readSession(r Reader, task string, id SessionID) (*sessionRecord, error) {
	key := sessionKey(task, id)
	raw := r.Get(bucketSessions, key)
	if raw == nil {
		return nil, ErrSessionNotFound
	}
	s, err := decodeSession(task, key, raw)
	if err == nil && s.Status == StatusOpen {
		s.sessionState, err = readSessionState(r, task, id)
	}
	return s, err
}

// readWhole reads a session with all that is known of it.
func readWhole(r Reader, task string, id SessionID) (*sessionRecord, error) {
	key := sessionKey(task, id)
	raw := r.Get(bucketSessions, key)
	if raw == nil {
		return nil, ErrSessionNotFound
	}
	return wholeSession(r, task, key, raw)
}

// wholeSession is readWhole for those who have the record.
func wholeSession(r Reader, task string, key, raw []byte) (*sessionRecord, error) {
	s, err := decodeSession(task, key, raw)
	if err != nil || s.Status != StatusOpen {
		return s, err
	}
	if s.sessionState, err = readSessionState(r, task, s.id); err != nil {
		return nil, err
	}
	s.counted = true
	return s, readSpending(r, s.id, &s.sessionState)
}

// decodeSession decodes the record of a session as it stands: without the state
// of one that is open.
func decodeSession(task string, key, raw []byte) (*sessionRecord, error) {
	record := &sessionRecord{task: task, id: SessionID(key[len(key)-len(SessionID{}):])}
	return record, decodeJSON(bucketSessions, key, raw, record)
}
