package clusterstore_test

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"jrweb/eventlog/clusterstore"
	"jrweb/internal/disktest"
	"jrweb/internal/natstest"
)

// A power cut of all machines at once takes back nothing that was acknowledged, if the servers
// sync always. The control: if they sync when they do by themselves, it does.
func TestAPowerCutOfAllServersTakesBackNothingThatWasAcknowledged(t *testing.T) {
	cuts := 1
	if os.Getenv("JRWEB_TORTURE") != "" {
		cuts = 20
	}
	t.Run("they sync always", func(t *testing.T) {
		t.Parallel() // elections take seconds, and little of the processor
		p := newPowered(t, false)
		for range cuts {
			p.cutWhileTheyWrite()
			if lost := p.lost(); len(lost) > 0 {
				t.Fatalf("%d of %d changes were acknowledged and are lost, %q is the first of them", len(lost), len(p.acked), lost[0])
			}
		}
		t.Logf("%d changes were acknowledged, in %d power cuts", len(p.acked), cuts)
	})
	t.Run("they sync late", func(t *testing.T) {
		t.Parallel()
		p := newPowered(t, true)
		for _, d := range p.disks {
			d.Sync() // so that what is lost are commits, and not the stream
		}
		p.cutWhileTheyWrite()
		lost := p.lost()
		t.Logf("%d of %d changes are lost", len(lost), len(p.acked))
		if len(lost) == 0 {
			t.Error("nothing is lost without syncs: this shows nothing")
		}
	})
}

// before is a key that is written long before the power is cut.
const before = "before"

// powered is a cluster of machines whose power can be cut: each has a disk, and on it a server
// that keeps the stream, and a replica that writes.
type powered struct {
	*testing.T
	disks   []*disktest.Disk
	servers []*natstest.Server
	url     string
	files   []string // of the replicas

	mu    sync.Mutex
	dark  bool // the power is being cut: what is acknowledged from now on does not count
	acked []string
	seen  chan struct{} // a token for each of acked
}

func newPowered(t *testing.T, lateSync bool) *powered {
	t.Helper()
	p := &powered{T: t}
	var dirs []string
	for range 3 {
		d := disktest.New(t)
		p.disks, p.files = append(p.disks, d), append(p.files, filepath.Join(d.Dir, "jr.db"))
		dir := filepath.Join(d.Dir, "nats")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	p.servers, p.url = natstest.StartClusterWith(t, 3, natstest.Options{LateSync: lateSync, Dirs: dirs})
	first := p.fresh() // it makes the stream
	first.ok(first.put(t.Context(), before))
	first.ok(first.Close())
	return p
}

// fresh opens a replica with an empty file, as soon as there is a majority of the servers.
func (p *powered) fresh() *replica {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 2*time.Minute)
	defer cancel()
	o := &clusterstore.Options{Replicas: 3, SyncAlways: true, Wait: patience}
	path := filepath.Join(p.TempDir(), "jr.db")
	s, err := clusterstore.Open(ctx, path, p.url, stream, o)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { s.Close() })
	return &replica{TB: p, NotifyingStore: s, path: path, url: p.url, o: o}
}

// cutWhileTheyWrite cuts the power of all while they write, and gives it back.
func (p *powered) cutWhileTheyWrite() {
	p.Helper()
	exe, err := os.Executable()
	if err != nil {
		p.Fatal(err)
	}
	p.dark, p.seen = false, make(chan struct{}, 1<<20)
	var writers []*exec.Cmd
	var reading sync.WaitGroup
	for _, path := range p.files {
		w := exec.Command(exe)
		w.Env = append(os.Environ(), childVariable+"="+path+" "+p.url+" 30s")
		out, err := w.StdoutPipe()
		if err == nil {
			err = w.Start()
		}
		if err != nil {
			p.Fatal(err)
		}
		p.Cleanup(func() { _ = w.Process.Kill() }) // it may have ended
		writers = append(writers, w)
		reading.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				p.acknowledged(lines.Text())
			}
		})
	}
	for range 200 + rand.IntN(200) {
		wait(p, "an acknowledgement", p.seen)
	}
	p.mu.Lock()
	p.dark = true
	p.mu.Unlock()
	for _, d := range p.disks {
		d.Cut()
	}
	for _, s := range p.servers {
		s.Kill()
	}
	for _, w := range writers {
		_ = w.Process.Kill() // it may have ended by itself
	}
	reading.Wait()
	for _, w := range writers {
		_ = w.Wait() // it was killed
	}
	for _, d := range p.disks {
		d.Restore()
	}
	for _, s := range p.servers {
		s.Restart()
	}
}

func (p *powered) acknowledged(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dark {
		p.acked = append(p.acked, key)
		p.seen <- struct{}{}
	}
}

// lost are the acknowledged changes that a replica with an empty file does not get. If it gets
// all, the replicas whose power was cut have them too, and the same as that one.
func (p *powered) lost() (lost []string) {
	p.Helper()
	all := p.fresh()
	keys := all.keys()
	if !slices.Contains(keys, before) {
		p.Error("what was written long before is lost")
	}
	for _, key := range p.acked {
		if _, found := slices.BinarySearch(keys, key); !found {
			lost = append(lost, key)
		}
	}
	if len(lost) > 0 {
		return lost
	}
	replicas := []*replica{all}
	for _, path := range p.files {
		replicas = append(replicas, openReplica(p, path, p.url, all.o))
	}
	wantSame(p, replicas...)
	for _, r := range replicas {
		r.ok(r.Close()) // before its disk goes
	}
	return nil
}
