package streaming

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/clock"
)

// client reads many streams, from one thread and without Go's own network code,
// so that little of the machine goes to it. It counts events and parses nothing
// else. It is a process of its own.
type client struct {
	epoll    int
	conns    []*conn
	byFD     map[int32]*conn
	buffer   []byte
	arrivals [][]int64 // by event, in the order of arrival, if they are wanted
}

type conn struct {
	fd     int
	events int // since the last settle
	bytes  int
}

// patience is how long the streams may take for anything.
const patience = 2 * time.Minute

// serveClient does what the client is asked to.
func serveClient(ctx context.Context, _ []string) (err error) {
	runtime.GOMAXPROCS(1)
	if err := raiseFiles(manyFiles); err != nil {
		return err
	}
	c := &client{byFD: map[int32]*conn{}, buffer: make([]byte, 256<<10)}
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return child.Work(ctx, map[string]child.Answer{
		"connect":   child.Answering(c.connect),
		"settle":    child.Answering(c.settle),
		"await":     child.Answering(c.await),
		"latencies": child.Answering(c.latencies),
		"replay":    child.Answering(c.replay),
	})
}

type connect struct {
	place
	Streams int
}

// connect opens streams, and does not wait for what comes on them.
func (c *client) connect(_ context.Context, q connect) (struct{}, error) {
	for range q.Streams {
		fd, err := dial(q.Address)
		if err != nil {
			return struct{}{}, err
		}
		opened := &conn{fd: fd}
		c.conns = append(c.conns, opened)
		c.byFD[int32(fd)] = opened
		if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return struct{}{}, fmt.Errorf("epoll: %w", err)
		}
		if err := writeAll(fd, request(q.place)); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

func request(p place) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", p.Path, p.Address)
}

// dial returns a socket that blocks. Its close is a reset: ten thousand
// connections leave nothing behind that the next round would run into.
func dial(address string) (int, error) {
	server, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
		unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}),
	)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("connect to %s: %w", address, err), unix.Close(fd))
	}
	return fd, nil
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		p = p[n:]
	}
	return nil
}

// settled says what came since the last time.
type settled struct {
	// Silent is how many streams have had nothing at all yet.
	Silent int
	// Eventless is how many have had no event.
	Eventless int
}

// settle reads until nothing has come for a while, and starts to count again.
func (c *client) settle(ctx context.Context, _ struct{}) (settled, error) {
	const quiet = 100 * time.Millisecond
	for {
		n, err := c.read(ctx, quiet)
		if err != nil {
			return settled{}, err
		}
		if n == 0 {
			break
		}
	}
	var s settled
	for _, conn := range c.conns {
		if conn.bytes == 0 {
			s.Silent++
		}
		if conn.events == 0 {
			s.Eventless++
		}
		conn.events = 0
	}
	return s, nil
}

// read reads once from all streams on which something comes within a time, and
// returns how many there were.
func (c *client) read(ctx context.Context, wait time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var ready [256]unix.EpollEvent
	n, err := unix.EpollWait(c.epoll, ready[:], int(wait.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return 0, fmt.Errorf("epoll: %w", err)
	}
	n = max(n, 0)
	for _, e := range ready[:n] {
		if err := c.receive(c.byFD[e.Fd]); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *client) receive(from *conn) error {
	n, err := unix.Read(from.fd, c.buffer)
	if err != nil || n == 0 {
		return fmt.Errorf("a stream ended after %d bytes: %w", from.bytes, err)
	}
	if from.bytes == 0 && !bytes.HasPrefix(c.buffer[:n], []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answer: %s", c.buffer[:n])
	}
	from.bytes += n
	before := from.events
	from.events += bytes.Count(c.buffer[:n], []byte(brace))
	if c.arrivals == nil || from.events == before {
		return nil
	}
	now := clock.Now()
	for i := before; i < min(from.events, len(c.arrivals)); i++ {
		c.arrivals[i] = append(c.arrivals[i], now)
	}
	return nil
}

type await struct {
	Events int
	// Times says whether each arrival is remembered.
	Times bool
}

// arrived says what came.
type arrived struct {
	// Last is when the last stream was complete.
	Last int64
	// Bytes are those of all streams, what HTTP adds included.
	Bytes int
}

// await reads until every stream has had exactly so many events.
func (c *client) await(ctx context.Context, q await) (arrived, error) {
	c.arrivals = nil
	if q.Times {
		c.arrivals = make([][]int64, q.Events)
	}
	var bytes int
	for _, conn := range c.conns {
		bytes -= conn.bytes
	}
	late := 0 // all streams before it are complete
	for end := time.Now().Add(patience); ; {
		if _, err := c.read(ctx, time.Second); err != nil {
			return arrived{}, err
		}
		for late < len(c.conns) && c.conns[late].events >= q.Events {
			late++
		}
		if late == len(c.conns) {
			break
		}
		if time.Now().After(end) {
			return arrived{}, fmt.Errorf("a stream has had %d events of %d after %v", c.conns[late].events, q.Events, patience)
		}
	}
	a := arrived{Last: clock.Now()}
	for _, conn := range c.conns {
		if conn.events > q.Events {
			return a, fmt.Errorf("a stream has had %d events, %d were published", conn.events, q.Events)
		}
		bytes += conn.bytes
		conn.events = 0
	}
	a.Bytes = bytes
	return a, nil
}

// latencies returns the percentiles of what passed between the given times, one
// an event, and the arrivals that the last await saw, in milliseconds.
func (c *client) latencies(_ context.Context, since []int64) (percentiles, error) {
	if len(since) != len(c.arrivals) {
		return percentiles{}, fmt.Errorf("%d times for %d events", len(since), len(c.arrivals))
	}
	var all []int64
	for i, times := range c.arrivals {
		for _, t := range times {
			all = append(all, t-since[i])
		}
	}
	if len(all) != len(since)*len(c.conns) {
		return percentiles{}, fmt.Errorf("%d arrivals of %d events on %d streams", len(all), len(since), len(c.conns))
	}
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))]) / 1e6 }
	return percentiles{at(0.5), at(0.99)}, nil
}

type percentiles struct{ P50, P99 float64 }

func (c *client) close() error {
	errs := []error{unix.Close(c.epoll)}
	for _, conn := range c.conns {
		errs = append(errs, unix.Close(conn.fd))
	}
	return errors.Join(errs...)
}
