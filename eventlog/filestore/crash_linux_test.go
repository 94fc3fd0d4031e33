package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"jrweb/eventlog/store"
)

// memoryDir is a directory whose syncs cost nothing, if the machine allows it.
func memoryDir(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() != 0 {
		return dir
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a tmpfs, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// crashes tries a crash at every call of a process, and counts what it has tried.
type crashes struct {
	*testing.T
	disk   *simDisk
	path   string // of the store
	random *rand.Rand
	cuts   int // power cuts at each call, with different luck
	share  int // one of so many states is tried, by chance

	states, begins, least int
	// found is called with each state in which a store is not well. It returns false to end.
	found func(what string, err error) bool
}

// try lets the process crash before the first call and after each.
func (c *crashes) try(calls []call) {
	for i := -1; i < len(calls); i++ {
		what, name := "before the first call", ""
		if i >= 0 {
			call := &calls[i]
			c.hear(call)
			c.disk.do(call)
			what = fmt.Sprintf("after call %d of %d, %s of %s at %d", i+1, len(calls), call.name, filepath.Base(call.path), call.at)
			name = call.name
		}
		switch name {
		case "write", "fsync", "fdatasync": // more is acknowledged, or on the disk for sure
			word, _ := calls[i].said()
			if !c.check("power cut "+what, word == "acknowledged" || word == "shown", func() map[string][]byte { return c.disk.cut(nil) }) {
				return
			}
		default:
			if !c.crash(what) {
				return
			}
		}
	}
}

// hear takes note of what the process says.
func (c *crashes) hear(call *call) {
	switch word, n := call.said(); word {
	case "shown", "acknowledged":
		c.least = max(c.least, n)
	case "begun":
		c.begins = max(c.begins, n)
	case "wrong:", "failed", "refused":
		c.Fatalf("the process said %q", call.data)
	}
}

func (c *crashes) crash(what string) bool {
	if !c.check("killed "+what, false, c.disk.killed) {
		return false
	}
	for range c.cuts {
		if !c.check("power cut, with luck, "+what, false, func() map[string][]byte { return c.disk.cut(c.random) }) {
			return false
		}
	}
	return true
}

// check checks what a crash leaves, in each case or by chance.
func (c *crashes) check(what string, always bool, left func() map[string][]byte) bool {
	if !always && c.random.IntN(c.share) > 0 {
		return true
	}
	c.states++
	if err := c.disk.write(left()); err != nil {
		c.Fatal(err)
	}
	if err := checkCrashed(c.Context(), c.path, c.least, max(c.least, c.begins), c.states%5 == 0 || torture()); err != nil {
		return c.found(what, err)
	}
	return true
}

// newCrashes tries crashes of a process in the store at path, as it was before.
func newCrashes(t *testing.T, path string, before map[string][]byte) *crashes {
	t.Helper()
	seed := rand.Uint64()
	c := &crashes{T: t, path: path, random: rand.New(rand.NewPCG(seed, 0)), cuts: 1, share: 30, found: func(what string, err error) bool {
		t.Errorf("%s, seed %d: %v", what, seed, err)
		return !t.Failed()
	}}
	if torture() {
		c.cuts, c.share = 20, 1
	}
	d := &simDisk{dir: filepath.Dir(path)}
	if err := d.write(before); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.disk, err = newSimDisk(d.dir); err != nil {
		t.Fatal(err)
	}
	return c
}

// lifeOf traces a process that goes on with the history in a store, as files says.
func lifeOf(t *testing.T, path string, files map[string][]byte, changes int, closes bool) []call {
	t.Helper()
	d := &simDisk{dir: filepath.Dir(path)}
	if err := d.write(files); err != nil {
		t.Fatal(err)
	}
	return traceChild(t, path, changes, closes)
}

// A crash at any call of a store, a kill or a power cut, takes back nothing that was
// acknowledged or shown, and leaves a state that was: while the store is made, its journal taken
// into use, in commits, in checkpoints, when the segments change places, and in the close. The
// file alone is at every moment a state that was, too.
func TestACrashAtAnyCallTakesBackNothing(t *testing.T) {
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	calls := lifeOf(t, path, nil, 22, true)
	passed := stages(calls)
	for _, stage := range []string{"the file is made", "the journal is made", "a record", "a record that is begun to be written", "a checkpoint", "the other segment", "the close"} {
		if passed[stage] == 0 {
			t.Errorf("the process never came to %s: this shows nothing of it", stage)
		}
	}
	c := newCrashes(t, path, nil)
	c.try(calls)
	t.Logf("%d calls, %v, %d states", len(calls), passed, c.states)
}

// The same holds of changes that go straight into the file, among others that do not.
func TestACrashWhileTheJournalHasNoRoomTakesBackNothing(t *testing.T) {
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	t.Setenv(childNoRoom, "1")
	calls := lifeOf(t, path, nil, 10, true)
	c := newCrashes(t, path, nil)
	c.try(calls)
	t.Logf("%d calls, %v, %d states", len(calls), stages(calls), c.states)
}

// stages counts what a process did.
func stages(calls []call) map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		base := filepath.Base(c.path)
		switch {
		case c.name == "linkat":
			n["the file is made"]++
		case c.creates && strings.HasSuffix(base, "-journal.1"):
			n["the journal is made"]++
		case c.name == "pwrite64" && strings.Contains(base, "-journal.") && bytes.HasPrefix(c.data, []byte("\xff\xf8jrlog\xfe")):
			n["a record"]++
			if strings.HasSuffix(base, ".1") {
				n["the other segment"]++
			}
		case c.name == "sync_file_range":
			n["a record that is begun to be written"]++
		case c.name == "pwrite64" && base == "jr.db" && c.at < 8192:
			n["a checkpoint"]++
		case strings.HasPrefix(c.name, "unlink") && strings.HasSuffix(base, "-journal.1"):
			n["the close"]++
		}
	}
	return n
}

