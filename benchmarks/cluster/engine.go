package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/benchmarks/internal/child"
)

// stream has the commits of all replicas.
const stream = "jrweb"

// patience is how long the engine may take for anything.
const patience = 30 * time.Second

// engine is NATS servers, each a process of its own.
type engine struct {
	servers []*child.Process // nil: it was killed
	conn    *nats.Conn
}

// startEngine starts servers with files in a folder. Several are a cluster.
func startEngine(ctx context.Context, dir string, servers int) (_ *engine, err error) {
	e := &engine{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.stop())
		}
	}()
	ports, err := freePorts(servers)
	if err != nil {
		return nil, err
	}
	if servers == 1 {
		ports = nil
	}
	var urls []string
	for i := range servers {
		p, err := child.Self(ctx, slices.Concat([]string{engineCommand, filepath.Join(dir, serverName(i)), serverName(i), strconv.Itoa(i)}, ports)...)
		if err != nil {
			return nil, err
		}
		e.servers = append(e.servers, p)
		urls = append(urls, p.Ready)
	}
	e.conn, err = nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1))
	return e, err
}

func serverName(i int) string { return fmt.Sprintf("n%d", i) }

// freePorts returns ports that nobody uses: servers are told of each other's before they start.
func freePorts(n int) (ports []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, l.Close()) }() // all stay open until all are known
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}

// serveEngine runs a server with files in the folder args[0] and the name args[1], and prints
// its URL. It is number args[2] of those whose ports for each other are the other arguments,
// or alone if there are none.
func serveEngine(ctx context.Context, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	dir, name, number, ports := args[0], args[1], args[2], args[3:]
	o := &server.Options{
		ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		MaxPayload: 8 << 20, JetStream: true, StoreDir: dir, SyncAlways: true,
	}
	if len(ports) > 0 {
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		own, err := strconv.Atoi(ports[n])
		if err != nil {
			return err
		}
		o.Cluster = server.ClusterOpts{Name: stream, Host: "127.0.0.1", Port: own}
		o.Routes = server.RoutesFromStr("nats://127.0.0.1:" + strings.Join(ports, ",nats://127.0.0.1:"))
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(patience) {
		return errors.New("the NATS server is not ready in time")
	}
	fmt.Fprintln(os.Stdout, s.ClientURL())
	<-ctx.Done()
	return nil
}

// state returns the state of the stream, and the name of the server that leads it.
func (e *engine) state(ctx context.Context) (*jetstream.StreamInfo, error) {
	js, err := jetstream.New(e.conn)
	if err != nil {
		return nil, err
	}
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	return s.Info(ctx)
}

// leadAtFirst sees to it that the first server leads the stream.
func (e *engine) leadAtFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wish, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": serverName(0)}})
	if err != nil {
		return err
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		now, err := e.state(ctx)
		if err == nil && now.Cluster.Leader == serverName(0) {
			return nil
		}
		if err == nil && now.Cluster.Leader != "" {
			// Whether it is granted shows in the state.
			_, err = e.conn.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, wish)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("the first server does not lead the stream: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// kill ends a server as a crash would.
func (e *engine) kill(i int) error {
	p := e.servers[i]
	e.servers[i] = nil
	return p.Kill()
}

func (e *engine) stop() error {
	var errs []error
	if e.conn != nil {
		e.conn.Close()
	}
	for _, p := range e.servers {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	return errors.Join(errs...)
}
