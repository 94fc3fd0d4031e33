// Package eventlog is a durable log of what agents do: tasks, their sessions, and the
// sessions' events, in one file.
//
//	log, err := eventlog.Open("jr.db", nil)
//	session, err := log.Start(ctx, "t-1", nil)
//	last, err := session.Append(ctx, eventlog.Event{Type: "status", Data: json.RawMessage(`{"content":"hello"}`)})
//
// Order:
//
//   - The events of a session have the sequences 1, 2, 3 … without holes, in the order of
//     their commits. An event never changes.
//   - The events of one append are committed together or not at all, in their order.
//   - The last event of a sealed session is its complete event, written in the same commit
//     as the seal. Nothing follows it.
//   - A session's id is greater than every id issued before, also after a restart and when
//     the clock steps back. It is never used again.
//   - A reader that keeps a cursor and reads after it gets every later event once. [Watch]
//     tells the reader when there are more.
//
// Ends:
//
//   - A session ends when its writer says so. If its writer is silent for longer than its
//     lease, or without a lease for longer than [Options] allow, the session is sealed as
//     [Interrupted]. An append or heartbeat that succeeded was in time: the silence begins
//     again after it, and after each open.
//   - Sessions that have ended are kept for ever, unless [Options] limit their age, their
//     number or their size. What is deleted is never served again.
//
// Durability, with the store that [Open] makes:
//
//   - An append that returned without an error is on the disk.
//   - Visible implies durable: no read shows an event whose commit has not returned, so no
//     power cut takes back what a reader has seen.
//   - An append that returned an error changed nothing, unless the error is [ErrFailed].
//     Then the outcome is known once the log is opened again, and a repeat with the same
//     [Key] settles it.
//   - A failed commit whose outcome is unknown is final: every later call returns
//     [ErrFailed], and [Log.Done] is closed.
//   - Every record has a checksum. Data that was damaged on the disk gives [ErrDamaged],
//     never an event.
//
// Caveats:
//
//   - One process holds the file; every other one gets [ErrHeld].
//   - Unless [Options] say otherwise, a log seals the sessions that are open when it opens
//     the file: the program that wrote them has ended.
//   - A deletion takes effect at once, but its space is freed in the background, for reuse:
//     the file does not shrink.
//   - The database file is made under another name and then linked to its own name, so the
//     file system must support hard links.
//   - Functions in a [Trace] run in the log's only writer: they delay every append.
package eventlog
