package event

import (
	"encoding/json"
	"strconv"
	"time"
)

// The event types that the log knows. The log also takes any other name that matches
// [a-z][a-z0-9_]{0,63} and is not reserved.
const (
	TypeAssistant  = "assistant"
	TypeThought    = "thought"
	TypeUser       = "user"
	TypeToolCall   = "tool_call"
	TypeToolResult = "tool_result"
	TypeCost       = "cost"
	TypeError      = "error"
	TypeStatus     = "status"
	TypeComment    = "comment"
	TypeCheckpoint = "checkpoint"
	TypeGuardrail  = "guardrail"
	TypeQuestion   = "question"
	TypeAnswer     = "answer"
	TypeReceipt    = "receipt"
	TypeSession    = "session"
	TypeComplete   = "complete"
)

// Actor says who caused an event.
type Actor string

// The actors.
const (
	Agent  Actor = "agent" // the default
	Human  Actor = "human"
	System Actor = "system"
)

// Event is one thing that happened in a session. Once committed it never changes.
type Event struct {
	// Sequence is 1, 2, 3 … without holes within a session. The log sets it;
	// what a caller sets before an append is ignored.
	Sequence uint64
	// Time is kept in UTC with millisecond precision. If it is zero, the log's clock sets
	// it at the append.
	Time time.Time
	// Type is one of the Type constants, or any other name that is not reserved.
	Type string
	// Actor is Agent when empty.
	Actor Actor
	// Data is a JSON object. It is kept byte for byte, except for white space between its
	// tokens. Events that a log returns share memory: do not change it.
	Data json.RawMessage

	// Change is the number of the change that committed the event: see [Task.Change]. It is
	// 0 if the event is from a file of an earlier format. The log sets it.
	Change uint64

	// Committed is when this process committed the event, or zero if the event was read
	// from the store. It serves to measure the time from commit to delivery. What a caller
	// sets before an append is ignored.
	Committed time.Time
}

// TimeFormat is the form of every time in JSON: RFC 3339, UTC, milliseconds.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"

// AppendEnvelope appends the JSON envelope of an event to dst: id (the cursor after the
// event), task, session, sequence, time, type, actor and data.
func AppendEnvelope(dst []byte, task string, session SessionID, e *Event) []byte {
	// Task ids, types and actors contain no characters that JSON must escape. The data is
	// JSON already.
	dst = append(dst, `{"id":"`...)
	dst = Cursor{session, e.Sequence}.AppendTo(dst)
	dst = append(dst, `","task":"`...)
	dst = append(dst, task...)
	dst = append(dst, `","session":"`...)
	dst, _ = session.AppendText(dst)
	dst = append(dst, `","sequence":`...)
	dst = strconv.AppendUint(dst, e.Sequence, 10)
	dst = append(dst, `,"time":"`...)
	dst = e.Time.UTC().AppendFormat(dst, TimeFormat)
	dst = append(dst, `","type":"`...)
	dst = append(dst, e.Type...)
	dst = append(dst, `","actor":"`...)
	dst = append(dst, e.Actor...)
	dst = append(dst, `","data":`...)
	dst = append(dst, e.Data...)
	return append(dst, '}')
}

// The states of a receipt.
const (
	ReceiptDelivered = "delivered"
	ReceiptRead      = "read"
	ReceiptFailed    = "failed"
)
