package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// abuse is something that clients do to take a server's memory.
type abuse struct {
	name string
	// prepare fills the log. Nil: it has one task with an open session.
	prepare func(s *server)
	// request is what each client sends, and awaits what it reads before it falls silent.
	request []byte
	awaits  string
	dial    func(addr string) (net.Conn, error)
	// http2: net/http ends a connection whose first frame it has not seen after 2 s, also
	// if it is the machine that is late. As any client, this one comes again then.
	http2 bool
	flags []string
	// clients are so many, in the long form so many more.
	clients, long int
	// each is how many KiB a client may take, and all how many MiB all may.
	each, all int
}

// TestMemoryUnderAbuse holds a server's memory, as the operating system counts it, to a
// bound while clients do what takes it, and a client that means well is served meanwhile.
// With JRWEB_TORTURE set there are as many as docs/operations.md speaks of.
func TestMemoryUnderAbuse(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "jrweb") // the race detector takes memory of its own
	build := exec.Command("go", "build", "-o", plain, "jrweb/cmd/jrweb")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as for the image: it is compiled once
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	certificate := selfSigned(t)
	const stream = "/tasks/t-1/events/stream"
	overTLS := []string{"-tls-cert", certificate, "-tls-key", certificate}
	text := strings.Repeat("x", 48<<10)
	tasks := 100
	if torture() {
		tasks = 1500
	}
	manyTasks := func(s *server) {
		for i := range tasks {
			s.putTask(fmt.Sprintf("t-%d", i), "", text)
		}
	}
	for _, a := range []abuse{
		{name: "idle streams, HTTP/1.1", request: get(stream, ""), awaits: "retry: ", clients: 300, long: 10_000, each: 12},
		{name: "idle streams, HTTP/1.1 over TLS", request: get(stream, ""), awaits: "retry: ", dial: dialTLS("http/1.1"), flags: overTLS, clients: 300, long: 10_000, each: 45},
		{name: "idle streams, HTTP/2", request: getH2(stream), awaits: "retry: ", http2: true, dial: dialTLS("h2"), flags: overTLS, clients: 300, long: 10_000, each: 100},
		{name: "idle streams, h2c", request: getH2(stream), awaits: "retry: ", http2: true, clients: 300, long: 10_000, each: 60},
		{name: "silent clients of all tasks", prepare: manyTasks, request: get("/stream", ""), awaits: "retry: ", clients: 20, long: 500, each: 1024},
		{name: "silent clients of the list", prepare: manyTasks, request: get("/tasks?limit=1000", ""), awaits: "HTTP/1.1 ", clients: 60, long: 1000, all: 700},
		{name: "silent clients of a history", prepare: func(s *server) {
			for range 100 {
				s.append("t-1", says("%s", text))
			}
		}, request: get("/tasks/t-1/events?limit=10000", ""), awaits: "HTTP/1.1 ", clients: 60, long: 1000, all: 700},
		{name: "unfinished bodies of 31 MiB", request: append(
			fmt.Appendf(nil, "POST /tasks/t-1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n[", 31<<20), bytes.Repeat([]byte(" "), 4<<20)...),
			clients: 30, long: 100, all: 700},
		{name: "requests whose header never ends", request: get(stream, "X-Long: "+strings.Repeat("x", 28<<10)+"\r\nX-")[:28<<10], clients: 1000, long: 2000, each: 100},
		{name: "bodies that nobody reads, and that never come", request: []byte("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"), clients: 1000, long: 2000, each: 60},
	} {
		t.Run(a.name, func(t *testing.T) { a.run(t, plain) })
	}
}

