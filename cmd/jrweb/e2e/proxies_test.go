package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/internal/freeport"
)

// A proxy is a program with its example in deploy/proxies.
type proxy struct {
	t       *testing.T
	program string
	args    []string // CONFIG and DIR stand for its files
	config  string
	dir     string
	url     string
	cmd     *exec.Cmd
	log     bytes.Buffer
}

// inFront are the proxies that have an example. names is where the example takes the name
// of who it is from anybody else, and what says that it is ann.
var inFront = []struct {
	name, file   string
	program      string
	args         []string
	names, isAnn string
}{
	{"nginx", "nginx.conf", "nginx", []string{"-c", "CONFIG", "-p", "DIR", "-e", "stderr", "-g", "daemon off;"}, "Remote-User $remote_user;", "Remote-User ann;"},
	{"Caddy", "Caddyfile", "caddy", []string{"run", "--adapter", "caddyfile", "--config", "CONFIG"}, "request_header -Remote-User", "request_header Remote-User ann"},
	{"HAProxy", "haproxy.cfg", "haproxy", []string{"-db", "-f", "CONFIG"}, "http-request del-header Remote-User", "http-request set-header Remote-User ann"},
}

// eachProxy runs a test behind each proxy, which is started with its example, except the
// addresses.
func eachProxy(t *testing.T, test func(t *testing.T, s *server, p *proxy), change func(t *testing.T, s *server, i int, config string) string) {
	for i, f := range inFront {
		t.Run(f.name, func(t *testing.T) {
			s := &server{t: t, db: filepath.Join(t.TempDir(), "jr.db")}
			text := readText(t, filepath.Join("..", "..", "..", "deploy", "proxies", f.file))
			if change != nil {
				text = change(t, s, i, text)
			}
			s.start()
			p := &proxy{t: t, program: needs(t, f.program), args: f.args, dir: t.TempDir()}
			addr := freeport.Addr(t)
			p.url, p.config = "http://"+addr, filepath.Join(p.dir, f.file)
			text = strings.NewReplacer("127.0.0.1:7070", s.addr, "127.0.0.1:8080", addr, "/run/nginx.pid", filepath.Join(p.dir, "pid"),
				// The user who runs the tests may not write where the package has these.
				"access_log off;", "access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;",
			).Replace(text)
			if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			p.start()
			test(t, s, p)
		})
	}
}

// start starts the proxy, and waits until it has the server behind it.
func (p *proxy) start() {
	p.t.Helper()
	args := make([]string, len(p.args))
	for i, arg := range p.args {
		args[i] = strings.NewReplacer("CONFIG", p.config, "DIR", p.dir).Replace(arg)
	}
	p.cmd = exec.Command(p.program, args...)
	p.cmd.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir, "XDG_DATA_HOME="+p.dir)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		p.stop()
		if p.t.Failed() {
			p.t.Logf("%s says:\n%s", p.program, &p.log)
		}
	})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		res, err := http.Get(p.url + "/healthz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	p.t.Fatalf("%s does not answer", p.program)
}

// stop kills the proxy, and with it all that it has open.
func (p *proxy) stop() {
	if p.cmd.ProcessState == nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // nginx is several processes
		_ = p.cmd.Wait()
	}
}

func TestAFirstEventPassesEachProxyAtOnce(t *testing.T) {
	eachProxy(t, func(t *testing.T, s *server, p *proxy) {
		// What has come before the first event keeps nothing back, and no event waits for
		// the next one. Others use this machine as well: the quickest counts. One that
		// gathers events, by bytes or by time, is never quick.
		s.append("t-1", says("0"))
		next := 1
		firstOf := func(kind string, once func() time.Duration) {
			quickest := time.Hour
			for range 10 {
				quickest = min(quickest, once())
			}
			if quickest > 100*time.Millisecond {
				t.Errorf("%s takes %v at best", kind, quickest)
			}
		}
		firstOf("the first event", func() time.Duration {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			begin := time.Now()
			follow(ctx, t, p.url+"/tasks/t-1/events/stream", "").next(t)
			return time.Since(begin)
		})
		live := follow(t.Context(), t, p.url+"/tasks/t-1/events/stream", "")
		live.next(t)
		firstOf("a live event", func() time.Duration {
			begin := time.Now()
			s.append("t-1", says("%d", next))
			if got := live.next(t).data; !strings.Contains(got, fmt.Sprintf("%q", strconv.Itoa(next))) {
				t.Errorf("after %d came %s", next-1, got)
			}
			next++
			return time.Since(begin)
		})
	}, nil)
}

