package streamer_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/streamer"
)

func TestDrainWaitsForStreamsThatTheServerDoesNotKnow(t *testing.T) {
	bubble(t, "until each has said goodbye", func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		server := servePipe(t, log, nil, nil)
		readers := []*reader{server.open(t, ""), server.open(t, ""), server.open(t, "types=thought")}
		if err := server.config.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		drained := make(chan error, 1)
		go func() { drained <- server.streams.Drain(t.Context()) }()
		for i, r := range readers {
			synctest.Wait()
			select {
			case err := <-drained:
				t.Fatalf("drained (%v) before stream %d had ended", err, i)
			default:
			}
			r.wantRetry(1000, 3000)
			r.wantEnd()
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if err := server.streams.Drain(t.Context()); err != nil { // there is nothing to wait for
			t.Error(err)
		}
	})
	bubble(t, "also one whose connection is just being taken over", func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		forgotten, goOn := make(chan struct{}), make(chan struct{})
		server := servePipe(t, log, nil, func(s *pipeServer) {
			next := s.config.Handler
			s.config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(slowHijack{w, forgotten, goOn}, r)
			})
		})
		opened := make(chan *reader, 1)
		go func() { opened <- server.open(t, "") }()
		<-forgotten
		if err := server.config.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		drained := make(chan error, 1)
		go func() { drained <- server.streams.Drain(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-drained:
			t.Fatalf("drained (%v) before the stream had begun", err)
		default:
		}
		close(goOn)
		r := <-opened
		r.wantRetry(1000, 3000)
		r.wantEnd()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
	bubble(t, "or cuts them off when its time is over", func(t *testing.T) {
		log := newLog(t)
		start(t, log)
		trace, closed := closing()
		server := servePipe(t, log, &streamer.Options{Trace: trace, WriteTimeout: time.Hour}, nil)
		r := server.open(t, "") // and does not read the end
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		if err := server.streams.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drained: %v", err)
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("drained after %v", took)
		}
		if reason := <-closed; reason != streamer.ClientGone {
			t.Errorf("reason %q", reason)
		}
		r.body.Close()
	})
}

// slowHijack waits after the hijack, when the server no longer knows the connection.
type slowHijack struct {
	http.ResponseWriter
	forgotten, goOn chan struct{}
}

// Hijack implements [http.Hijacker].
func (s slowHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	close(s.forgotten)
	<-s.goOn
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] through.
func (s slowHijack) Unwrap() http.ResponseWriter { return s.ResponseWriter }
