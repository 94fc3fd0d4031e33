package streaming

import (
	"bytes"
	"context"
	"testing"

	"golang.org/x/sys/unix"
)

func newClient(t *testing.T) *client {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{epoll: epoll, byFD: map[int32]*conn{}, buffer: make([]byte, 64<<10)}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestTheClientCountsWhatServersPublish(t *testing.T) {
	for _, kind := range []string{"jrweb", "raw epoll"} {
		t.Run(kind, func(t *testing.T) {
			s, err := servers[kind](t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.close(); err != nil {
					t.Error(err)
				}
			}()
			c := newClient(t)
			const streams, events = 3, 200
			if _, err := c.connect(t.Context(), connect{s.where(), streams}); err != nil {
				t.Fatal(err)
			}
			if now, err := c.settle(t.Context(), struct{}{}); err != nil || now != (settled{Eventless: streams}) {
				t.Fatalf("before any event: %+v, %v", now, err)
			}
			publish := func(n int) {
				if err := s.flood(t.Context(), flood{Events: n, Publishers: 4, Batch: 3}); err != nil {
					t.Fatal(err)
				}
			}
			publish(events)
			came, err := c.await(t.Context(), await{Events: events, Times: true})
			if err != nil || came.Bytes < streams*events*eventBytes {
				t.Fatalf("%+v, %v", came, err)
			}
			if p, err := c.latencies(t.Context(), make([]int64, events)); err != nil || p.P50 <= 0 || p.P99 < p.P50 {
				t.Errorf("%+v, %v", p, err)
			}

			publish(events + 1) // the control: more than there should be
			if _, err := c.await(t.Context(), await{Events: events}); err == nil {
				if now, err := c.settle(t.Context(), struct{}{}); err != nil || now.Eventless == streams {
					t.Errorf("one event too many was not noticed: %+v, %v", now, err)
				}
			}
		})
	}
}

func TestTheClientWaitsForEventsThatAreMissing(t *testing.T) {
	s, err := newRawEpoll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	c := newClient(t)
	if _, err := c.connect(t.Context(), connect{s.where(), 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.await(ctx, await{Events: 1}); err == nil {
		t.Error("an event came that nobody published")
	}
}

func TestFramesOfHTTP2MayArriveInAnyPieces(t *testing.T) {
	stream := h2Frame(nil, h2Headers, h2EndHeaders, 1, []byte{h2Status200, '{'})
	for range 3 {
		stream = h2Frame(stream, h2Data, 0, 1, []byte("id: 1\ndata: {}\n\n"))
		stream = h2Frame(stream, h2WindowUpdate, 0, 0, []byte("{{{{"))
		stream = h2Frame(stream, h2Data, 0, 1, nil)
	}
	for size := 1; size <= len(stream); size++ {
		var r h2Reader
		for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if err := r.take(rest[:min(size, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if r.events != 3 {
			t.Fatalf("in pieces of %d bytes: %d events", size, r.events)
		}
	}
	refused := h2Frame(nil, h2Headers, h2EndHeaders, 1, []byte{0x8d}) // 404
	if err := new(h2Reader).take(bytes.Clone(refused)); err == nil {
		t.Error("an answer of 404 was taken")
	}
}
