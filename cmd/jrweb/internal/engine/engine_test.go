package engine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/internal/freeport"
)

// heard is a logger that closes what the test waits for, once a text is said.
type heard struct {
	slog.Handler
	text string
	said chan struct{}
}

func (h *heard) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, h.text) {
		select {
		case h.said <- struct{}{}:
		default:
		}
	}
	return nil
}

func (h *heard) Enabled(context.Context, slog.Level) bool { return true }

// identity is a certificate that signs itself, and how servers that have it talk.
func identity(t *testing.T) *tls.Config {
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
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(own)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

// A server that does not know the secret, or cannot prove who it is, never becomes one of the
// others.
func TestOnlyServersThatProveWhoTheyAreConnect(t *testing.T) {
	good, other := identity(t), identity(t)
	secret := strings.Repeat("s", 32)
	for _, c := range []struct {
		name   string
		secret string
		tls    *tls.Config
		hears  string // what the first server says when the second one has come
	}{
		{"the same", secret, good, "Route connection created"},
		{"another secret", secret + "x", good, "authentication error"},
		{"no secret", "", good, "authentication error"},
		{"a certificate of another authority", secret, other, "TLS route handshake error"},
		{"in the clear", secret, nil, "TLS route handshake error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &heard{text: c.hears, said: make(chan struct{}, 1)}
			addr := freeport.Addr(t)
			first := start(t, Options{Name: "a", Listen: addr, Routes: []string{addr}, Secret: secret, TLS: good, Logger: slog.New(h)})
			second := start(t, Options{Name: "b", Listen: freeport.Addr(t), Routes: []string{addr}, Secret: c.secret, TLS: c.tls, Logger: slog.New(slog.DiscardHandler)})
			select {
			case <-h.said:
			case <-time.After(patience):
				t.Errorf("the first server never says %q", c.hears)
			}
			joined := func() bool { return first.server.NumRoutes() > 0 && second.server.NumRoutes() > 0 }
			for began := time.Now(); c.name == "the same" && !joined() && time.Since(began) < patience; {
				<-time.After(10 * time.Millisecond) // each of them learns of it by itself
			}
			if joined() != (c.name == "the same") {
				t.Errorf("they are connected: %t", joined())
			}
		})
	}
}

// Only this process knows the password of its server's clients.
func TestNobodyElseIsAClient(t *testing.T) {
	e := start(t, Options{Name: "a", Logger: slog.New(slog.DiscardHandler)})
	own, err := nats.Connect(e.URL())
	if err != nil {
		t.Fatal(err)
	}
	own.Close()
	for _, user := range []string{"", "jrweb@", "jrweb:jrweb@"} {
		conn, err := nats.Connect("nats://" + user + e.server.Addr().String())
		if err == nil {
			conn.Close()
			t.Errorf("%q is a client", user)
		}
	}
}

// A server says what it lacks until it counts: without a majority, and with an empty folder until it
// has from the others what it should keep. Then one of these can be lost.
func TestAServerThatLacksNothingCounts(t *testing.T) {
	var listen []string
	for range 3 {
		listen = append(listen, freeport.Addr(t))
	}
	begin := func(i int) *Engine {
		return start(t, Options{Name: string(rune('a' + i)), Listen: listen[i], Routes: listen, Logger: slog.New(slog.DiscardHandler)})
	}
	first := begin(0)
	if first.Lacks() == nil {
		t.Error("one of three servers lacks nothing")
	}
	second, third := begin(1), begin(2)
	for _, e := range []*Engine{first, second, third} {
		whole(t, e)
	}
	publish(t, second, 1)
	third.Close()
	publish(t, second, 2)
	third = begin(2)
	whole(t, third)
	first.Close()
	publish(t, second, 3)
}

func whole(t *testing.T, e *Engine) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		err := e.Lacks()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// publish stores a message in a stream that three servers keep, at a position.
func publish(t *testing.T, to *Engine, position uint64) {
	t.Helper()
	conn, err := nats.Connect(to.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if position == 1 {
			_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "s", Subjects: []string{"s"}, Replicas: 3})
		}
		if err == nil {
			_, err = js.Publish(ctx, "s", nil, jetstream.WithExpectLastSequence(position-1), jetstream.WithMsgID(strconv.FormatUint(position, 10)))
		}
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("message %d is not stored: %v", position, err)
		}
		<-time.After(10 * time.Millisecond)
		err = nil
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// What a server cannot start with is an error, and leaves the folder to the next one.
func TestAServerThatCannotListenIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := Options{Dir: filepath.Join(t.TempDir(), "engine"), Name: "a", Listen: l.Addr().String(), Routes: []string{l.Addr().String()}, Logger: slog.New(slog.DiscardHandler)}
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a port that is taken: %v", err)
	}
	o.Listen, o.Routes = "", nil
	first := start(t, o)
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a folder that is in use: %v", err)
	}
	first.Close()
	start(t, o)
}

func start(t *testing.T, o Options) *Engine {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}
