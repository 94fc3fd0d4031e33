package streamer

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// try writes what the kernel takes at once, without a deadline. To set and remove a
// deadline costs more than a short write.
type try struct {
	raw  syscall.RawConn // nil if it is not a connection of the kernel's
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

func newTry(conn net.Conn) *try {
	t := &try{}
	switch c := conn.(type) {
	case *net.TCPConn:
		t.raw, _ = c.SyscallConn()
	case *net.UnixConn:
		t.raw, _ = c.SyscallConn()
	default: // a type that wraps one of these may change what is written
		return t
	}
	t.call = t.once
	return t
}

// write returns how many bytes of p it has written, perhaps 0.
func (t *try) write(p []byte) (int, error) {
	if t.raw == nil {
		return 0, nil
	}
	t.p = p
	if err := t.raw.Write(t.call); err != nil {
		return 0, err
	}
	t.p = nil
	return t.n, t.err
}

func (t *try) once(fd uintptr) bool {
	for {
		n, err := unix.Write(int(fd), t.p)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		t.n, t.err = max(0, n), os.NewSyscallError("write", err)
		if errors.Is(err, unix.EAGAIN) {
			t.err = nil
		}
		return true
	}
}
