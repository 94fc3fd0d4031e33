package streamer

import (
	"context"
	"net"
)

// writeBuffer bounds what the kernel holds for a client that takes nothing,
// in bytes: otherwise it is about 4 MB before a write blocks. Much less than
// this makes replay slow, because the sender then waits for acknowledgements.
const writeBuffer = 128 << 10

// ConnContext prepares a connection for long streams: it bounds the kernel's
// write buffer, and lets a client that vanished without a word be noticed
// within half a minute (Linux only). Use it as [http.Server.ConnContext].
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		// A connection on which these fail is one that has ended already.
		_ = t.SetWriteBuffer(writeBuffer)
		_ = setUserTimeout(t)
	}
	return ctx
}
