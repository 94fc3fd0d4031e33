package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"jrweb/benchmarks/internal/child"
)

// redisReady finds the line by which Redis says that it takes connections.
func redisReady(line string) bool {
	return strings.Contains(line, "server is now ready to accept connections at")
}

// redisStore is a Redis server that syncs its file before it answers, with a
// stream a session and a connection an appender.
type redisStore struct {
	server *child.Process
	conns  []*redisConn
}

type redisConn struct {
	net.Conn
	replies *bufio.Reader
	command []byte
}

func openRedis(ctx context.Context, dir string, appenders, _ int) (store, error) {
	socket := filepath.Join(dir, "redis.sock")
	server, err := child.Start(ctx, "redis-server", []string{
		"--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
	}, redisReady)
	if err != nil {
		return nil, err
	}
	s := &redisStore{server: server}
	for range appenders {
		c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.conns = append(s.conns, &redisConn{Conn: c, replies: bufio.NewReader(c)})
	}
	return s, nil
}

func (s *redisStore) append(_ context.Context, appender, session int) error {
	c := s.conns[appender]
	stream := fmt.Sprintf("s-%d", session)
	c.command = fmt.Appendf(c.command[:0], "*5\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n$1\r\n*\r\n$4\r\ndata\r\n$%d\r\n%s\r\n", len(stream), stream, len(payload), payload)
	if _, err := c.Write(c.command); err != nil {
		return err
	}
	// The reply is the id of the entry: its length, then itself.
	length, err := c.replies.ReadString('\n')
	if err != nil {
		return err
	}
	if length[0] != '$' {
		return fmt.Errorf("XADD: %s", length)
	}
	_, err = c.replies.ReadString('\n')
	return err
}

func (s *redisStore) close() error {
	var errs []error
	for _, c := range s.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, s.server.Stop())...)
}