// Without one of the syncs, or the order of the steps, a crash does take something back.
func TestACrashTakesBackWhatWasNotSynced(t *testing.T) {
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	calls := lifeOf(t, path, nil, 22, true)
	isSync := func(c *call) bool { return c.name == "fdatasync" || c.name == "fsync" }
	inJournal := func(c *call) bool { return strings.Contains(c.path, "-journal.") }
	begun := "" // a segment whose newest record is begun to be written
	for name, lacks := range map[string]func(c *call) bool{
		"no sync of a record": func(c *call) bool { return c.name == "fdatasync" && inJournal(c) },
		"no sync of a record that is begun to be written": func(c *call) bool {
			if c.name == "sync_file_range" {
				begun = c.path
			}
			if c.name != "fdatasync" || c.path != begun {
				return false
			}
			begun = ""
			return true
		},
		"no sync of a segment's head":    func(c *call) bool { return c.name == "fsync" && inJournal(c) },
		"no sync of the file":            func(c *call) bool { return isSync(c) && filepath.Base(c.path) == "jr.db" },
		"no sync of the directory":       func(c *call) bool { return isSync(c) && c.path == filepath.Dir(path) },
		"a checkpoint that is not there": func(c *call) bool { return c.name == "pwrite64" && filepath.Base(c.path) == "jr.db" && c.at >= 8192 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrashes(t, path, nil)
			noticed := ""
			c.share = 1
			c.found = func(what string, err error) bool {
				noticed = fmt.Sprintf("%s: %v", what, err)
				return false
			}
			c.try(slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return lacks(&c) }))
			if noticed == "" {
				t.Errorf("it is not noticed in %d states: they show nothing", c.states)
			}
			t.Log(noticed)
		})
	}
}

// A crash in a recovery, which is after a crash, takes back nothing either.
func TestACrashInARecoveryTakesBackNothing(t *testing.T) {
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	calls := lifeOf(t, path, nil, 16, true)
	tries := 2
	if torture() {
		tries = 60
	}
	states := 0
	for i := range tries {
		c := newCrashes(t, path, nil)
		inUse := slices.IndexFunc(calls, func(c call) bool { return c.creates && strings.HasSuffix(c.path, "-journal.1") })
		at := inUse + c.random.IntN(len(calls)-inUse)
		for j := range calls[:at] {
			c.hear(&calls[j])
			c.disk.do(&calls[j])
		}
		crashed := c.disk.killed()
		if i%2 == 1 {
			crashed = c.disk.cut(c.random)
		}
		recovery := lifeOf(t, path, crashed, 2, i%2 == 0)
		again := newCrashes(t, path, crashed)
		again.least, again.begins = c.least, max(c.least, c.begins)
		again.try(recovery)
		states += again.states
	}
	t.Logf("%d recoveries after crashes, %d states", tries, states)
}

