package eventlog

import (
	"jrweb/eventlog/event"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// The types of the log, which package event defines. A program that uses events without
// storing them needs only that package.
type (
	// Event is one thing that happened in a session.
	Event = event.Event
	// Actor says who caused an event.
	Actor = event.Actor
	// SessionID names one session.
	SessionID = event.SessionID
	// Cursor is a place in a session.
	Cursor = event.Cursor
	// Place is a place in the order of all events of a task.
	Place = event.Place
	// Task is what an agent works on.
	Task = event.Task
	// SessionInfo is a session as it stood at one moment.
	SessionInfo = event.SessionInfo
	// Status is the state of a session: open, or how it ended.
	Status = event.Status
	// Totals is a sum of events.
	Totals = event.Totals
	// USD is an amount of money in US dollars.
	USD = event.USD
	// Time is a moment as JSON shows it.
	Time = event.Time
	// ModelTokens are the tokens of one model.
	ModelTokens = event.ModelTokens
	// Elsewhere is the cost that a session reported but that counts in other sessions.
	Elsewhere = event.Elsewhere
	// FieldError says which part of an append is wrong, and why.
	FieldError = event.FieldError
	// DamageError says where the store holds something that was never written there.
	DamageError = store.DamageError
)

// The event types that the log knows. See [event.ValidType] for others.
const (
	TypeAssistant  = event.TypeAssistant
	TypeThought    = event.TypeThought
	TypeUser       = event.TypeUser
	TypeToolCall   = event.TypeToolCall
	TypeToolResult = event.TypeToolResult
	TypeCost       = event.TypeCost
	TypeError      = event.TypeError
	TypeStatus     = event.TypeStatus
	TypeComment    = event.TypeComment
	TypeCheckpoint = event.TypeCheckpoint
	TypeGuardrail  = event.TypeGuardrail
	TypeQuestion   = event.TypeQuestion
	TypeAnswer     = event.TypeAnswer
	TypeReceipt    = event.TypeReceipt
	TypeSession    = event.TypeSession
	TypeComplete   = event.TypeComplete
)

// The actors.
const (
	Agent  = event.Agent // the default
	Human  = event.Human
	System = event.System
)

// The statuses. A task has StatusNone before its first session.
const (
	StatusNone  = event.StatusNone
	StatusOpen  = event.StatusOpen
	Succeeded   = event.Succeeded
	Failed      = event.Failed
	Canceled    = event.Canceled
	Interrupted = event.Interrupted
)

// The states of a receipt.
const (
	ReceiptDelivered = event.ReceiptDelivered
	ReceiptRead      = event.ReceiptRead
	ReceiptFailed    = event.ReceiptFailed
)

// TimeFormat is the form of every time in JSON: RFC 3339, UTC, milliseconds.
const TimeFormat = event.TimeFormat

// ParseSessionID reads the text form of an id: see [event.ParseSessionID].
func ParseSessionID(text string) (SessionID, error) { return event.ParseSessionID(text) }

// PlaceOf returns the place of an event: see [event.PlaceOf].
func PlaceOf(session SessionID, e *Event) Place { return event.PlaceOf(session, e) }

// ParseCursor reads "<session>:<sequence>": see [event.ParseCursor].
func ParseCursor(text string) (Cursor, error) { return event.ParseCursor(text) }

// AppendEnvelope appends the JSON envelope of an event to dst: see [event.AppendEnvelope].
func AppendEnvelope(dst []byte, task string, session SessionID, e *Event) []byte {
	return event.AppendEnvelope(dst, task, session, e)
}

// ValidTaskID reports whether id may name a task: see [event.ValidTaskID].
func ValidTaskID(id string) bool { return event.ValidTaskID(id) }

// ValidType reports whether name may be the type of an event: see [event.ValidType].
func ValidType(name string) bool { return event.ValidType(name) }

// ValidKeyID reports whether id may be the ID of a [Key].
func ValidKeyID(id string) bool { return record.ValidKeyID(id) }
