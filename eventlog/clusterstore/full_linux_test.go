package clusterstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"jrweb/eventlog/clusterstore"
	"jrweb/eventlog/store"
	"jrweb/internal/natstest"
)

// A disk that is full stops the replica that is on it, and nobody else. With more room it
// begins again.
func TestAFullDiskStopsOneReplicaThatBegins(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	url := natstest.Start(t).URL
	k := newKeeper(t, url)
	k.fill(3)
	dir := t.TempDir()
	mount := func(flags uintptr, size string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size="+size); err != nil {
			t.Fatalf("mount a tmpfs, as root: %v", err)
		}
	}
	mount(0, "200k")
	t.Cleanup(func() { k.ok(syscall.Unmount(dir, syscall.MNT_DETACH)) })
	path := filepath.Join(dir, "jr.db")
	for range 2 {
		if s, err := clusterstore.Open(t.Context(), path, url, stream, nil); !errors.Is(err, store.ErrFull) {
			t.Errorf("without room: %v", err)
			if err == nil {
				s.Close()
			}
		}
		if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
			t.Errorf("there are %v", names)
		}
	}
	k.fill(1)
	mount(syscall.MS_REMOUNT, "64m")
	r := openReplica(t, path, url, nil)
	wantSame(t, k.replica, r)
	k.ok(r.Close()) // before the file system goes
}
