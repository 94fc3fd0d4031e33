package streamer

import (
	"context"
	"net"
	"sync"
)

// Shutdown ends every stream at a frame boundary and returns at once. Register it with
// [http.Server.RegisterOnShutdown]: otherwise a server waits for its streams for ever.
func (s *Streamer) Shutdown() { s.once.Do(func() { close(s.shutdown) }) }

// Drain waits for the end of the streams whose connections were taken over (see
// [Streamer.ConnContext]). It calls Shutdown first. Call it after [http.Server.Shutdown],
// which does not know these streams, and before the log is closed. If ctx ends first, Drain
// closes the connections and returns the error of ctx.
func (s *Streamer) Drain(ctx context.Context) error {
	s.Shutdown()
	ended := s.taken.ended()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		s.taken.cut()
		<-ended
		return ctx.Err()
	}
}

// connections are the open connections that were taken over, or are being taken over. The
// zero value is ready.
type connections struct {
	mu    sync.Mutex
	open  map[*connection]struct{}
	isCut bool
	none  chan struct{} // closed, and nil again, when the last one has ended; nil if nothing waits for that
}

func (cs *connections) add(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = map[*connection]struct{}{}
	}
	cs.open[c] = struct{}{}
}

// took sets the network connection of a connection that was added before.
func (cs *connections) took(c *connection, conn net.Conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c.conn = conn
	if cs.isCut {
		_ = conn.Close() // no caller is left that could use an error
	}
}

func (cs *connections) remove(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.open, c)
	if len(cs.open) == 0 && cs.none != nil {
		close(cs.none)
		cs.none = nil
	}
}

// ended returns a channel that is closed when no connection is open.
func (cs *connections) ended() <-chan struct{} {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.none == nil {
		cs.none = make(chan struct{})
	}
	none := cs.none
	if len(cs.open) == 0 {
		close(none)
		cs.none = nil
	}
	return none
}

// cut closes all open connections. Their streams get an error from the next read or write.
func (cs *connections) cut() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.isCut = true
	for c := range cs.open {
		if c.conn != nil {
			_ = c.conn.Close() // no caller is left that could use an error
		}
	}
}
