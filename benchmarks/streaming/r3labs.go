package streaming

import (
	"context"
	"net/http"
	"strconv"

	"github.com/r3labs/sse/v2"

	"jrweb/benchmarks/internal/clock"
)

// r3labsServer keeps nothing: replay, which it would do from memory, is off.
type r3labsServer struct {
	*httpServer
	events *sse.Server
	data   []byte
	number int
}

func newR3labs(context.Context, []string) (server, error) {
	events := sse.New()
	events.AutoReplay = false
	events.CreateStream(task)
	h, err := listenHTTP(&http.Server{Handler: events}, "/?stream="+task) //nolint:gosec // its clients are ours
	if err != nil {
		return nil, err
	}
	return &r3labsServer{httpServer: h, events: events, data: payload(eventBytes)}, nil
}

func (s *r3labsServer) publish(context.Context) (int64, error) {
	s.number++
	at := clock.Now()
	s.events.Publish(task, &sse.Event{ID: []byte(strconv.Itoa(s.number)), Event: []byte("assistant"), Data: s.data})
	return at, nil
}

// flood waits where Publish waits: for the slowest subscriber.
func (s *r3labsServer) flood(ctx context.Context, f flood) error {
	for range f.Events {
		if _, err := s.publish(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *r3labsServer) close() error {
	err := s.httpServer.close()
	s.events.Close()
	return err
}
