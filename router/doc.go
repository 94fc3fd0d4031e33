// Package router is the HTTP side of a log: JSON, streams and pages, in one handler that
// can be mounted anywhere:
//
//	handler, err := router.New(log, streamer.New(log, nil), nil)
//	mux.Handle("/jr/", http.StripPrefix("/jr", handler))
//
// It promises:
//
//   - An append is answered with 200 only after its commit.
//   - Every error is an application/problem+json (RFC 9457) that says what is wrong and, if
//     it is a field, which.
//   - An Idempotency-Key makes the repeat of a start, an append or a completion harmless:
//     it gets the first answer again.
//   - Every GET route answers HEAD, and works under any prefix.
//   - A request with a foreign Host, and a write from a foreign origin, are refused.
//
// Caveats:
//
//   - Without [Options].Authorize, every client that can reach the handler can read, write
//     and delete.
//   - An answer with events ends early at 8 MiB, or after 100,000 events that were read;
//     its next says where to continue. This also applies to last=N: then the oldest of the
//     N are missing.
//   - With sessions=all, a cursor whose event is no longer kept is answered with 410, and its
//     next is in the same session: what other sessions did meanwhile comes before it.
//   - [http.ServeMux] redirects paths with // or .. before they reach the handler.
package router
