package streaming

import (
	"context"
	"net/http"
	"os"
	"time"
)

// serveContentServer serves a file by http.ServeContent.
type serveContentServer struct{ *httpServer }

// newServeContent serves the file args[0], opened again for each request.
func newServeContent(_ context.Context, args []string) (server, error) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(args[0])
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer func() { _ = file.Close() }() // closing what was only read loses nothing
		w.Header().Set("Content-Type", "text/event-stream")
		http.ServeContent(w, r, "", time.Time{}, file)
	}
	h, err := listenHTTP(&http.Server{Handler: http.HandlerFunc(handler)}, "/") //nolint:gosec // its clients are ours
	if err != nil {
		return nil, err
	}
	return &serveContentServer{h}, nil
}

func (s *serveContentServer) publish(context.Context) (int64, error) { return 0, errNoEvents }
func (s *serveContentServer) flood(context.Context, flood) error     { return errNoEvents }
