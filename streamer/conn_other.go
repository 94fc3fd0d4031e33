//go:build !linux

package streamer

import "net"

// setUserTimeout does nothing where the option does not exist.
func setUserTimeout(*net.TCPConn) error { return nil }
