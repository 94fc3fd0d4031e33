package clusterstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jrweb/eventlog"
	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// migrationVariable makes the test program a process that migrates: its value is a migration.
const migrationVariable = "JRWEB_TEST_MIGRATION"

type migration struct {
	Path, URL string
	Back      bool // into a file
	Stay      bool // to stand still when what was made is checked, until standard input ends
}

// checks is what a process says then.
const checks = "checks"

// migrate migrates and says what was moved.
func migrate(said string) error {
	var m migration
	if err := json.Unmarshal([]byte(said), &m); err != nil {
		return err
	}
	o := *verified
	o.Verify = func(ctx context.Context, path string) error {
		err := verified.Verify(ctx, path)
		if err == nil && m.Stay {
			fmt.Println(checks)
			_, err = io.Copy(io.Discard, os.Stdin)
		}
		return err
	}
	do := clusterstore.Begin
	if m.Back {
		do = clusterstore.Extract
	}
	sum, err := do(context.Background(), m.Path, m.URL, stream, &o)
	if err != nil {
		return err
	}
	fmt.Println(text(sum))
	return nil
}

func text(sum store.Sum) string { return fmt.Sprintf("%d records, hash %x", sum.Records, sum.Hash) }

// killedAfter starts a process that migrates, and kills it when it has asked the engine for
// so many things, or when it checks what it has made. If it ends before, it returns what it said.
func (m migration) killedAfter(t *testing.T, conn *nats.Conn, things int) (said string, checked bool) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	asked := make(chan *nats.Msg, 1000)
	for _, subject := range []string{"$JS.API.>", "jrweb." + stream, "jrweb." + stream + ".snapshots.>"} {
		s, err := conn.ChanSubscribe(subject, asked)
		must(err)
		defer func() { must(s.Unsubscribe()) }()
	}
	must(conn.Flush())
	exe, err := os.Executable()
	must(err)
	config, err := json.Marshal(m)
	must(err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), migrationVariable+"="+string(config))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(err)
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	must(err)
	must(cmd.Start())
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	for n := 0; n < things && said == ""; {
		select {
		case <-asked:
			n++
		case line, more := <-lines:
			if !more {
				t.Fatalf("it has failed: %v", cmd.Wait())
			}
			said = line
		}
	}
	checked = said == checks
	if said == "" || checked {
		must(cmd.Process.Kill())
	}
	for line := range lines { // it was done, or came to check, before the kill
		said = line
	}
	_ = cmd.Wait() // it was killed, or has said all
	if said == checks {
		said = ""
	}
	return said, checked
}

// wideDatabase is a database whose snapshot has several parts.
func wideDatabase(t *testing.T) (path string) {
	t.Helper()
	path = newDatabase(t)
	l, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Start(t.Context(), "wide", nil)
	for range 12 {
		noise := make([]byte, 100<<10)
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		if err == nil {
			_, err = s.Append(t.Context(), says(fmt.Sprintf("%x", noise)))
		}
	}
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// databaseSum is what a database holds.
func databaseSum(t *testing.T, path string) (sum store.Sum) {
	t.Helper()
	s, err := filestore.Open(path, nil)
	if err == nil {
		err = s.View(t.Context(), func(r store.Reader) (err error) {
			sum, err = store.SumOf(t.Context(), r)
			return err
		})
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// A process that migrates is killed wherever it is, again and again, in both directions. Until
// one is done nobody begins with half of a log, and then all is there: by count and by hash.
func TestAMigrationThatIsKilledGoesOn(t *testing.T) {
	url := natstest.Start(t).URL
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js := client(t, url)
	path := wideDatabase(t)
	want, all := databaseSum(t, path), fileContents(t, path)
	denser := 2
	if os.Getenv("JRWEB_TORTURE") != "" {
		denser = 100
	}
	// until kills a process later each time, until one is done.
	until := func(m migration, afterKill func()) (said string) {
		t.Helper()
		kills, checked := 0, false
		m.Stay = true
		for n := 1; said == ""; n += 1 + n/denser {
			if said, checked = m.killedAfter(t, conn, n); said == "" {
				kills++
				afterKill()
			}
			if checked {
				m.Stay, n = false, max(1, n-1) // the next ones go on
			}
		}
		t.Logf("%d processes were killed", kills)
		if kills < 4 || m.Stay {
			t.Error("this proves nothing")
		}
		return said
	}

	halves := 0
	said := until(migration{Path: path, URL: url}, func() {
		_, err := js.Stream(t.Context(), stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return // nothing was begun
		}
		if err == nil {
			_, err = js.Stream(t.Context(), stream+"-snapshots")
		}
		if err == nil {
			_, err = streamNamed(t, js, stream+"-snapshots").GetLastMsgForSubject(t.Context(), "jrweb."+stream+".snapshots.catalog")
		}
		if err == nil {
			return // all is there
		}
		halves++
		s, err := clusterstore.Open(t.Context(), filepath.Join(t.TempDir(), "jr.db"), url, stream, impatient)
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("a replica begins with half of a log: %v", err)
		}
		if err == nil {
			s.Close()
		}
	})
	wantEqual(t, "what was moved in", said, text(want))
	if halves < 2 {
		t.Errorf("%d kills left half of a log, this proves nothing", halves)
	}
	r := newReplica(t, url)
	l := logOn(t, r, &eventlog.Options{KeepOpen: true})
	if got := contents(t, r); !slices.Equal(got, all) {
		t.Errorf("a replica holds %d records, the database %d, and they are not the same", len(got), len(all))
	}
	l.append(l.start("later", nil), "the cluster goes on")
	all = contents(t, r)
	r.ok(l.Log.Close())

	back := filepath.Join(t.TempDir(), "back.db")
	said = until(migration{Path: back, URL: url, Back: true}, func() {
		if _, err := os.Lstat(back); err == nil {
			t.Error("half of a file is there, or the process was killed too late")
		}
	})
	wantEqual(t, "what was moved out", said, text(databaseSum(t, back)))
	if got := fileContents(t, back); !slices.Equal(got, all) {
		t.Errorf("%d records are back of %d, and they are not the same", len(got), len(all))
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(back), "*")); len(names) != 1 {
		t.Errorf("there are %v", names)
	}
}