func TestAProxyThatRestartsLosesNothing(t *testing.T) {
	const events, restarts = 120, 2
	eachProxy(t, func(t *testing.T, s *server, p *proxy) {
		s.append("t-1", says("0"))
		written := make(chan error, 1)
		halfway := make(chan struct{}, restarts)
		go func() {
			for i := 1; i < events; i++ {
				if i%(events/(restarts+1)) == 0 {
					halfway <- struct{}{}
				}
				if err := appendWithKey(p.url+"/tasks/t-1/events", says("%d", i), fmt.Sprintf("key-%d", i)); err != nil {
					written <- err
					return
				}
			}
			written <- appendWithKey(p.url+"/tasks/t-1/events", `{"type":"complete","data":{}}`, "key-end")
		}()
		got := make(chan []string, 1)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		go func() { got <- resumeToTheEnd(ctx, p.url+"/tasks/t-1/events/stream") }()
		for range restarts {
			<-halfway
			p.stop()
			p.start()
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		all := <-got
		for i := range events {
			if i >= len(all) || all[i] != fmt.Sprintf(`{"content":"%d"}`, i) {
				t.Fatalf("event %d is not where it should be: of %d, %q", i, len(all), all[max(0, i-2):min(len(all), i+2)])
			}
		}
		if len(all) != events+1 {
			t.Errorf("%d events came, not %d", len(all), events+1)
		}
		if _, head, _ := s.head("t-1"); head != events+1 {
			t.Errorf("the log holds %d events, not %d", head, events+1)
		}
	}, nil)
}

// Who somebody is, the proxy says, and nobody else: a client that names itself is not
// believed.
func TestEachProxySaysWhoItIsAndNobodyElse(t *testing.T) {
	trust := func(t *testing.T, s *server) {
		roles := filepath.Join(t.TempDir(), "roles")
		if err := os.WriteFile(roles, []byte("ann:read\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.flags = []string{"-auth-proxy", "127.0.0.1/32", "-auth-roles", roles, "-auth-groups-header", "Remote-Groups"}
	}
	asked := func(t *testing.T, p *proxy) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/tasks", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Remote-User", "ann")
		req.Header.Set("Remote-Groups", "ann")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	t.Run("the example", func(t *testing.T) {
		eachProxy(t, func(t *testing.T, _ *server, p *proxy) {
			if status := asked(t, p); status != http.StatusUnauthorized {
				t.Errorf("whoever says that it is ann is answered %d", status)
			}
		}, func(t *testing.T, s *server, _ int, config string) string {
			trust(t, s)
			return config
		})
	})
	t.Run("with a name", func(t *testing.T) {
		eachProxy(t, func(t *testing.T, _ *server, p *proxy) {
			if status := asked(t, p); status != http.StatusOK {
				t.Errorf("ann is answered %d", status)
			}
		}, func(t *testing.T, s *server, i int, config string) string {
			trust(t, s)
			if strings.Count(config, inFront[i].names) != 1 {
				t.Fatalf("the example does not say %q once", inFront[i].names)
			}
			return strings.Replace(config, inFront[i].names, inFront[i].isAnn, 1)
		})
	})
}

// Attempts to sign in are counted by client, whatever a client says of its address.
func TestEachProxySaysWhichClientItIs(t *testing.T) {
	eachProxy(t, func(t *testing.T, _ *server, p *proxy) {
		attempt := func(from string) int {
			t.Helper()
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/login", strings.NewReader(`{"token":"wrong"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Forwarded-For", "127.0.0.4")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		for i := range 10 {
			if status := attempt("127.0.0.2"); status != http.StatusUnauthorized {
				t.Fatalf("attempt %d is answered %d", i+1, status)
			}
		}
		if status := attempt("127.0.0.2"); status != http.StatusTooManyRequests {
			t.Errorf("attempt 11 is answered %d", status)
		}
		if status := attempt("127.0.0.3"); status != http.StatusUnauthorized {
			t.Errorf("another client is answered %d", status)
		}
	}, func(t *testing.T, s *server, _ int, config string) string {
		tokens := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(tokens, []byte("ann:read:token-0123456789\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.flags = []string{"-token-file", tokens, "-trusted-proxy", "127.0.0.1/32"}
		return config
	})
}

// appendWithKey appends until it is known that it was, as every client does that has
// given a key.
func appendWithKey(url, event, key string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	err := errors.New("no time")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		var req *http.Request
		if req, err = http.NewRequest(http.MethodPost, url, strings.NewReader(event)); err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		var res *http.Response
		if res, err = http.DefaultClient.Do(req); err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
		if err = errors.New(res.Status); res.StatusCode < 500 {
			return err
		}
	}
	return err
}

// frame is one message of a stream.
type frame struct{ id, data string }

// following is a stream that is read.
type following struct {
	res   *http.Response
	lines *bufio.Scanner
}

// follow opens a stream after a cursor, "" for none.
func follow(ctx context.Context, t *testing.T, url, cursor string) *following {
	t.Helper()
	f, err := tryFollow(ctx, url, cursor)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tryFollow(ctx context.Context, url, cursor string) (*following, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if cursor != "" {
		req.Header.Set("Last-Event-ID", cursor)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	return &following{res, bufio.NewScanner(res.Body)}, nil
}

// read returns the next event; ok is false at the end of the response.
func (f *following) read() (e frame, ok bool) {
	for f.lines.Scan() {
		line := f.lines.Text()
		if id, is := strings.CutPrefix(line, "id: "); is {
			e.id = id
		}
		if data, is := strings.CutPrefix(line, "data: "); is {
			e.data = data
		}
		if line == "" && e.id != "" {
			return e, true // what was cut off before its empty line is none
		}
	}
	f.res.Body.Close()
	return frame{}, false
}

func (f *following) next(t *testing.T) frame {
	t.Helper()
	e, ok := f.read()
	if !ok {
		t.Fatal("the stream has ended")
	}
	return e
}

// resumeToTheEnd does what an EventSource does, until it is told that there is no more,
// and returns the data of what came.
func resumeToTheEnd(ctx context.Context, url string) []string {
	var all []string
	cursor := ""
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		f, err := tryFollow(ctx, url, cursor)
		if err != nil {
			continue
		}
		if f.res.StatusCode == http.StatusNoContent {
			f.res.Body.Close()
			return all
		}
		for e, ok := f.read(); ok; e, ok = f.read() {
			cursor = e.id
			all = append(all, e.data)
		}
	}
	return all
}
