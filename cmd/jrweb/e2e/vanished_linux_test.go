package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAClientThatVanishedIsNoticed takes the network away from under a stream, in a
// network of its own: no end of the connection is ever said, and nothing comes back of
// what is sent. The server forgets such a client within half a minute and some, and not
// one whose network was away for a moment.
func TestAClientThatVanishedIsNoticed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a network of its own needs root")
	}
	if out, err := exec.Command(needs(t, "unshare"), "-n", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine has no networks of their own: %s", out)
	}
	for _, c := range []struct {
		name string
		away time.Duration
		left int
	}{
		{"away for 40 s", 40 * time.Second, 0},
		{"away for 3 s, control", 3 * time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &server{
				t: t, db: filepath.Join(t.TempDir(), "jr.db"), flags: []string{"-heartbeat", "1s"},
				wrap: []string{needs(t, "unshare"), "-n", "sh", "-c", `ip link set lo up; exec "$@"`, "sh"},
			}
			s.start()
			_, port, _ := strings.Cut(s.addr, ":")
			ask := func(request string) *exec.Cmd {
				return s.inside(fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%s; printf '%s' >&3; cat <&3", port, request))
			}
			say := func(request string) string {
				t.Helper()
				out, err := ask(request).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				return string(out)
			}
			say(`PUT /tasks/t-1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`)
			stream := ask(`GET /tasks/t-1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n`)
			out, err := stream.StdoutPipe()
			if err == nil {
				err = stream.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = stream.Process.Kill(); _ = stream.Wait() })
			var got []byte
			for p := make([]byte, 256); !bytes.Contains(got, []byte(": heartbeat")); {
				n, err := out.Read(p)
				if err != nil {
					t.Fatalf("%v after %q", err, got)
				}
				got = append(got, p[:n]...)
			}
			network := func(state string) {
				t.Helper()
				if out, err := s.inside("ip link set lo " + state).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			network("down")
			<-time.After(c.away) // the time of the kernel
			network("up")
			metrics := say(`GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n`) // in one piece
			if want := fmt.Sprintf("\njrweb_streams_active %d\n", c.left); !strings.Contains(metrics, want) {
				_, active, _ := strings.Cut(metrics, "\njrweb_streams_active ")
				t.Errorf("%.20q streams are active", active)
			}
		})
	}
}

// inside runs a script in the network of the server.
func (s *server) inside(script string) *exec.Cmd {
	s.t.Helper()
	return exec.Command(needs(s.t, "nsenter"), "-t", fmt.Sprint(s.cmd.Process.Pid), "-n", "bash", "-c", script)
}
