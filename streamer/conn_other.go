//go:build !linux

package streamer

import (
	"net"
	"time"
)

// setUserTimeout does nothing where the option does not exist.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }

// acknowledged returns nil: the connection cannot tell.
func acknowledged(*net.TCPConn) func() (uint64, bool) { return nil }
