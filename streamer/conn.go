package streamer

import (
	"context"
	"net"
	"time"
)

// writeBuffer bounds, in bytes, what the kernel holds for a client that reads nothing.
// Otherwise that is about 4 MB before a write blocks. A much smaller buffer makes replay
// slow, because the sender then waits for acknowledgements.
const writeBuffer = 256 << 10

// The kernel ends a connection after this time without progress. It must be longer than
// [Options.WriteTimeout], and in the range that the kernel accepts.
const (
	minUserTimeout = 30 * time.Second
	maxUserTimeout = 24 * time.Hour
)

// ConnContext prepares a connection for long streams. Use it as [http.Server.ConnContext].
//
// It bounds the kernel's write buffer. On Linux it also does two more things: a slow line
// is not cut as long as the client acknowledges anything, and a client that vanished is
// noticed within half a minute, or within three times [Options.WriteTimeout] if that is
// longer.
//
// It also lets a stream over HTTP/1.1 take over its connection. This saves four fifths of
// the memory of a waiting stream, or half with TLS. The handler then returns once there is
// nothing more to replay, while the stream goes on. So middleware sees the request end
// early, and sees nothing of the answer except the header that it set before. The end of
// the request's context then no longer ends the stream; the end of
// [http.Server.BaseContext] does. The server no longer knows the connection: call
// [Streamer.Drain] after [http.Server.Shutdown].
func (s *Streamer) ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	prep := preparation{ctx: ctx}
	if t, ok := c.(*net.TCPConn); ok {
		// If one of these fails, the connection has ended already.
		_ = t.SetWriteBuffer(writeBuffer)
		_ = setUserTimeout(t, max(3*min(s.o.WriteTimeout, maxUserTimeout/3), minUserTimeout))
		prep.acked = acknowledged(t)
	}
	return context.WithValue(ctx, prepared{s}, prep)
}
