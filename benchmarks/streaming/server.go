package streaming

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"jrweb/benchmarks/internal/child"
	"jrweb/benchmarks/internal/clock"
)

// server is one that is measured, in a process of its own: it serves streams,
// and makes the events for them itself.
type server interface {
	// where returns where a stream is found.
	where() place
	// publish publishes one event, and returns when it was committed (for those
	// without a log: when it was handed over), as [clock.Now] does.
	publish(ctx context.Context) (committed int64, err error)
	// flood publishes events as fast as the server takes them.
	flood(ctx context.Context, f flood) error
	close() error
}

// place is where a stream is found.
type place struct {
	Address string // IPv4 address and port
	Path    string
}

// servers makes servers by the name of their kind. Arguments are the kind's own.
var servers = map[string]func(ctx context.Context, args []string) (server, error){
	"jrweb":        newJrweb,
	"net/http":     newNetHTTP,
	"ServeContent": newServeContent,
	"r3labs/sse":   newR3labs,
	"go-sse":       newGoSSE,
	"raw epoll":    newRawEpoll,
}

// hireServer starts a server, given its kind and the kind's arguments.
func hireServer(kind []string) (*child.Worker, error) {
	return child.Hire(append([]string{serverCommand, profiles}, kind...)...)
}

// serve runs the server of the kind args[1], leaves a profile in the folder
// args[0] if that is not empty, and does what it is asked to.
func serve(ctx context.Context, args []string) (err error) {
	if err := raiseFiles(manyFiles); err != nil {
		return err
	}
	folder, kind, args := args[0], args[1], args[2:]
	s, err := servers[kind](ctx, args)
	if err != nil {
		return fmt.Errorf("server %s: %w", kind, err)
	}
	stop, err := profile(folder, kind)
	if err != nil {
		return errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, stop()) }()
	defer func() { err = errors.Join(err, s.close()) }()
	return child.Work(ctx, map[string]child.Answer{
		"where": child.Answering(func(context.Context, struct{}) (place, error) { return s.where(), nil }),
		"flood": child.Answering(func(ctx context.Context, f flood) (began int64, err error) {
			began = clock.Now()
			return began, s.flood(ctx, f)
		}),
		"pace": child.Answering(func(ctx context.Context, p pace) (paced, error) { return publishPaced(ctx, s, p) }),
		// What remains is what the streams need, not what their beginning left behind.
		"settle": child.Answering(func(context.Context, struct{}) (struct{}, error) {
			debug.FreeOSMemory()
			return struct{}{}, nil
		}),
	})
}

// flood says how events are published as fast as a server takes them.
type flood struct {
	Events int
	// Publishers is how many publish at the same time, and Batch how many events
	// each hands over at once. Servers that cannot do that have one publisher and
	// take one event at a time.
	Publishers, Batch int
}

// pace says how often events are published.
type pace struct {
	Events int
	Every  time.Duration
}

// paced says when each event was published.
type paced struct {
	Began     []int64 // when it was given to the server
	Committed []int64
}

func publishPaced(ctx context.Context, s server, p pace) (paced, error) {
	var done paced
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for range p.Events {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return done, ctx.Err()
		}
		done.Began = append(done.Began, clock.Now())
		committed, err := s.publish(ctx)
		if err != nil {
			return done, err
		}
		done.Committed = append(done.Committed, committed)
	}
	return done, nil
}
