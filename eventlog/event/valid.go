package event

import (
	"slices"
)

// reservedTypes are the names of the stream's own frames and of EventSource's events.
var reservedTypes = []string{"reset", "gap", "caught_up", "open", "message", "end"}

// IsReserved reports whether the stream reserves a name for itself.
func IsReserved(name string) bool { return slices.Contains(reservedTypes, name) }

// ValidTaskID reports whether id may name a task:
// [A-Za-z0-9][A-Za-z0-9._-]{0,127}.
func ValidTaskID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// ValidType reports whether name may be the type of an event: [a-z][a-z0-9_]{0,63}, and not
// reserved by the stream.
func ValidType(name string) bool {
	if name == "" || len(name) > 64 || IsReserved(name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z') && (i == 0 || !(c >= '0' && c <= '9') && c != '_') {
			return false
		}
	}
	return true
}
