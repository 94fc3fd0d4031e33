// Package natstest runs NATS servers with JetStream for tests, each in a process of its own,
// so that it can be stopped and killed. A package that uses it calls [Main] in its TestMain.
package natstest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"jrweb/internal/freeport"
)

// Options are the settings of servers that a test may want otherwise.
type Options struct {
	LateSync   bool  // do not sync always
	MaxPayload int32 // 0: 64 MiB
	// System is whether [Server.SystemURL] leads to the system account. Then the URL names a
	// user.
	System bool
	// Dirs are the folders of the servers, where they keep the streams. Nil: of the test.
	Dirs []string
	// Config is more of the configuration, in the language of NATS. If it makes the servers ask
	// who the clients are, a test must tell them: the URL does not.
	Config string
}

// dir is the folder of a server.
func (o *Options) dir(t testing.TB, n int) string {
	if o.Dirs != nil {
		return o.Dirs[n]
	}
	return t.TempDir()
}

// config is what a server process needs to know.
type config struct {
	Options
	Dir         string
	Host        string
	Port        int
	Name        string // of a server of a cluster
	ClusterPort int
	Routes      []string
}

// accounts is a configuration with a user of each account.
const accounts = `
system_account: SYS
accounts {
	SYS { users: [{user: sys, password: sys}] }
	APP { jetstream: enabled, users: [{user: app, password: app}] }
}`

const variable = "JRWEB_TEST_NATS_SERVER"

// Main runs the tests, or a server if this process was started to be one.
func Main(m *testing.M) {
	said := os.Getenv(variable)
	if said == "" {
		os.Exit(m.Run())
	}
	var c config
	err := json.Unmarshal([]byte(said), &c)
	if err == nil {
		err = serve(c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs a server until standard input ends, which it does with the test.
func serve(c config) error {
	o := &server.Options{
		ServerName: c.Name, Host: c.Host, Port: c.Port, NoLog: true, NoSigs: true, MaxPayload: cmp.Or(c.MaxPayload, 64<<20),
		JetStream: true, StoreDir: c.Dir, SyncAlways: !c.LateSync,
	}
	if c.System {
		c.Config += accounts
	}
	if c.Config != "" {
		file := filepath.Join(c.Dir, "more.conf")
		if err := os.WriteFile(file, []byte(c.Config), 0o600); err != nil {
			return err
		}
		if err := o.ProcessConfigFile(file); err != nil {
			return err
		}
	}
	if c.ClusterPort != 0 {
		o.Cluster = server.ClusterOpts{Name: "test", Host: c.Host, Port: c.ClusterPort}
		o.Routes = server.RoutesFromStr(strings.Join(c.Routes, ","))
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("the NATS server is not ready in time")
	}
	fmt.Printf("nats://%s\n", s.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
	s.WaitForShutdown()
	return err
}

// Server is a NATS server process.
type Server struct {
	testing.TB
	URL    string
	Place  Place
	config config
	cmd    *exec.Cmd
	stdin  io.Closer
}

// SystemURL is the URL for a user of the system account.
func (s *Server) SystemURL() string { return strings.Replace(s.URL, "app:app@", "sys:sys@", 1) }

// Start starts a server with a folder of its own.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Options{})
}

// StartWith is Start with other settings.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	return start(t, Place{}, config{Options: o, Dir: o.dir(t, 0), Port: freeport.Port(t)})
}

// StartCluster starts servers that are a cluster. It returns their common URL as well.
func StartCluster(t testing.TB, n int) (servers []*Server, url string) {
	t.Helper()
	return startCluster(t, nil, n, Options{})
}

// StartClusterWith is StartCluster with other settings.
func StartClusterWith(t testing.TB, n int, o Options) (servers []*Server, url string) {
	t.Helper()
	return startCluster(t, nil, n, o)
}

// StartClusterOn is StartCluster on a network, if that is not nil.
func StartClusterOn(t testing.TB, network *Network, n int) (servers []*Server, url string) {
	t.Helper()
	return startCluster(t, network, n, Options{})
}

func startCluster(t testing.TB, network *Network, n int, o Options) (servers []*Server, url string) {
	t.Helper()
	var routes, urls []string
	places, ports := make([]Place, n), make([]int, n)
	for i := range ports {
		places[i], ports[i] = network.Place(), freeport.Port(t)
		routes = append(routes, fmt.Sprintf("nats://%s:%d", places[i].host(), ports[i]))
	}
	for i, port := range ports {
		s := start(t, places[i], config{Options: o, Dir: o.dir(t, i), Port: freeport.Port(t), Name: fmt.Sprintf("n%d", i), ClusterPort: port, Routes: routes})
		servers, urls = append(servers, s), append(urls, s.URL)
	}
	return servers, strings.Join(urls, ",")
}

func start(t testing.TB, at Place, c config) *Server {
	t.Helper()
	c.Host = at.host()
	s := &Server{TB: t, Place: at, config: c}
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

// Restart starts the server after Kill.
func (s *Server) Restart() {
	s.Helper()
	said, err := json.Marshal(s.config)
	if err != nil {
		s.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	s.cmd = s.Place.Command(exe)
	s.cmd.Env = append(os.Environ(), variable+"="+string(said))
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		s.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.Fatalf("the NATS server did not start: %v", err)
	}
	s.URL = strings.TrimSpace(line)
	if s.config.System {
		s.URL = strings.Replace(s.URL, "nats://", "nats://app:app@", 1)
	}
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	_ = s.stdin.Close()
	s.cmd = nil
}

// Stop makes the server stand still, with its connections open, until Continue.
func (s *Server) Stop() {
	s.Helper()
	s.signal(syscall.SIGSTOP)
	// On a busy machine it goes on for a while.
	var status syscall.WaitStatus
	for !status.Stopped() {
		if _, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			s.Fatal(err)
		}
	}
}

// Continue ends Stop.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}
