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
//   - Every event after the client's cursor arrives in order, exactly once,
//     none missing: first those that exist, then new ones as they commit. There
//     is one path for both, so there is no seam between them.
//   - What a client sees is on the disk: it is read from the log after its commit.
//   - A client that was cut at any byte comes back with the id of the last frame
//     that it has, and goes on right behind it, also after a restart.
//   - A cursor that means nothing is answered by a reset frame and a replay from
//     the start, one behind which events were trimmed by a gap frame. Neither
//     has an id: only committed events move a client's cursor.
//   - After the complete event the response ends, and whoever comes back with
//     its id gets 204, at which browsers stop.
//   - A slow client is only an old cursor: it delays neither appends nor other
//     clients, pins nothing in the store, and is disconnected once it takes
//     nothing for [Options.WriteTimeout].
//   - An idle stream reads nothing from the store and holds no buffer. With
//     [Streamer.ConnContext] it is one goroutine and some 5 KB.
//   - What many streams of a task are about to send is made once. What is kept of
//     it takes no more than 64 KiB for each of them, nor than 4 MiB, beside what is
//     newest, and goes when nobody has needed it between two ticks.
//   - [Streamer.Shutdown] ends each stream between two frames.
//
// Caveats:
//
//   - Middleware that wraps the ResponseWriter must have an Unwrap method (see
//     [http.ResponseController]), and must not compress.
//   - Without [Streamer.ConnContext] the kernel takes up to some megabytes for a client
//     that reads nothing, and one that vanished is noticed late.
//   - A stream of HTTP/2 that stalls is reset, but nothing can be reset while its
//     whole connection stalls. Set [http.HTTP2Config.WriteByteTimeout] of the
//     server, which closes such a connection.
//   - Shutdown waits for nobody: a write that a slow client holds up ends at its
//     deadline. Give [http.Server.Shutdown] and [Streamer.Drain] a time limit, then
//     Close the server.
//   - Nobody is asked for permission here: that is for the handlers in front.
package streamer
