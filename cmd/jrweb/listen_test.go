package main

import (
	"strings"
	"testing"
)

func TestOnlyLoopbackWithoutInsecure(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:7070", "127.8.9.1:0", "[::1]:0", "localhost:7070"} {
		got, err := resolve(t.Context(), addr, false)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		if strings.Contains(got, "localhost") {
			t.Errorf("%s is listened on as %s: a name could change its meaning", addr, got)
		}
	}
	for _, addr := range []string{":7070", "0.0.0.0:7070", "[::]:7070", "192.0.2.1:0", "[2001:db8::1]:0", "[::ffff:192.0.2.1]:0"} {
		if got, err := resolve(t.Context(), addr, false); err == nil || !strings.Contains(err.Error(), "-insecure") {
			t.Errorf("%s: %q, %v; want an error that names -insecure", addr, got, err)
		}
		if got, err := resolve(t.Context(), addr, true); err != nil || got != addr {
			t.Errorf("%s with -insecure: %q, %v", addr, got, err)
		}
	}
}
