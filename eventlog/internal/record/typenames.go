package record

import (
	"jrweb/eventlog/event"
)

// typeName is string(name), without a copy where the log knows the type.
func typeName(name []byte) string {
	switch string(name) {
	case event.TypeAssistant:
		return event.TypeAssistant
	case event.TypeThought:
		return event.TypeThought
	case event.TypeUser:
		return event.TypeUser
	case event.TypeToolCall:
		return event.TypeToolCall
	case event.TypeToolResult:
		return event.TypeToolResult
	case event.TypeCost:
		return event.TypeCost
	case event.TypeError:
		return event.TypeError
	case event.TypeStatus:
		return event.TypeStatus
	case event.TypeComment:
		return event.TypeComment
	case event.TypeCheckpoint:
		return event.TypeCheckpoint
	case event.TypeGuardrail:
		return event.TypeGuardrail
	case event.TypeQuestion:
		return event.TypeQuestion
	case event.TypeAnswer:
		return event.TypeAnswer
	case event.TypeReceipt:
		return event.TypeReceipt
	case event.TypeSession:
		return event.TypeSession
	case event.TypeComplete:
		return event.TypeComplete
	}
	return string(name)
}

// actorName is typeName for actors.
func actorName(name []byte) event.Actor {
	switch event.Actor(name) {
	case event.Agent:
		return event.Agent
	case event.Human:
		return event.Human
	case event.System:
		return event.System
	}
	return event.Actor(name)
}
