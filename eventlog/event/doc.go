// Package event has the types that every part of a log uses: events, the sessions and tasks
// that they belong to, cursors, and their JSON. It stores nothing and needs no store, so a
// program that only sends or shows events needs this package alone. Package eventlog
// exports the same types under its own name.
package event
