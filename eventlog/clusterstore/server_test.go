package clusterstore_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
	"jrweb/router"
	"jrweb/streamer"
)

// serverVariable makes the test program a server with a replica: its value is a serverConfig.
const serverVariable = "JRWEB_TEST_SERVER"

type serverConfig struct {
	Path, URL, Socket string
	Replicas          int
}

// serve is a server with a replica until standard input ends. Its socket is in the file system, so that it
// is reached from wherever the process runs. Below /sure/ it answers when it knows everything that
// was committed before the request, and /hash is a hash of all that it holds.
func serve(said string) error {
	var c serverConfig
	if err := json.Unmarshal([]byte(said), &c); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if os.Getenv("JRWEB_TEST_VERBOSE") == "" {
		logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := clusterstore.Open(ctx, c.Path, c.URL, stream, &clusterstore.Options{Replicas: c.Replicas, Wait: 5 * time.Second, Logger: logger})
	if err != nil {
		return err
	}
	log, err := eventlog.New(s, &eventlog.Options{Logger: logger})
	if err != nil {
		return err
	}
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/sure/", http.StripPrefix("/sure", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := log.CatchUp(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	})))
	mux.HandleFunc("/roles", func(w http.ResponseWriter, r *http.Request) {
		leader, err := leaderOf(r.Context(), c.URL)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(roles{s.(store.ClusterStore).Cluster().Writer, leader}) // who asks notices
	})
	mux.HandleFunc("/hash", func(w http.ResponseWriter, r *http.Request) {
		err := log.CatchUp(r.Context())
		h := sha256.New()
		if err == nil {
			err = s.View(r.Context(), func(v store.Reader) error {
				for _, b := range store.Buckets() {
					for key, value := range v.Ascend(b, nil, nil) {
						fmt.Fprintf(h, "%s %x %x\n", b, key, value)
					}
				}
				return nil
			})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "%x", h.Sum(nil))
	})
	l, err := net.Listen("unix", c.Socket)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		<-log.Done()
		fmt.Fprintln(os.Stderr, "the log of", c.Path, "has ended:", log.Err())
		os.Exit(1)
	}()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(l, mux)
}

// roles is what a server knows of who is who.
type roles struct {
	Writer bool   // whether it is the writer itself
	Leader string // the NATS server that leads the stream
}

// leaderOf returns the server that leads the stream, if there is one.
func leaderOf(ctx context.Context, url string) (string, error) {
	conn, err := nats.Connect(url)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return "", err
	}
	s, err := js.Stream(ctx, stream)
	if err == nil && s.CachedInfo().Cluster.Leader == "" {
		err = errors.New("nobody leads the stream")
	}
	if err != nil {
		return "", err
	}
	return s.CachedInfo().Cluster.Leader, nil
}

// process is a server with a replica.
type process struct {
	testing.TB
	place  natstest.Place
	config serverConfig
	client *http.Client
	cmd    *exec.Cmd
	stdin  io.Closer
}

func newProcess(t testing.TB, place natstest.Place, url string, replicas int) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{TB: t, place: place, config: serverConfig{filepath.Join(dir, "jr.db"), url, filepath.Join(dir, "s"), replicas}}
	p.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 100,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", p.config.Socket)
		},
	}}
	t.Cleanup(p.Kill)
	p.Restart()
	return p
}

// Restart starts the process.
func (p *process) Restart() {
	p.Helper()
	said, err := json.Marshal(p.config)
	if err != nil {
		p.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		p.Fatal(err)
	}
	_ = os.Remove(p.config.Socket) // of a process that was killed
	p.cmd = p.place.Command(exe)
	p.cmd.Env = append(os.Environ(), serverVariable+"="+string(said))
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		p.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		p.Fatalf("a server with a replica did not start: %v", err)
	}
}

// Kill ends the process as a crash would.
func (p *process) Kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
	p.cmd = nil
}

// Stop makes the process stand still until Continue.
func (p *process) Stop() { p.signal(syscall.SIGSTOP) }

// Continue ends Stop.
func (p *process) Continue() { p.signal(syscall.SIGCONT) }

func (p *process) signal(sig syscall.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.Fatal(err)
	}
}
