package freeport

import (
	"fmt"
	"net"
	"testing"
)

// A port is given once, until the test that has it ends, and never while somebody listens there.
func TestAPortBelongsToOneTest(t *testing.T) {
	seen := map[int]bool{}
	for range 2000 {
		port := Port(t)
		if seen[port] || port < first || port >= end {
			t.Fatalf("port %d was given before: %t", port, seen[port])
		}
		seen[port] = true
	}
	var port int
	t.Run("another test", func(t *testing.T) { port = Port(t) })
	again, err := net.Listen("unix", fmt.Sprintf("@jrweb-test-port-%d", port))
	if err != nil {
		t.Fatalf("a test has ended, and its port is not free: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
