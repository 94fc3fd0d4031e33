package streamer

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout sets how long sent data may stay unacknowledged, and how long a client may
// have no room for more data.
func setUserTimeout(c *net.TCPConn, d time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	err = raw.Control(func(fd uintptr) {
		setErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	return errors.Join(err, setErr)
}

// acknowledged returns a function that tells how many bytes the client has acknowledged so
// far. It returns nil if the connection cannot tell.
func acknowledged(c *net.TCPConn) func() (uint64, bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return func() (bytes uint64, ok bool) {
		err := raw.Control(func(fd uintptr) {
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				bytes, ok = info.Bytes_acked, true
			}
		})
		return bytes, ok && err == nil
	}
}