func (a *abuse) run(t *testing.T, build string) {
	s := &server{t: t, build: build, db: filepath.Join(t.TempDir(), "jr.db"), flags: append([]string{"-log-requests=false"}, a.flags...)}
	s.start()
	s.wellMeant("t-1")
	if a.prepare != nil {
		a.prepare(s)
	}
	s.wellMeant("other")
	before := s.memory()
	clients := a.clients
	if torture() {
		clients = a.long
	}
	var opening sync.WaitGroup
	var again atomic.Int64
	room := make(chan struct{}, 16)
	for range clients {
		room <- struct{}{}
		opening.Go(func() {
			defer func() { <-room }()
			err := a.open(t, s.addr)
			if errors.Is(err, io.EOF) && a.http2 {
				again.Add(1)
				err = a.open(t, s.addr)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	if n := int(again.Load()); n > 1+clients/1000 {
		t.Errorf("%d clients of HTTP/2 were not heard at first", n)
	}
	took := s.wellMeant("other")
	grown := s.memory() - before
	t.Logf("%d clients take %.1f MiB, %.1f KiB each; an append beside them took %v", clients, float64(grown)/1024, float64(grown)/float64(clients), took.Round(time.Millisecond))
	const slack = 32 << 10 // of the garbage collector, KiB
	if most := slack + a.each*clients + a.all<<10; grown > most {
		t.Errorf("they take %d KiB, more than %d", grown, most)
	}
}

// open opens a connection that does its harm until the end of the test.
func (a *abuse) open(t *testing.T, addr string) error {
	dial := a.dial
	if dial == nil {
		dial = func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }
	}
	c, err := dial(addr)
	if err != nil {
		return err
	}
	t.Cleanup(func() { c.Close() })
	// Where the server takes no more, it may say so and close: that is well, too.
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(a.request); err != nil && a.awaits != "" {
		return err
	}
	var got []byte
	for p := make([]byte, 512); a.awaits != "" && !bytes.Contains(got, []byte(a.awaits)); {
		n, err := c.Read(p)
		if err != nil {
			return fmt.Errorf("%w after %q", err, got)
		}
		got = append(got, p[:n]...)
	}
	return nil
}

// wellMeant appends an event and reads it back, and returns how long that took.
func (s *server) wellMeant(task string) time.Duration {
	s.t.Helper()
	began := time.Now()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	// A 503 says when to repeat the request, and a client that means well does.
	ask := func(method, path, body string) string {
		for {
			req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
			if err != nil {
				s.t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				s.t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			switch {
			case err == nil && res.StatusCode == http.StatusOK:
				return string(text)
			case res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || time.Since(began) > patience:
				s.t.Fatalf("%s %s is answered %s after %v: %s %v", method, path, res.Status, time.Since(began), text, err)
			}
			<-time.After(time.Second)
		}
	}
	ask(http.MethodPost, "/tasks/"+task+"/events", says("well meant"))
	if text := ask(http.MethodGet, "/tasks/"+task+"/events?last=1", ""); !strings.Contains(text, "well meant") {
		s.t.Fatalf("the history is %s", text)
	}
	return time.Since(began)
}

// memory returns what the server holds beside pages of files, in KiB.
func (s *server) memory() int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "\nRssAnon:")
	var kib int
	if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d kB", &kib); err != nil {
		s.t.Fatal(err)
	}
	return kib
}

func get(path, headers string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n")
}

// getH2 is all that a client of HTTP/2 says that asks for one thing.
func getH2(path string) []byte {
	frame := func(dst []byte, kind, flags, stream byte, payload []byte) []byte {
		dst = append(dst, 0, byte(len(payload)>>8), byte(len(payload)), kind, flags, 0, 0, 0, stream)
		return append(dst, payload...)
	}
	var fields []byte
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", path}} {
		fields = append(append(fields, 0, byte(len(f[0]))), f[0]...)
		fields = append(append(fields, byte(len(f[1]))), f[1]...)
	}
	out := frame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 4, 0, 0, nil)
	return frame(out, 1, 0x1|0x4, 1, fields)
}

// selfSigned makes a file with a certificate and its key.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "server.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func dialTLS(protocol string) func(addr string) (net.Conn, error) {
	return func(addr string) (net.Conn, error) {
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	}
}
