package main

import (
	"context"
	"fmt"
	"net"
)

// resolve turns -addr into an address to listen on. Anything but loopback is
// refused unless insecure is set: whoever reaches the server can read and write
// everything.
func resolve(ctx context.Context, addr string, insecure bool) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("-addr %q is no host:port", addr)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return "", usagef("-addr %q has no valid port", addr)
	}
	if insecure {
		return addr, nil
	}
	beyond := usagef("-addr %s reaches beyond this machine, where anybody could read and write: name who may come in with -token-file, listen on 127.0.0.1, or add -insecure", addr)
	if host == "" {
		return "", beyond
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", usagef("-addr %s: %w", addr, err)
	}
	chosen := ips[0]
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return "", beyond
		}
		if ip.IP.To4() != nil {
			chosen = ip
		}
	}
	// What was checked is what is listened on: a name could mean something else
	// when it is asked for again.
	return net.JoinHostPort(chosen.String(), port), nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another -addr", err)
	}
	return l, nil
}
