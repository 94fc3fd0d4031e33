// Package streamer serves the events of a log as Server-Sent Events.
//
//	streams := streamer.New(log, nil)
//	mux.Handle("GET /tasks/{task}/events/stream", streams.Handler(func(r *http.Request) string { return r.PathValue("task") }))
//	server := &http.Server{Handler: mux, ConnContext: streams.ConnContext}
//	server.RegisterOnShutdown(streams.Shutdown)
//	... // at the end: server.Shutdown(ctx), then streams.Drain(ctx)
//
// It works behind any router, over HTTP/1.1, HTTP/2 and h2c. It promises:
//
//   - Every event after the client's cursor arrives in order, exactly once, none missing:
//     first the existing ones, then new ones as they commit. One path serves both, so there
//     is no seam between them.
//   - What a client sees is on the disk: it is read from the log after its commit.
//   - A client that was cut at any byte comes back with the id of the last frame that it
//     has, and continues directly after it, also after a restart.
//   - A cursor that cannot be used is answered by a reset frame and a replay from the
//     start. If events after a cursor were trimmed, a gap frame says so. Neither frame has
//     an id: only committed events move a client's cursor.
//   - After the complete event the response ends. A client that comes back with the id of
//     that event gets 204, at which browsers stop.
//   - A slow client is only an old cursor: it delays neither appends nor other clients,
//     pins nothing in the store, and is disconnected once it takes nothing for
//     [Options.WriteTimeout].
//   - An idle stream reads nothing from the store and holds no buffer. With
//     [Streamer.ConnContext] it is one goroutine and about 5 KB.
//   - Frames that many streams of a task are about to send are made once. Beside the newest
//     frames, at most 64 KiB for each of these streams is kept, and at most 4 MiB in all.
//     Frames that no stream has needed between two ticks are freed.
//   - [Streamer.Shutdown] ends each stream between two frames.
//
// Caveats:
//
//   - Middleware that wraps the ResponseWriter must have an Unwrap method (see
//     [http.ResponseController]), and must not compress.
//   - Without [Streamer.ConnContext] the kernel holds up to several megabytes for a client
//     that reads nothing, and a client that vanished is noticed late.
//   - A stalled HTTP/2 stream is reset, but nothing can be reset while its whole connection
//     stalls. Set [http.HTTP2Config.WriteByteTimeout] of the server, which closes such a
//     connection.
//   - Shutdown does not wait: a write that a slow client holds up ends at its deadline.
//     Give [http.Server.Shutdown] and [Streamer.Drain] a time limit, then Close the server.
//   - This package checks no permissions: the handlers in front of it must.
package streamer
