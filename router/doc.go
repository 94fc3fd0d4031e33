// Package router is the HTTP side of a log: JSON, streams and pages, in one
// handler that can be mounted anywhere:
//
//	handler, err := router.New(log, streamer.New(log, nil), nil)
//	mux.Handle("/jr/", http.StripPrefix("/jr", handler))
//
// What it promises:
//
//   - An append is answered with 200 only after its commit.
//   - Every error is an application/problem+json (RFC 9457) that says what is
//     wrong and, if it is a field, which.
//   - An Idempotency-Key makes the repeat of a start, an append or a completion
//     harmless: it gets the first answer again.
//   - Every GET route answers HEAD, and works under any prefix.
//   - A request with a foreign Host, and a write from a foreign origin, are refused.
//
// Caveats:
//
//   - There is no authentication yet. Whoever can reach the handler can read,
//     write and delete.
//   - An answer of events ends early at 8 MiB, or after 100,000 events that were
//     looked at; its next says where to go on. That is also so for last=N: what
//     is missing then are the oldest of the N.
//   - With sessions=all, events behind a session that is still open come after it
//     has ended, as in the stream: a cursor has only one way to go.
//   - [http.ServeMux] redirects paths with // or .. before they reach the handler.
package router
