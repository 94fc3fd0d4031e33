package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// postClient sends the same request over many connections, from one thread and
// without Go's own network code, so that little of the machine goes to it.
type postClient struct {
	epoll   int
	conns   map[int32]*postConn
	request []byte
}

type postConn struct {
	began  time.Time
	unread []byte // of the answer so far
	waits  bool   // for an answer
}

func dialPosts(address string, connections int) (*postClient, error) {
	server, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	body := fmt.Sprintf(`{"type":"assistant","data":%s}`, payload)
	c := &postClient{conns: map[int32]*postConn{}, request: fmt.Appendf(nil,
		"POST /tasks/t-1/events HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body)}
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	for range connections {
		if err := c.connect(&unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}); err != nil {
			return nil, errors.Join(fmt.Errorf("connect to %s: %w", address, err), c.close())
		}
	}
	return c, nil
}

func (c *postClient) connect(server unix.Sockaddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.conns[int32(fd)] = &postConn{}
	return errors.Join(
		unix.Connect(fd, server),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
	)
}

func (c *postClient) close() error {
	errs := []error{unix.Close(c.epoll)}
	for fd := range c.conns {
		errs = append(errs, unix.Close(int(fd)))
	}
	return errors.Join(errs...)
}

// run keeps one request under way on each connection for a time, and returns how
// long each answer took. Then it waits for the answers that are still to come,
// which do not count.
func (c *postClient) run(ctx context.Context, duration time.Duration) ([]time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var latencies []time.Duration
	end := time.Now().Add(duration)
	waiting := 0
	for fd, conn := range c.conns {
		if err := c.send(fd, conn); err != nil {
			return nil, err
		}
		waiting++
	}
	events := make([]unix.EpollEvent, len(c.conns))
	buffer := make([]byte, 64<<10)
	for waiting > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := unix.EpollWait(c.epoll, events, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("epoll: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			conn := c.conns[event.Fd]
			answered, err := conn.receive(int(event.Fd), buffer)
			if err != nil {
				return nil, err
			}
			if !answered {
				continue
			}
			waiting--
			now := time.Now()
			if now.After(end) {
				continue
			}
			latencies = append(latencies, now.Sub(conn.began))
			if err := c.send(event.Fd, conn); err != nil {
				return nil, err
			}
			waiting++
		}
	}
	return latencies, nil
}

// send sends the request, which fits into the socket's buffer.
func (c *postClient) send(fd int32, conn *postConn) error {
	conn.began, conn.waits = time.Now(), true
	if n, err := unix.Write(int(fd), c.request); err != nil || n < len(c.request) {
		return fmt.Errorf("send: %d bytes of %d: %w", n, len(c.request), err)
	}
	return nil
}

// receive reads what is there, and reports whether the answer is whole.
func (conn *postConn) receive(fd int, buffer []byte) (whole bool, err error) {
	n, err := unix.Read(fd, buffer)
	if err != nil || n == 0 || !conn.waits {
		return false, fmt.Errorf("receive: %d bytes: %w", n, err)
	}
	conn.unread = append(conn.unread, buffer[:n]...)
	head, body, ok := bytes.Cut(conn.unread, []byte("\r\n\r\n"))
	if !ok {
		return false, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 20")) {
		return false, fmt.Errorf("answer: %s", conn.unread)
	}
	_, length, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !ok {
		return false, fmt.Errorf("answer without a length: %s", head)
	}
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	size, err := strconv.Atoi(string(length))
	if err != nil {
		return false, fmt.Errorf("answer's length: %w", err)
	}
	if len(body) < size {
		return false, nil
	}
	conn.unread, conn.waits = conn.unread[:0], false
	return true, nil
}
