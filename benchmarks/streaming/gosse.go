package streaming

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/tmaxmax/go-sse"

	"jrweb/benchmarks/internal/clock"
)

// goSSEServer is tmaxmax/go-sse as it comes, which keeps nothing.
type goSSEServer struct {
	*httpServer
	events *sse.Server
	data   string
	number int
}

func newGoSSE(context.Context, []string) (server, error) {
	events := &sse.Server{}
	h, err := listenHTTP(&http.Server{Handler: events}, "/") //nolint:gosec // its clients are ours
	if err != nil {
		return nil, err
	}
	return &goSSEServer{httpServer: h, events: events, data: string(payload(eventBytes))}, nil
}

func (s *goSSEServer) publish(context.Context) (int64, error) {
	s.number++
	m := &sse.Message{ID: sse.ID(strconv.Itoa(s.number)), Type: sse.Type("assistant")}
	m.AppendData(s.data)
	at := clock.Now()
	return at, s.events.Publish(m)
}

func (s *goSSEServer) flood(ctx context.Context, f flood) error {
	for range f.Events {
		if _, err := s.publish(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *goSSEServer) close() error {
	return errors.Join(s.events.Shutdown(context.Background()), s.httpServer.close())
}
