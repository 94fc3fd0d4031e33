// Package freeport gives tests ports that belong to them until they end. A server of a test that
// is restarted keeps its port, and two servers can be told of each other before they run.
//
// A port that the kernel chooses is not enough for that: as soon as nobody listens on it, another
// connection, or another test, may get it.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The kernel gives ports from 32768 on to connections (ip_local_port_range).
const first, end = 10000, 32768

// Addr returns 127.0.0.1 with a port of the test.
func Addr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}

// Port returns a TCP port of the test. Nobody listens on it, and no other test gets it before
// this one has ended, nor does one of another process on Linux.
func Port(t testing.TB) int {
	t.Helper()
	var failed error
	for range end - first {
		port := first + rand.IntN(end-first)
		reserved, err := net.Listen("unix", fmt.Sprintf("@jrweb-test-port-%d", port)) // a name, not a file
		if err != nil {
			failed = err // it is another test's
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			failed = errors.Join(err, reserved.Close())
			continue
		}
		_ = l.Close() // the same
		t.Cleanup(func() { _ = reserved.Close() })
		return port
	}
	t.Fatalf("no port is free: %v", failed)
	return 0
}
