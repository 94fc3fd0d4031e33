package clusterstore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// childVariable makes the test program a process with a replica: its value is the path of the
// file, the URL of the engine, and how long an Update waits.
const childVariable = "JRWEB_TEST_REPLICA"

// writeForEver opens a replica and writes one key after the other. It prints each once it is
// acknowledged.
func writeForEver(said string) error {
	var path, url, wait string
	if _, err := fmt.Sscan(said, &path, &url, &wait); err != nil {
		return err
	}
	o := &clusterstore.Options{SnapshotBytes: often} // a kill may meet a snapshot as well, and the other replica the purge after it
	var err error
	if o.Wait, err = time.ParseDuration(wait); err != nil {
		return err
	}
	s, err := clusterstore.Open(context.Background(), path, url, stream, o)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		key := fmt.Sprintf("%d-%d", os.Getpid(), n)
		err := s.Update(context.Background(), func(tx store.Tx) error {
			tx.Put(store.Tasks, []byte(key), []byte(strings.Repeat(key, 100)))
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(key)
		if n%20 == 10 { // so that a kill may meet a checkpoint
			go func() { _ = s.(store.CheckpointStore).Checkpoint(context.Background()) }()
		}
	}
}

// A replica that is killed, beside one that goes on, has everything when it is opened again.
func TestAKillTakesBackNothing(t *testing.T) {
	rounds := 5
	if os.Getenv("JRWEB_TORTURE") != "" {
		rounds = 200
	}
	url := natstest.Start(t).URL
	other := newReplica(t, url)
	path := filepath.Join(t.TempDir(), "jr.db")
	exe, err := os.Executable()
	other.ok(err)
	var acknowledged []string
	for round := range rounds {
		child := exec.Command(exe)
		child.Env = append(os.Environ(), childVariable+"="+path+" "+url+" 1s")
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		other.ok(err)
		other.ok(child.Start())
		lines := bufio.NewScanner(out)
		for n := 5 + rand.IntN(40); n > 0 && lines.Scan(); n-- {
			acknowledged = append(acknowledged, lines.Text())
			if n%10 == 0 {
				key := fmt.Sprintf("other %d-%d", round, n)
				other.ok(other.put(t.Context(), key))
				acknowledged = append(acknowledged, key)
			}
		}
		other.ok(child.Process.Kill())
		for lines.Scan() { // what it printed before the kill
			acknowledged = append(acknowledged, lines.Text())
		}
		_ = child.Wait() // it was killed
	}
	r := openReplica(t, path, url, nil)
	wantSame(t, r, other, newReplica(t, url))
	keys := r.keys()
	for _, key := range acknowledged {
		if _, found := slices.BinarySearch(keys, key); !found {
			t.Errorf("%q was acknowledged, and is not there", key)
		}
	}
	if surplus := len(keys) - len(acknowledged); surplus > rounds { // one a kill may be unknown
		t.Errorf("%d keys were not acknowledged, in %d kills", surplus, rounds)
	}
	r.ok(r.Close())
	r.open()
	wantSame(t, r, other)
}
