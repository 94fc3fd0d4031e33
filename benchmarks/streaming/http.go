package streaming

import (
	"errors"
	"net"
	"net/http"
)

// httpServer is what the servers that use net/http share.
type httpServer struct {
	http     *http.Server
	listener net.Listener
	served   chan error
	path     string
}

// listenHTTP serves on a port of the loopback interface, HTTP/1.1 and h2c.
func listenHTTP(s *http.Server, path string) (*httpServer, error) {
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &httpServer{http: s, listener: listener, served: make(chan error, 1), path: path}
	go func() { h.served <- s.Serve(listener) }()
	return h, nil
}

func (h *httpServer) where() place { return place{h.listener.Addr().String(), h.path} }

// close cuts the streams off: nobody reads them any more.
func (h *httpServer) close() error {
	err := h.http.Close()
	if served := <-h.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
