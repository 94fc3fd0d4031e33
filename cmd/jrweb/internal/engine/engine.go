// Package engine runs a NATS server within this process, as one of the servers that keep the
// commits of a cluster. Clients are of this process alone; the servers reach each other through
// routes:
//
//	e, err := engine.Start(ctx, engine.Options{Dir: "jr.engine", Name: "a", Listen: "10.0.0.1:7073", Routes: others})
//	store, err := clusterstore.Open(ctx, "jr.db", e.URL(), "jrweb", &clusterstore.Options{SyncAlways: true, Replicas: 3})
//
// It syncs before it acknowledges, and takes messages of 8 MiB.
package engine

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Version is that of the server.
const Version = server.VERSION

// Options are the settings of a server. Dir and Name are required.
type Options struct {
	// Dir is the folder with what the server keeps, made if there is none.
	Dir string
	// Name is the name of the server, another one than those of all others. It must stay the
	// same, because the others count on who is away.
	Name string
	// Listen is where the other servers connect, host:port. Empty: there are no others.
	Listen string
	// Routes are where the other servers listen, host:port. The server itself may be among them.
	Routes []string
	// Secret is what the servers prove to each other. Empty: nothing.
	Secret string
	// TLS is how the servers talk, both as the one who connects and as the one who is connected
	// to. Nil: in the clear.
	TLS *tls.Config
	// Logger gets what the server says.
	Logger *slog.Logger
}

// Engine is a server that runs.
type Engine struct {
	server   *server.Server
	lock     *os.File
	password string // of clients; only this process knows it
}

// clusterName is what servers of one cluster have in common.
const clusterName = "jrweb"

// readyWithin is how long a server may take to start. It reads what it keeps.
const readyWithin = 5 * time.Minute

// Start starts a server. It returns when the server takes connections; whether it has found
// the others is another matter. It gives up when ctx ends.
func Start(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{password: rand.Text()}
	settings, err := e.settings(&o)
	if err != nil {
		return nil, err
	}
	if e.lock, err = lockDir(o.Dir); err != nil {
		return nil, err
	}
	said := &logger{to: o.Logger}
	if e.server, err = server.NewServer(settings); err == nil {
		e.server.SetLoggerV2(said, true, false, false)
		e.server.Start()
		err = e.ready(ctx, said)
	}
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("start the server of the cluster in %s: %w", o.Dir, err)
	}
	return e, nil
}

// ready waits until the server takes connections.
func (e *Engine) ready(ctx context.Context, said *logger) error {
	ready := make(chan bool, 1)
	go func() { ready <- e.server.ReadyForConnections(readyWithin) }() // Close ends it
	for {
		select {
		case ok := <-ready:
			if fatal := said.fatal.Load(); fatal != nil {
				return errors.New(*fatal)
			}
			if !ok {
				return errors.New("it is not ready in time")
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
			if fatal := said.fatal.Load(); fatal != nil {
				return errors.New(*fatal)
			}
		}
	}
}

func (e *Engine) settings(o *Options) (*server.Options, error) {
	s := &server.Options{
		// A server that listens to no clients would not listen to other servers either.
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: clusterName, Password: e.password,
		ServerName: o.Name, NoSigs: true,
		MaxPayload: 8 << 20, JetStream: true, StoreDir: o.Dir, SyncAlways: true,
	}
	if o.Listen == "" {
		return s, nil
	}
	host, text, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%s has no port: %w", o.Listen, err)
	}
	s.Cluster = server.ClusterOpts{Name: clusterName, Host: host, Port: port, NoAdvertise: true, TLSConfig: o.TLS}
	if o.TLS != nil {
		s.Cluster.TLSTimeout = 5
	}
	var user *url.Userinfo
	if o.Secret != "" {
		s.Cluster.Username, s.Cluster.Password = clusterName, o.Secret
		user = url.UserPassword(clusterName, o.Secret)
	}
	for _, route := range o.Routes {
		s.Routes = append(s.Routes, &url.URL{Scheme: "nats-route", Host: route, User: user})
	}
	return s, nil
}

// lockDir makes sure that no other process uses a folder.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is in use by another process: %w", dir, err), file.Close())
	}
	return file, nil
}

// URL is where a client of this process connects.
func (e *Engine) URL() string {
	return (&url.URL{Scheme: "nats", User: url.UserPassword(clusterName, e.password), Host: e.server.Addr().String()}).String()
}

// Lacks returns nil when the server has everything that it should keep. Until then it says what is
// missing, and the others cannot do without one of them. A server that has just started, or was
// away, gets that from the others first.
func (e *Engine) Lacks() (err error) {
	for _, said := range e.server.Healthz(&server.HealthzOptions{Details: true}).Errors {
		switch said.Type {
		case server.HealthzErrorConn: // Start has waited for it
		case server.HealthzErrorConsumer: // those are readers, which come and go
		default:
			err = errors.Join(err, errors.New(said.Error))
		}
	}
	return err
}

// Close ends the server. What it leads, another server leads then. Nil has nothing to end.
func (e *Engine) Close() {
	if e == nil {
		return
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	_ = e.lock.Close() // nothing was written to it
}
