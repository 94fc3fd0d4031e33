package streaming

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

type replay struct {
	place
	Events   int
	H2C      bool
	Duration time.Duration
}

// replayed says what was read.
type replayed struct {
	Replays int
	Bytes   int
	Took    time.Duration
}

// replay reads the same events again and again, each time over a new connection.
func (c *client) replay(ctx context.Context, q replay) (replayed, error) {
	once := c.replayHTTP1
	if q.H2C {
		once = c.replayH2C
	}
	var done replayed
	began := time.Now()
	for ; done.Took < q.Duration; done.Took = time.Since(began) {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		n, err := once(q)
		if err != nil {
			return done, err
		}
		done.Replays++
		done.Bytes += n
	}
	return done, nil
}

// replayHTTP1 returns how many bytes it read.
func (c *client) replayHTTP1(q replay) (total int, err error) {
	fd, err := dial(q.Address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if err := writeAll(fd, request(q.place)); err != nil {
		return 0, err
	}
	for events := 0; events < q.Events; {
		n, err := unix.Read(fd, c.buffer)
		if err != nil || n == 0 {
			return total, fmt.Errorf("the stream ended after %d events of %d: %w", events, q.Events, err)
		}
		if total == 0 && !bytes.HasPrefix(c.buffer[:n], []byte("HTTP/1.1 200 ")) {
			return total, fmt.Errorf("answer: %s", c.buffer[:n])
		}
		total += n
		events += bytes.Count(c.buffer[:n], []byte(brace))
	}
	return total, nil
}
