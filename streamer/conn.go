package streamer

import (
	"context"
	"net"
	"time"
)

// writeBuffer bounds what the kernel holds for a client that takes nothing,
// in bytes: otherwise it is about 4 MB before a write blocks. Much less than
// this makes replay slow, because the sender then waits for acknowledgements.
const writeBuffer = 256 << 10

// The kernel ends a connection on which nothing moves for so long. It must not
// come before [Options.WriteTimeout], nor be out of what the kernel takes.
const (
	minUserTimeout = 30 * time.Second
	maxUserTimeout = 24 * time.Hour
)

// ConnContext prepares a connection for long streams. Use it as
// [http.Server.ConnContext].
//
// It bounds the kernel's write buffer, keeps slow lines from being cut for as long as
// the client acknowledges anything (Linux only), and lets a client that vanished without a
// word be noticed within half a minute, or three times [Options.WriteTimeout] if
// that is longer (Linux only).
//
// And it lets a stream over HTTP/1.1 take over its connection, which saves four fifths
// of the memory of a stream that waits, and half of that of one over TLS. Its handler then returns
// once there is nothing more to replay, while the stream goes on. So middleware
// sees the request end early, and nothing of the answer but the header that it has
// set before; and the end of the request's context ends the stream no more, that of
// [http.Server.BaseContext] does. The server forgets the connection: call
// [Streamer.Drain] after [http.Server.Shutdown].
func (s *Streamer) ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	prep := preparation{ctx: ctx}
	if t, ok := c.(*net.TCPConn); ok {
		// A connection on which these fail is one that has ended already.
		_ = t.SetWriteBuffer(writeBuffer)
		_ = setUserTimeout(t, max(3*min(s.o.WriteTimeout, maxUserTimeout/3), minUserTimeout))
		prep.acked = acknowledged(t)
	}
	return context.WithValue(ctx, prepared{s}, prep)
}
