package streaming

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"jrweb/benchmarks/internal/child"
)

// nginxConfig serves one folder by one process that only knows this folder.
const nginxConfig = `daemon off;
master_process off;
pid nginx.pid;
error_log /dev/stdout notice;
events { worker_connections 256; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	default_type text/event-stream;
	server {
		listen %s;
		root %s;
	}
}
`

// startNginx serves the file from a process with its files in dir.
func startNginx(ctx context.Context, dir, file string) (*child.Process, place, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, place{}, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, address, filepath.Dir(file)), 0o600); err != nil {
		return nil, place{}, err
	}
	listens := func(line string) bool { return strings.Contains(line, `using the "epoll" event method`) }
	p, err := child.Start(ctx, "nginx", []string{"-p", dir, "-e", "stderr", "-c", config}, listens)
	return p, place{address, "/" + filepath.Base(file)}, err
}

// freeAddress returns one that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
