package streaming

import (
	"context"
	"errors"
	"net/http"
)

// netHTTPServer serves streams on which nothing comes: what a connection costs
// net/http itself, with a handler that only waits.
type netHTTPServer struct{ *httpServer }

func newNetHTTP(context.Context, []string) (server, error) {
	h, err := listenHTTP(&http.Server{Handler: http.HandlerFunc(wait)}, "/") //nolint:gosec // its clients are ours
	if err != nil {
		return nil, err
	}
	return &netHTTPServer{h}, nil
}

func wait(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return // the client is gone
	}
	<-r.Context().Done()
}

func (s *netHTTPServer) publish(context.Context) (int64, error) { return 0, errNoEvents }
func (s *netHTTPServer) flood(context.Context, flood) error     { return errNoEvents }

var errNoEvents = errors.New("this server has no events of its own")
