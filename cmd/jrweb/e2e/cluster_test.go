package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/internal/freeport"
)

// clusterFiles is where the examples for a cluster are.
var clusterFiles = filepath.Join(root, "deploy", "cluster")

// cluster is what deploy/cluster/run starts: three servers behind nginx.
type cluster struct {
	t     *testing.T
	dir   string
	ports []string
	url   string   // of nginx
	nodes []string // the URLs of the servers
}

// startCluster starts a cluster with the one command that the README names.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	needs(t, "nginx")
	c := &cluster{t: t, dir: t.TempDir()}
	for range 7 {
		_, port, _ := strings.Cut(freeport.Addr(t), ":")
		c.ports = append(c.ports, port)
	}
	for _, port := range c.ports[:3] {
		c.nodes = append(c.nodes, "http://127.0.0.1:"+port)
	}
	c.url = "http://127.0.0.1:" + c.ports[6]
	run := exec.Command(filepath.Join(clusterFiles, "run"), c.dir)
	run.Env = append(os.Environ(), "JRWEB="+binary, "PORTS="+strings.Join(c.ports, " "))
	run.Stderr = t.Output()
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out) // until all that it started have ended
		if err := run.Wait(); err != nil {
			t.Errorf("the command ended with %v", err)
		}
		if t.Failed() {
			for _, name := range []string{"n1", "n2", "n3", "proxy"} {
				t.Logf("%s says:\n%s", name, readText(t, filepath.Join(c.dir, name+".log")))
			}
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ctrl-C") {
			go func() { _, _ = io.Copy(t.Output(), out) }()
			return c
		}
	}
	t.Fatal("the command does not start a cluster")
	return nil
}

// pid is the process of a server.
func (c *cluster) pid(n int) int {
	c.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(readText(c.t, filepath.Join(c.dir, fmt.Sprintf("n%d.pid", n+1)))))
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

// kill kills a server, and returns what waits until it is back.
func (c *cluster) kill(n int) (back func()) {
	c.t.Helper()
	killed := c.pid(n)
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	return func() {
		c.t.Helper()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
			res, err := http.Get(c.nodes[n] + "/readyz")
			if err != nil {
				continue
			}
			res.Body.Close()
			if res.StatusCode == http.StatusOK && c.pid(n) != killed {
				return
			}
		}
		c.t.Fatalf("server %d does not come back", n+1)
	}
}

// writerLast are the numbers of the servers. If the writer is killed last, others need not take
// over several times.
func (c *cluster) writerLast() (order []int) {
	c.t.Helper()
	for n, url := range c.nodes {
		res, err := http.Get(url + "/metrics")
		if err != nil {
			c.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		if strings.Contains(string(text), "\njrweb_cluster_writer 1\n") {
			order = append(order, n)
		} else {
			order = append([]int{n}, order...)
		}
	}
	return order
}

// haproxy starts HAProxy before the same servers, with its example.
func (c *cluster) haproxy() *proxy {
	c.t.Helper()
	p := &proxy{t: c.t, program: needs(c.t, "haproxy"), args: []string{"-db", "-f", "CONFIG"}, dir: c.t.TempDir()}
	addr := freeport.Addr(c.t)
	p.url, p.config = "http://"+addr, filepath.Join(p.dir, "haproxy.cfg")
	text := strings.NewReplacer(":7071", ":"+c.ports[0], ":7072", ":"+c.ports[1], ":7073", ":"+c.ports[2], "127.0.0.1:8080", addr).
		Replace(readText(c.t, filepath.Join(clusterFiles, "haproxy.cfg")))
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	p.start()
	return p
}

// Each of the three servers is killed and comes back, while an agent writes, a person looks at
// the page, and a program reads the stream through another proxy. All of them go on, and miss
// nothing.
func TestAPageGoesOnWhileEachServerOfAClusterIsKilled(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	through := c.haproxy()
	var want []string
	write := func(event string) {
		t.Helper()
		if err := appendWithKey(c.url+"/tasks/t-1/events", event, fmt.Sprintf("key-%d", len(want))); err != nil {
			t.Fatal(err)
		}
		want = append(want, event)
	}
	say := func() { t.Helper(); write(says("event %d", len(want)+1)) }
	say()
	page := openTab(t, c.url+"/tasks/t-1")
	page.live()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	read := make(chan []string, 1)
	go func() { read <- resumeToTheEnd(ctx, through.url+"/tasks/t-1/events/stream") }()
	for _, n := range c.writerLast() {
		for range 10 {
			say()
		}
		back := c.kill(n)
		for range 10 {
			say()
		}
		back()
		page.showsExactly(len(want))
	}
	write(`{"type":"complete","data":{"status":"succeeded"}}`)
	page.showsExactly(len(want))
	page.until(`document.body.dataset.state === "ended"`)
	got := <-read
	for i, event := range want {
		if i >= len(got) || !strings.Contains(event, got[i]) {
			t.Fatalf("of %d events %d came, and number %d is not in its place", len(want), len(got), i+1)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events came, not %d", len(got), len(want))
	}
	first := events(t, c.nodes[0], "t-1")
	for _, url := range c.nodes[1:] {
		if other := events(t, url, "t-1"); len(other) != len(want) || !slices.Equal(other, first) {
			t.Errorf("%s has %d events, another server %d, or they are not the same", url, len(other), len(first))
		}
	}
}

// events are the envelopes of a task, once the server has its end.
func events(t *testing.T, url, task string) (lines []string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; <-time.After(10 * time.Millisecond) {
		out := mustRun(t, "", binary, "export", "-url", url, task)
		if lines = strings.Split(strings.TrimSpace(out), "\n"); strings.Contains(out, `"type":"complete"`) {
			break
		}
	}
	return lines
}
