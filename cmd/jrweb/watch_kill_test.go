package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"jrweb/router/client"
)

// chaos is a machine whose agents, server and watch do what they want.
type chaos struct {
	*testing.T
	home, db, addr string
	idle           time.Duration // of the watch
	random         *rand.Rand
	client         *client.Client

	mu            sync.Mutex
	server, watch *exec.Cmd
}

// newChaos makes a machine whose files are in a folder.
func newChaos(t *testing.T, dir string) *chaos {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &chaos{
		T: t, home: filepath.Join(dir, "home"), db: filepath.Join(dir, "jr.db"), addr: l.Addr().String(),
		idle:   15 * time.Second,
		random: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))),
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if c.client, err = client.New("http://"+c.addr, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// rest is a moment of chaos.
func (c *chaos) rest(most time.Duration) { time.Sleep(rand.N(most)) }

func (c *chaos) start(args ...string) *exec.Cmd {
	cmd := exec.Command("jrweb", args...)
	cmd.Env = append(os.Environ(), "HOME="+c.home, "XDG_STATE_HOME=", "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "CLAUDE_CONFIG_DIR=", "CODEX_HOME=", "GEMINI_CLI_HOME=")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		c.Error(err)
	}
	return cmd
}

// startServer and startWatch start them, and kill those before.
func (c *chaos) startServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		kill(c.server)
		c.rest(300 * time.Millisecond)
	}
	c.server = c.start("serve", "-db", c.db, "-addr", c.addr)
}

func (c *chaos) startWatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch != nil {
		kill(c.watch)
		c.rest(300 * time.Millisecond)
	}
	c.watch = c.start("watch", "-url", "http://"+c.addr, "-idle", c.idle.String(), "-redact=false")
}

func (c *chaos) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	kill(c.watch)
	kill(c.server)
}

// changes does something to what there is of a run that is over.
func (c *chaos) changes(k *kept) {
	var err error
	switch do := c.random.IntN(6); {
	case do == 0 && c.has(k): // what nobody could see yet would be lost
		if k.form == inDatabase {
			err = sqliteDo(c.Context(), k.path, k.gone()...)
		} else {
			err = os.RemoveAll(k.path)
		}
		k.path = ""
	case k.form == inDatabase:
		err = c.changesDatabase(k, do)
	case do == 1:
		to := k.at(k.moved)
		if to == k.path {
			to = k.at(k.place)
		}
		if err = os.MkdirAll(filepath.Dir(to), 0o700); err == nil {
			err = os.Rename(k.path, to)
			k.path = to
		}
	case k.form == inFiles:
		files := k.files(c.T)
		err = errors.Join(os.Remove(files[len(files)-1]), k.put(k.text))
	case do == 2:
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = z.Write(k.text)
		err = errors.Join(err, z.Close(), os.WriteFile(k.path+".gz", packed.Bytes(), 0o600), os.Remove(k.path))
		k.path += ".gz"
	case do == 3:
		err = os.WriteFile(k.path, k.text, 0o600)
	case do == 4:
		err = os.Truncate(k.path, int64(c.random.IntN(len(k.text))))
		c.rest(time.Second)
		err = errors.Join(err, os.WriteFile(k.path, k.text, 0o600))
	default:
		err = replaceFile(k.path, k.text)
	}
	if err != nil {
		c.Error(err)
	}
}

// changesDatabase does something to a database, or to a thread in it.
func (c *chaos) changesDatabase(k *kept, do int) error {
	statements := []statement{{sql: []string{"vacuum", "pragma wal_checkpoint(truncate)", "analyze"}[do%3]}}
	if do > 3 {
		rows, err := k.rows(k.text)
		if err != nil {
			return err
		}
		statements = append(k.gone(), rows...)
	}
	return sqliteDo(c.Context(), k.path, statements...)
}

// has reports whether the log has all of a run.
func (c *chaos) has(k *kept) bool {
	if _, err := c.client.Task(c.Context(), k.task); err != nil {
		return false
	}
	return k.missing(c.T, readTask(c.T, c.client, k.task)) == ""
}

// populationSize is how many runs there are: more for make torture.
func populationSize(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("JRWEB_POPULATION")); err == nil {
		return n
	}
	if os.Getenv("JRWEB_TORTURE") != "" {
		return 1000
	}
	return 50
}

// Watch and server are killed while agents of all kinds work, and while old files are recorded, moved,
// packed, cut off, rewritten and removed. Afterwards every run is there once, complete and in
// order, and costs what an import of the same files says.
func TestAWatchThatIsKilledRecordsEveryRunOnce(t *testing.T) {
	dir := t.TempDir()
	c := newChaos(t, dir)
	old := populate(t, c.home, populationSize(t), time.Now())
	c.startServer()
	c.startWatch()
	t.Cleanup(c.stop)

	var live []*kept
	for i := range runKinds {
		texts := runKinds[i].templates(t)
		live = append(live, runKinds[i].run(t, c.home, texts[i%len(texts)], 900_000+i, time.Now()))
	}
	var agents sync.WaitGroup
	for i, k := range live {
		random := rand.New(rand.NewPCG(2, uint64(i)))
		agents.Go(func() { k.grows(t, random, func() { c.rest(600 * time.Millisecond) }) })
	}
	ended := make(chan struct{})
	go func() { agents.Wait(); close(ended) }()
	for going := true; going; {
		select {
		case <-ended:
			going = false
		case <-time.After(rand.N(1500 * time.Millisecond)):
		}
		switch c.random.IntN(4) {
		case 0:
			c.startServer()
		case 1:
			c.startWatch()
		default:
			if k := old[c.random.IntN(len(old))]; k.path != "" && !strings.HasSuffix(k.path, ".gz") {
				c.changes(k)
			}
		}
	}

	all := append(old, live...)
	left := all
	for deadline := time.Now().Add(3*time.Minute + time.Duration(len(all))*200*time.Millisecond); len(left) > 0; time.Sleep(500 * time.Millisecond) {
		var still []*kept
		for _, k := range left {
			if !c.has(k) {
				still = append(still, k)
			}
		}
		if left = still; time.Now().After(deadline) {
			break
		}
	}
	for _, k := range left {
		if _, err := c.client.Task(t.Context(), k.task); err != nil {
			t.Errorf("%s (%s): %v", k.task, k.path, err)
			continue
		}
		t.Errorf("%s (%s): %s", k.task, k.path, k.missing(t, readTask(t, c.client, k.task)))
	}
	n, input, output := 0, uint64(0), uint64(0)
	for task, err := range c.client.Tasks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n, input, output = n+1, input+task.Totals.InputTokens, output+task.Totals.OutputTokens
	}
	m := newInMemory(t, dir)
	wantInput, wantOutput := uint64(0), uint64(0)
	for i, k := range all {
		task := "t-" + strconv.Itoa(i)
		m.imports(task, write(t, filepath.Join(dir, "again", filepath.Base(strconv.Itoa(i)+".jsonl")), k.text))
		imported, err := m.client.Task(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		wantInput, wantOutput = wantInput+imported.Totals.InputTokens, wantOutput+imported.Totals.OutputTokens
	}
	if n != len(all) || input != wantInput || output != wantOutput {
		t.Errorf("%d tasks cost %d and %d, not %d tasks %d and %d", n, input, output, len(all), wantInput, wantOutput)
	}
}
