package filestore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog/store"
)

// fault makes one call of a process fail, the nth of its kind on a file of each thread.
type fault struct {
	call, file string // file: "" for the directory, else what follows the path of the store
	errno      string
	nth        string
}

func (f fault) String() string {
	return fmt.Sprintf("%s of %q fails with %s at %s", f.call, "jr.db"+f.file, f.errno, f.nth)
}

// everyFault is each kind of call on each file, and each time that it comes.
func everyFault() (all []fault) {
	add := func(most int, call, file string, errnos ...string) {
		for _, errno := range errnos {
			for n := range most {
				all = append(all, fault{call, file, errno, fmt.Sprint(n + 1)})
			}
			all = append(all, fault{call, file, errno, fmt.Sprint(1+most/2, "+")})
		}
	}
	add(14, "pwrite64", "", "EIO", "ENOSPC")
	add(8, "fdatasync", "", "EIO")
	add(2, "fsync", "", "EIO")
	add(3, "fallocate", "", "ENOSPC", "EIO")
	for _, segment := range []string{"-journal.0", "-journal.1"} {
		add(8, "pwrite64", segment, "EIO", "ENOSPC")
		add(1, "sync_file_range", segment, "EIO")
		add(6, "fdatasync", segment, "EIO", "ENOSPC")
		add(1, "fsync", segment, "EIO")
		add(2, "fallocate", segment, "ENOSPC", "EIO")
		add(1, "openat", segment, "EIO", "ENOSPC")
		add(1, "unlinkat", segment, "EIO")
	}
	return all
}

// A call that fails takes back nothing that was acknowledged or shown. What was refused as
// changing nothing has changed nothing. Only a sync that fails is the end, and with it
// nothing is acknowledged or shown any more.
func TestACallThatFailsTakesBackNothing(t *testing.T) {
	all := everyFault()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	t.Logf("seed %d, %d faults", seed, len(all))
	if !torture() {
		all = all[:10]
	}
	happened, ended := 0, 0
	for i, f := range all {
		t.Run(f.String(), func(t *testing.T) {
			path := filepath.Join(memoryDir(t, "128m"), "jr.db")
			least := 0
			if i%2 == 0 { // begin with a recovery
				least = 7
				if out, err := child(t, path, least, false).Output(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			trace := filepath.Join(t.TempDir(), "trace")
			cmd := child(t, path, 18, true, strace(t), "-f", "-s", "0", "-o", trace, "-P", path+f.file,
				"-e", "trace="+f.call, "-e", "inject="+f.call+":error="+f.errno+":when="+f.nth)
			out, err := cmd.Output()
			code := exitCode(t, err)
			text, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("(INJECTED)")) {
				return // there are not that many
			}
			happened++
			h := hear(out)
			if len(h.wrong) > 0 {
				t.Errorf("it said %q", h.wrong)
			}
			if code == 5 {
				ended++
			}
			_, err = os.Stat(path + "-journal.0")
			if f.call == "fdatasync" && code == 0 && h.closed == "<nil>" && (f.file != "" || err != nil) {
				t.Errorf("a sync has failed, and the store went on:\n%s", out)
			}
			if f.call == "fsync" && strings.HasPrefix(f.file, "-journal.") && code != 5 {
				t.Errorf("the sync of a new segment has failed, and the store went on, code %d:\n%s", code, out)
			}
			if strings.HasPrefix(f.call, "pwrite64") && code != 0 && code != 3 {
				t.Errorf("a write that failed was the end, code %d:\n%s", code, out)
			}
			if f.call == "sync_file_range" && (code != 0 || h.refused > 0) {
				t.Errorf("what was only advice has failed, and with it a change, code %d:\n%s", code, out)
			}
			if h.closed != "" && h.closed != "<nil>" && !strings.Contains(h.closed, store.ErrFailed.Error()) {
				t.Errorf("the close has failed, and does not say that storage has: %s", h.closed)
			}
			most := max(least, h.acknowledged)
			if code == 5 {
				most = max(most, h.begun)
			}
			if err := checkCrashed(t.Context(), path, max(least, h.acknowledged), most, true); err != nil {
				t.Errorf("%v\nexit code %d:\n%s", err, code, out)
			}
		})
	}
	t.Logf("%d faults happened, %d were the end", happened, ended)
	if happened < len(all)/4 {
		t.Errorf("only %d of %d faults happened: this shows little", happened, len(all))
	}
}

// heard is what a child has said.
type heard struct {
	acknowledged, begun int
	refused             int
	wrong               []string
	closed              string
}

func hear(out []byte) (h heard) {
	for line := range strings.Lines(string(out)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		n := 0
		_, _ = fmt.Sscanf(rest, "%d", &n)
		switch word {
		case "shown", "acknowledged":
			h.acknowledged = max(h.acknowledged, n)
		case "begun":
			h.begun = max(h.begun, n)
		case "refused":
			h.refused++
		case "wrong:":
			h.wrong = append(h.wrong, rest)
		case "closed:":
			h.closed = rest
		}
	}
	return h
}
