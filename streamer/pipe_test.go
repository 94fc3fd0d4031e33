package streamer_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
	"jrweb/streamer"
)

// pipes is a network in memory: for servers inside a synctest bubble.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pipeServer is a real http.Server and a real http.Client with pipes between
// them. A pipe holds nothing: a write blocks until it is read.
type pipeServer struct {
	server
	config    *http.Server
	transport *http.Transport
	pipes     *pipes
}

// servePipe must be called in a bubble. setup, if it is not nil, changes server and client
// before they start.
func servePipe(t *testing.T, log *eventlog.Log, o *streamer.Options, setup func(*pipeServer)) *pipeServer {
	t.Helper()
	s := &pipeServer{pipes: newPipes()}
	s.streams = streamer.New(log, o)
	s.url = "http://pipe"
	s.config = &http.Server{Handler: routes(s.streams), ConnContext: s.streams.ConnContext}
	s.config.RegisterOnShutdown(s.streams.Shutdown)
	s.transport = &http.Transport{DialContext: s.pipes.dial}
	s.client = &http.Client{Transport: s.transport}
	if setup != nil {
		setup(s)
	}
	var listener net.Listener = s.pipes
	if s.config.TLSConfig != nil {
		s.url = "https://pipe"
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		var err error
		if s.config.TLSConfig != nil {
			err = s.config.ServeTLS(listener, "", "")
		} else {
			err = s.config.Serve(listener)
		}
		if err != http.ErrServerClosed && err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.streams.Shutdown()
		s.config.Close()
		s.transport.CloseIdleConnections()
		serving.Wait()
	})
	return s
}

// overTLS makes a pipeServer speak HTTP/2 over TLS; h2c is without TLS; overTLS1 is
// HTTP/1.1 over TLS.
func overTLS(s *pipeServer) {
	withTLS(s)
	onlyHTTP2(s, (*http.Protocols).SetHTTP2)
}

func overTLS1(s *pipeServer) {
	withTLS(s)
	s.config.Protocols = new(http.Protocols)
	s.config.Protocols.SetHTTP1(true)
}

func withTLS(s *pipeServer) {
	trusted := httptest.NewUnstartedServer(nil)
	trusted.StartTLS() // for its certificate
	defer trusted.Close()
	s.config.TLSConfig = &tls.Config{Certificates: trusted.TLS.Certificates}
	s.transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
}

func h2c(s *pipeServer) { onlyHTTP2(s, (*http.Protocols).SetUnencryptedHTTP2) }

func onlyHTTP2(s *pipeServer, set func(*http.Protocols, bool)) {
	protocols := new(http.Protocols)
	set(protocols, true)
	s.config.Protocols, s.transport.Protocols = protocols, protocols
	// By default a client buffers 4 MB of a stream that nobody reads.
	s.transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}
}

// withoutTakeOver leaves the connections to net/http.
func withoutTakeOver(s *pipeServer) { s.config.ConnContext = nil }

// everyKind is every way from a server to a client.
var everyKind = map[string]func(*pipeServer){
	"HTTP/1.1, taken over": func(*pipeServer) {}, "HTTP/1.1": withoutTakeOver, "HTTP/2": overTLS, "h2c": h2c,
	"HTTP/1.1 over TLS, taken over": overTLS1,
}

// bubble runs a test in synctest's time.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}
