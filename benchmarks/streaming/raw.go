package streaming

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"jrweb/benchmarks/internal/clock"
)

// rawServer is the least that fan-out can cost: one thread, one array of frames
// that all clients share, and for each client how much of it was written. It
// parses no request, keeps nothing, and never forgets a frame.
type rawServer struct {
	epoll, listener, wake int
	address               string
	conns                 map[int32]*rawConn // the loop's own
	ended                 chan error

	mu     sync.Mutex
	frames []byte
	number int
	closed bool
}

type rawConn struct {
	sent int  // of the frames, in bytes; -1 before the request came
	full bool // the kernel takes no more at the moment
}

const (
	rawHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n\r\nretry: 1000\n\n"
	// rawBuffer and rawWrite are those of the streamer, so that what is compared
	// is the work beside the kernel's.
	rawBuffer = 256 << 10
	rawWrite  = 64 << 10
)

func newRawEpoll(context.Context, []string) (_ server, err error) {
	s := &rawServer{conns: map[int32]*rawConn{}, ended: make(chan error, 1)}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if s.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := errors.Join(
		unix.Bind(s.listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		unix.Listen(s.listener, unix.SOMAXCONN),
		s.add(s.listener, unix.EPOLLIN),
		s.add(s.wake, unix.EPOLLIN),
	); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	name, err := unix.Getsockname(s.listener)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	here := name.(*unix.SockaddrInet4) // what was bound
	s.address = netip.AddrPortFrom(netip.AddrFrom4(here.Addr), uint16(here.Port)).String()
	go func() { s.ended <- s.loop() }()
	return s, nil
}

func (s *rawServer) where() place { return place{s.address, "/"} }

func (s *rawServer) add(fd int, events uint32) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// loop ends with close, or with the first error.
func (s *rawServer) loop() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ready := make([]unix.EpollEvent, 1024)
	buffer := make([]byte, 4096)
	for {
		n, err := unix.EpollWait(s.epoll, ready, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		news := false
		for _, e := range ready[:max(n, 0)] {
			switch int(e.Fd) {
			case s.listener:
				err = s.accept()
			case s.wake:
				news = true
				_, err = unix.Read(s.wake, buffer[:8])
			default:
				err = s.serve(e, buffer)
			}
			if err != nil {
				return err
			}
		}
		if !news {
			continue
		}
		frames, closed := s.published()
		if closed {
			return nil
		}
		for fd, c := range s.conns {
			if err := s.send(fd, c, frames); err != nil {
				return err
			}
		}
	}
}

func (s *rawServer) published() (frames []byte, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames, s.closed
}

func (s *rawServer) accept() error {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		s.conns[int32(fd)] = &rawConn{sent: -1}
		if err := errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, rawBuffer),
			s.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET&0xffffffff),
		); err != nil {
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// serve does what a connection is ready for.
func (s *rawServer) serve(e unix.EpollEvent, buffer []byte) error {
	c := s.conns[e.Fd]
	if e.Events&(unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0 {
		delete(s.conns, e.Fd)
		return unix.Close(int(e.Fd))
	}
	frames, _ := s.published()
	if c.sent < 0 && e.Events&unix.EPOLLIN != 0 {
		if _, err := unix.Read(int(e.Fd), buffer); err != nil { // the request, whatever it asks for
			return fmt.Errorf("read a request: %w", err)
		}
		if _, err := unix.Write(int(e.Fd), []byte(rawHeader)); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		c.sent = len(frames)
	}
	if e.Events&unix.EPOLLOUT != 0 {
		c.full = false
	}
	return s.send(e.Fd, c, frames)
}

// send writes what the kernel takes.
func (s *rawServer) send(fd int32, c *rawConn, frames []byte) error {
	for c.sent >= 0 && !c.full && c.sent < len(frames) {
		piece := frames[c.sent:min(len(frames), c.sent+rawWrite)]
		n, err := unix.Write(int(fd), piece)
		switch {
		case err == nil:
			c.sent += n
			c.full = n < len(piece)
		case errors.Is(err, unix.EAGAIN):
			c.full = true
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
			return nil // epoll says so too
		default:
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func (s *rawServer) publish(context.Context) (int64, error) {
	s.frame(1)
	at := clock.Now()
	return at, s.raise()
}

func (s *rawServer) frame(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range events {
		s.number++
		s.frames = fmt.Appendf(s.frames, "id: 00000000000000000000000000:%d\nevent: assistant\ndata: %s\n\n", s.number, rawPayload)
	}
}

var rawPayload = payload(eventBytes)

func (s *rawServer) raise() error {
	if _, err := unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	return nil
}

func (s *rawServer) flood(_ context.Context, f flood) error {
	for rest := f.Events; rest > 0; rest -= f.Batch {
		s.frame(min(rest, f.Batch))
		if err := s.raise(); err != nil {
			return err
		}
	}
	return nil
}

func (s *rawServer) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	errs := []error{s.raise(), <-s.ended}
	for fd := range s.conns {
		errs = append(errs, unix.Close(int(fd)))
	}
	return errors.Join(append(errs, unix.Close(s.listener), unix.Close(s.wake), unix.Close(s.epoll))...)
}
