package agentdb_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"jrweb/cmd/jrweb/internal/agentdb"
)

// threads makes a database of opencode with a thread of so many messages, of 200 kB each,
// and one without any.
const threads = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("pragma synchronous=off")
db.executescript(open("../../testdata/opencode.sql").read())
db.execute("insert into session(id, project_id, slug, directory, title, version, time_created, time_updated) values ('ses_1', 'p', 's', '/srv', 't', '1', 1000, 2000)")
db.execute("insert into session(id, project_id, slug, directory, title, version, time_created, time_updated) values ('ses_2', 'p', 's', '/srv', 't', '1', 1000, 3000)")
for m in range(int(sys.argv[2])):
    db.execute("insert into message values (?, 'ses_1', ?, 2000, '{\"role\":\"user\",\"time\":{\"created\":1000}}')", ("msg_%04d" % m, 1000 + m))
    for p in range(10):
        db.execute("insert into part values (?, ?, 'ses_1', 1000, 2000, ?)", ("prt_%04d_%d" % (m, p), "msg_%04d" % m, '{"type":"text","text":"%s"}' % ("x" * 20000)))
db.commit()
`

func database(t *testing.T, messages string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "opencode.db")
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", threads, path, messages).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// heap counts what is read through it, and how large the heap was at most.
type heap struct {
	read int64
	most uint64
	next int64
}

func (h *heap) Write(p []byte) (int, error) {
	if h.read += int64(len(p)); h.read >= h.next {
		h.next = h.read + 1<<20
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return len(p), nil
}

func TestALargeThreadIsToldInBoundedMemory(t *testing.T) {
	var open agentdb.Set
	defer open.Close()
	f := open.Thread(filepath.Join(database(t, "300"), "ses_1")).Follow()
	var h heap
	if _, err := io.Copy(&h, f.Rest(true)); err != nil {
		t.Fatal(err)
	}
	if h.read < 60e6 || h.most > 24<<20 {
		t.Errorf("of %d bytes %d are held", h.read, h.most)
	}
	// What was told is not told again.
	if again, err := io.ReadAll(f.Rest(true)); err != nil || len(again) != 0 {
		t.Errorf("%d bytes are told again, %v", len(again), err)
	}
}

func TestAThreadHasAPathAndAState(t *testing.T) {
	path := database(t, "1")
	var open agentdb.Set
	defer open.Close()
	all, err := open.Database(path).Threads()
	if err != nil || len(all) != 2 || all[0].Path() != filepath.Join(path, "ses_1") {
		t.Fatalf("the threads are %v, %v", all, err)
	}
	again, err := open.Thread(all[1].Path()).Stat()
	if err != nil || again.ModTime().UnixMilli() != 3000 || again.Path() != all[1].Path() {
		t.Errorf("the second is %v, %v", again, err)
	}
	if _, err := open.Thread(filepath.Join(path, "ses_3")).Stat(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	for _, other := range []string{"/srv/other.db/x", "/srv/opencode.db.bak/x", "/srv/a.jsonl", path} {
		if open.Thread(other) != nil {
			t.Errorf("%s is taken for a thread", other)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Database(path).Threads(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database that is gone: %v", err)
	}
}
