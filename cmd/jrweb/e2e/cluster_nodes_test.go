package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"jrweb/internal/freeport"
)

// node is a server of a cluster.
type node struct {
	*server
	engine string // the folder with its part of the stream, if it runs NATS itself
}

// startNodes starts three servers.
func startNodes(t *testing.T) []*node {
	t.Helper()
	var listen []string
	for range 3 {
		listen = append(listen, freeport.Addr(t))
	}
	var nodes []*node
	for i, addr := range listen {
		dir := t.TempDir()
		n := &node{server: &server{t: t, db: filepath.Join(dir, "jr.db")}, engine: filepath.Join(dir, "engine")}
		n.flags = []string{
			"-cluster-embedded", n.engine, "-cluster-name", fmt.Sprintf("n%d", i),
			"-cluster-listen", addr, "-cluster-routes", strings.Join(listen, ","),
		}
		nodes = append(nodes, n)
	}
	var starting sync.WaitGroup // each waits for a majority of them
	failed := make([]error, len(nodes))
	for i, n := range nodes {
		starting.Go(func() { failed[i] = n.tryStart() })
	}
	starting.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	return nodes
}

// metric is the value of a metric.
func (n *node) metric(name string) (value int) {
	n.t.Helper()
	res, err := http.Get(n.url + "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name+" ")
	var f float64
	if _, err := fmt.Sscan(rest, &f); err != nil {
		n.t.Fatalf("%s: %v", name, err)
	}
	return int(f)
}

// writing appends to a task of a cluster.
type writing struct {
	*testing.T
	n int
}

// say appends by one server, until it is acknowledged.
func (w *writing) say(by *node, padding string) {
	w.Helper()
	if err := appendWithKey(by.url+"/tasks/t-1/events", says("%d %s", w.n, padding), fmt.Sprintf("key-%d", w.n)); err != nil {
		w.Fatalf("append %d: %v", w.n, err)
	}
	w.n++
}

// end ends the session, and checks that all servers have the same, and all.
func (w *writing) end(nodes []*node) {
	w.Helper()
	if err := appendWithKey(nodes[0].url+"/tasks/t-1/events", `{"type":"complete","data":{}}`, "end"); err != nil {
		w.Fatal(err)
	}
	all := events(w.T, nodes[0].url, "t-1")
	if len(all) != w.n+1 {
		w.Errorf("there are %d events, and %d were acknowledged", len(all), w.n+1)
	}
	for i, e := range all[:min(w.n, len(all))] {
		if !strings.Contains(e, fmt.Sprintf(`{"content":"%d `, i)) {
			w.Fatalf("event %d is not in its place: %.200s", i, e)
		}
	}
	for _, n := range nodes[1:] {
		if other := events(w.T, n.url, "t-1"); !slices.Equal(other, all) {
			w.Errorf("%s has %d events, another server %d, or they are not the same", n.url, len(other), len(all))
		}
	}
}

// ready waits until the server says that it is ready.
func (n *node) ready() {
	n.t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		res, err := http.Get(n.url + "/readyz")
		if err != nil {
			n.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // it was read
		if err != nil {
			n.t.Fatal(err)
		}
		if res.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("the server is not ready: %s", text)
		}
	}
}

// A server that has lost its disk begins with nothing under the name that it had. It gets all from
// the others. Once it is ready it counts as before: with it one of the others may be away.
func TestAServerThatHasLostAllComesBackUnderItsName(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t)
	w := &writing{T: t}
	for i := range 30 {
		w.say(nodes[i%3], "before")
	}
	lost, others := nodes[2], nodes[:2]
	_ = lost.signal(syscall.SIGKILL) // its exit says that it was killed
	if err := errors.Join(os.RemoveAll(lost.engine), os.Remove(lost.db)); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		w.say(others[i%2], "without it")
	}
	lost.start()
	for range 10 {
		w.say(lost, "with it")
	}
	lost.ready()
	_ = others[0].signal(syscall.SIGKILL)
	for _, n := range []*node{others[1], lost} {
		w.say(n, "without another one")
	}
	others[0].start()
	w.end(nodes)
}

// A server that was away while the stream forgot what it lacks ends with the exit code of a
// failed storage, and says what to do. Started again, it begins with a snapshot.
func TestAServerThatFellTooFarBehindEndsAndBeginsAnew(t *testing.T) {
	t.Parallel()
	nats, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 8 << 20,
		JetStream: true, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	nats.Start()
	t.Cleanup(nats.Shutdown)
	var nodes []*node
	for range 2 {
		n := &node{server: &server{t: t, db: filepath.Join(t.TempDir(), "jr.db")}}
		n.flags = []string{"-cluster", nats.ClientURL(), "-cluster-replicas", "1", "-cluster-snapshot-bytes", "200000"}
		n.start()
		nodes = append(nodes, n)
	}
	writer, behind := nodes[0], nodes[1]
	w := &writing{T: t}
	padding := strings.Repeat("x", 8<<10)
	made := func() int { return writer.metric(`jrweb_cluster_snapshots_total{result="made"}`) }
	at := behind.metric("jrweb_cluster_position")
	if err := behind.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 150 { // more than is on its way to it
		w.say(writer, padding)
	}
	for before, deadline := made(), time.Now().Add(patience); made() < before+3; { // the stream keeps two
		if time.Now().After(deadline) {
			t.Fatalf("from position %d to %d %d snapshots were made", at, writer.metric("jrweb_cluster_position"), made())
		}
		for range 10 {
			w.say(writer, padding)
		}
	}
	if err := behind.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- behind.cmd.Wait() }()
	select {
	case err = <-ended:
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 5 {
		t.Errorf("it ended with %v", err)
	}
	if said := behind.log.String(); !strings.Contains(said, "away for too long") || !strings.Contains(said, "start again") {
		t.Errorf("it does not say what to do:\n%s", said)
	}
	behind.start()
	w.say(behind, "after")
	w.end(nodes)
}
