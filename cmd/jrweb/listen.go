package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

const (
	// unixPrefix stands before the path of a Unix socket in an address.
	unixPrefix = "unix:"
	// inheritedAddr stands for the socket that systemd gives us.
	inheritedAddr = "systemd"
)

// resolve turns -addr into an address to listen on. Anything but loopback and a Unix
// socket is refused unless everybody may come in, or somebody asks who they are.
func resolve(ctx context.Context, addr string, beyondAllowed bool) (string, error) {
	if path, isUnix := strings.CutPrefix(addr, unixPrefix); isUnix {
		if path == "" {
			return "", usagef("-addr %q names no socket: unix:/run/jrweb.sock does", addr)
		}
		return addr, nil
	}
	if addr == inheritedAddr {
		if beyondAllowed {
			return addr, nil
		}
		return addr, checkInherited()
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", usagef("-addr %q is no host:port, unix:PATH or systemd", addr)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return "", usagef("-addr %q has no valid port", addr)
	}
	if beyondAllowed {
		return addr, nil
	}
	if host == "" {
		return "", beyond(addr)
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", usagef("-addr %s: %w", addr, err)
	}
	chosen := ips[0]
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return "", beyond(addr)
		}
		if ip.IP.To4() != nil {
			chosen = ip
		}
	}
	// What was checked is what is listened on: a name could mean something else
	// when it is asked for again.
	return net.JoinHostPort(chosen.String(), port), nil
}

var errBeyond = errors.New("reaches beyond this machine")

func beyond(addr string) error {
	return usagef("-addr %s %w, where anybody could read and write: name who may come in with -token-file, listen on 127.0.0.1, or add -insecure", addr, errBeyond)
}

// systemdSockets are the sockets that systemd gives us. They are taken once: a file that was made of
// one only to look at it would close it when it is collected.
var systemdSockets = sync.OnceValues(activation.Listeners)

// checkInherited refuses a socket of systemd's that reaches beyond this machine.
func checkInherited() error {
	all, err := systemdSockets()
	if err != nil {
		return fmt.Errorf("-addr %s: %w", inheritedAddr, err)
	}
	for _, l := range all {
		if l == nil {
			continue // no socket that can be listened on: inherited says so
		}
		if tcp, isTCP := l.Addr().(*net.TCPAddr); isTCP && !tcp.IP.IsLoopback() {
			return beyond(l.Addr().String())
		}
	}
	return nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr == inheritedAddr {
		return inherited()
	}
	if path, isUnix := strings.CutPrefix(addr, unixPrefix); isUnix {
		return listenUnix(ctx, path)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another -addr", err)
	}
	return l, nil
}

// inherited is the socket that systemd gives us.
func inherited() (net.Listener, error) {
	all, err := systemdSockets()
	if err != nil {
		return nil, fmt.Errorf("-addr %s: %w", inheritedAddr, err)
	}
	if len(all) != 1 || all[0] == nil {
		return nil, fmt.Errorf("-addr %s: there are %d sockets, not one: a .socket unit with one ListenStream gives it", inheritedAddr, len(all))
	}
	return all[0], nil
}

// listenUnix replaces the socket if nobody listens on it: a process that was killed leaves it
// behind.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		var dialer net.Dialer
		c, err := dialer.DialContext(ctx, "unix", path)
		switch {
		case err == nil:
			return nil, errors.Join(fmt.Errorf("-addr unix:%s: another process listens there: stop it, or choose another path", path), c.Close())
		case errors.Is(err, syscall.ECONNREFUSED):
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("-addr unix:%s: %w", path, err)
			}
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another -addr", err)
	}
	// The group may be that of a proxy in front.
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("-addr unix:%s: %w", path, err), l.Close())
	}
	return l, nil
}
