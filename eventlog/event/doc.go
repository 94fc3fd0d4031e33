// Package event has the words that all who speak of a log share: events, the sessions
// and tasks that they belong to, cursors, and the JSON of them. It keeps nothing, and
// needs no store: programs that only send or show events need this package alone.
// Package eventlog has the same words under its own name.
package event