// A process may end after it has given a file the name of the database, and before that name
// is on the disk, as compact does. The journal of the file that had the name before lies there
// still. It must not be gone before the new file has the name for sure.
func TestANameThatIsNotOnTheDiskYetTakesBackNothing(t *testing.T) {
	crashed := newCrashed(t)
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	closed := filepath.Join(t.TempDir(), "jr.db")
	opensWith(t, closed, crashed.files, crashed.last)
	renamed, err := os.ReadFile(closed) // has one change more, which nobody was told of
	if err != nil {
		t.Fatal(err)
	}
	before, after := map[string][]byte{}, map[string][]byte{}
	for suffix, data := range crashed.files {
		before[path+suffix], after[path+suffix] = data, data
	}
	after[path] = renamed
	calls := lifeOf(t, path, after, 2, true)
	c := newCrashes(t, path, before)
	c.least, c.begins = crashed.last, crashed.last+1
	c.disk.rename(path, &simFile{shown: renamed, synced: renamed}, &call{end: -1})
	c.try(calls)
	t.Logf("%d calls, %d states", len(calls), c.states)
}

// What an open shows is on the disk, also if the process before has seen a sync fail: then
// the kernel may show what is not on the disk, and no sync will ever put it there.
func TestWhatIsShownAfterAFailedSyncIsOnTheDisk(t *testing.T) {
	path := filepath.Join(memoryDir(t, "256m"), "jr.db")
	calls := lifeOf(t, path, nil, 9, false)
	// The last change was written, and its sync has failed.
	last := slices.IndexFunc(calls, func(c call) bool { word, n := c.said(); return word == "acknowledged" && n == 9 })
	sync := last
	for sync--; calls[sync].name != "fdatasync" || !strings.Contains(calls[sync].path, "-journal."); sync-- {
	}
	c := newCrashes(t, path, nil)
	for i := range calls[:last] {
		if i != sync {
			c.disk.do(&calls[i])
		}
	}
	shown, synced := maps.Clone(c.disk.killed()), c.disk.cut(nil)
	if bytes.Equal(shown[path+"-journal.0"], synced[path+"-journal.0"]) && bytes.Equal(shown[path+"-journal.1"], synced[path+"-journal.1"]) {
		t.Fatal("the kernel shows what is on the disk: this shows nothing")
	}
	recovery := lifeOf(t, path, shown, 1, false)
	for name, lacks := range map[string]func(c *call) bool{
		"as it is": nil,
		"without the write": func(c *call) bool {
			return c.name == "pwrite64" && strings.Contains(c.path, "-journal.")
		},
		"without the sync": func(c *call) bool {
			return c.name == "fdatasync" && strings.Contains(c.path, "-journal.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := newCrashes(t, path, shown)
			for path, f := range again.disk.names {
				f.synced = bytes.Clone(synced[path])
			}
			again.begins, again.share = 9, 1
			var failed error
			again.found = func(what string, err error) bool {
				failed = fmt.Errorf("%s: %w", what, err)
				return false
			}
			again.try(slices.DeleteFunc(slices.Clone(recovery), func(c call) bool { return lacks != nil && lacks(&c) }))
			if (failed != nil) != (lacks != nil) {
				t.Error(failed)
			}
		})
	}
}

// A store is not opened if the settling of its journal fails, and not harmed either.
func TestAJournalThatCannotBeSettledIsNotShown(t *testing.T) {
	dir := memoryDir(t, "64m")
	path := filepath.Join(dir, "jr.db")
	calls := lifeOf(t, path, nil, 4, false)
	if n := len(calls); n == 0 {
		t.Fatal("no calls")
	}
	for _, inject := range []string{"pwrite64:error=EIO", "fdatasync:error=EIO"} {
		files := map[string][]byte{}
		for _, p := range []string{path, path + "-journal.0", path + "-journal.1"} {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			files[p] = data
		}
		cmd := child(t, path, 1, true, strace(t), "-f", "-o", os.DevNull, "-P", path+"-journal.0",
			"-e", "trace=pwrite64,fdatasync", "-e", "inject="+inject)
		out, err := cmd.Output()
		if code := exitCode(t, err); code != 3 || !bytes.Contains(out, []byte(store.ErrFailed.Error())) || bytes.Contains(out, []byte("shown")) {
			t.Errorf("%s: exit code %d, and it said %q", inject, code, out)
		}
		for p, data := range files {
			if got, err := os.ReadFile(p); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %s has changed, %v", inject, p, err)
			}
		}
	}
	if err := checkCrashed(t.Context(), path, 4, 4, true); err != nil {
		t.Error(errors.Join(err))
	}
}
