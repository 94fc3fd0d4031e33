package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/benchmarks/internal/child"
)

// natsStore is a NATS server with a JetStream stream that syncs each message
// before it acknowledges it, and a subject a session.
type natsStore struct {
	server *child.Process
	conn   *nats.Conn
	stream jetstream.JetStream
}

func openNATS(ctx context.Context, dir string, _, _ int) (store, error) {
	p, err := child.Self(ctx, "nats", dir)
	if err != nil {
		return nil, err
	}
	s := &natsStore{server: p}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *natsStore) connect(ctx context.Context) (err error) {
	if s.conn, err = nats.Connect(s.server.Ready); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if s.stream, err = jetstream.New(s.conn); err != nil {
		return err
	}
	_, err = s.stream.CreateStream(ctx, jetstream.StreamConfig{Name: "events", Subjects: []string{"s.*"}, Storage: jetstream.FileStorage})
	return err
}

func (s *natsStore) append(ctx context.Context, _, session int) error {
	_, err := s.stream.Publish(ctx, fmt.Sprintf("s.%d", session), payload)
	return err
}

func (s *natsStore) close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	return s.server.Stop()
}

// serveNATS runs a server on files in the folder args[0], and prints its URL.
func serveNATS(ctx context.Context, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: args[0], SyncAlways: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the NATS server is not ready in time")
	}
	fmt.Fprintln(os.Stdout, strings.TrimSpace(s.ClientURL()))
	<-ctx.Done()
	return nil
}
