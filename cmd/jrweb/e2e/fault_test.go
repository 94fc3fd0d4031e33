package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"jrweb/eventlog/dbfile"
)

// torture reports whether the long forms of the tests are asked for: make torture.
func torture() bool { return os.Getenv("JRWEB_TORTURE") != "" }

// faultRun is what was said and heard of one task in a run with faults.
type faultRun struct {
	acknowledged map[uint64]string // by sequence
	seen         map[uint64]string // by a stream, or a read
	unchanged    map[string]bool   // refused with the word that nothing was changed
	unknown      map[string]bool   // answered with a failure for good, or not at all
}

// check compares what was said and heard with what is stored when the disk is
// good again: visible implies durable, and what is said not to be there is not.
func (r *faultRun) check(stored []string) error {
	at := func(sequence uint64) string {
		if sequence > uint64(len(stored)) {
			return "nothing"
		}
		return stored[sequence-1]
	}
	for sequence, content := range r.acknowledged {
		if at(sequence) != content {
			return fmt.Errorf("event %d %q was acknowledged, and stored is %q", sequence, content, at(sequence))
		}
	}
	for sequence, content := range r.seen {
		if at(sequence) != content {
			return fmt.Errorf("event %d %q was shown, and stored is %q", sequence, content, at(sequence))
		}
		if _, ok := r.acknowledged[sequence]; !ok {
			return fmt.Errorf("event %d %q was shown, and its commit had failed", sequence, content)
		}
	}
	acknowledged := map[string]bool{}
	for _, content := range r.acknowledged {
		acknowledged[content] = true
	}
	for i, content := range stored {
		if !acknowledged[content] && !r.unknown[content] {
			return fmt.Errorf("event %d %q is stored, and nothing should have changed", i+1, content)
		}
	}
	return nil
}

const (
	faultAppends = 24
	faultPadding = 60 << 10 // so that the file grows during the run
)

// A write, a sync, or an allocation of space that fails takes back nothing that
// anybody saw. Only a failed sync is the end.
func TestDiskFaultsTakeBackNothingThatWasSeen(t *testing.T) {
	t.Parallel()
	strace := needs(t, "strace")
	base := serve(t)
	before := &faultRun{acknowledged: map[uint64]string{}}
	for range 3 {
		base.faultAppend(t, before, fmt.Sprintf("before %d", len(before.acknowledged)))
	}
	base.stop()
	file, err := os.ReadFile(base.db)
	if err != nil {
		t.Fatal(err)
	}

	type fault struct {
		inject string // of strace: what fails, how, and which calls of each thread
		calls  string
	}
	faults := []fault{
		{"fdatasync:error=EIO", "1"}, {"fdatasync:error=EIO", "4"}, {"fdatasync:error=ENOSPC", "7"},
		{"fsync:error=EIO", "1"},
		{"pwrite64:error=ENOSPC", "2"}, {"pwrite64:error=ENOSPC", "9..20"}, {"pwrite64:error=EIO", "5+7"},
		{"fallocate:error=ENOSPC", "1+"}, {"fallocate:error=EIO", "1"},
	}
	if torture() {
		for n := 1; n <= 2*faultAppends; n++ {
			calls := fmt.Sprint(n)
			faults = append(faults, fault{"fdatasync:error=EIO", calls}, fault{"pwrite64:error=EIO", calls}, fault{"pwrite64:error=ENOSPC", calls})
		}
		for n := 2 * faultAppends; n <= 12*faultAppends; n += 3 {
			faults = append(faults, fault{"pwrite64:error=ENOSPC", fmt.Sprint(n)})
		}
		for n := 1; n <= 3; n++ {
			calls := fmt.Sprint(n)
			faults = append(faults, fault{"fsync:error=EIO", calls}, fault{"fallocate:error=ENOSPC", calls}, fault{"fallocate:error=EIO", calls})
		}
		faults = append(faults,
			// A file system that cannot give space in advance.
			fault{"fallocate:error=EOPNOTSUPP", "1+"},
			fault{"fallocate:error=EOPNOTSUPP -e inject=ftruncate:error=ENOSPC", "1+"},
			fault{"fallocate:error=EOPNOTSUPP -e inject=pwrite64:error=ENOSPC", "5"},
		)
	}
	for _, f := range faults {
		t.Run(f.inject+" at "+f.calls, func(t *testing.T) {
			dir := t.TempDir()
			trace := filepath.Join(dir, "trace")
			s := &server{t: t, db: filepath.Join(dir, "jr.db"), wrap: []string{
				strace, "-f", "--seccomp-bpf", "-s", "0", "-o", trace, "-e", "trace=fdatasync,fsync,pwrite64,fallocate,ftruncate",
			}}
			for inject := range strings.SplitSeq(f.inject, " -e inject=") {
				s.wrap = append(s.wrap, "-e", "inject="+inject+":when="+f.calls)
			}
			if err := os.WriteFile(s.db, file, 0o600); err != nil {
				t.Fatal(err)
			}
			run := &faultRun{
				acknowledged: maps.Clone(before.acknowledged), seen: map[uint64]string{},
				unchanged: map[string]bool{}, unknown: map[string]bool{},
			}
			code, started := s.withFaults(t, run)
			faulted := faultsOf(t, trace)
			if len(faulted) == 0 && !torture() { // at later calls there may be none
				t.Error("no fault happened: this round shows nothing")
			}
			want := 0
			if faulted["fdatasync"]+faulted["fsync"] > 0 || !started {
				want = 5
			}
			if code != want {
				t.Errorf("exit code %d after %v, want %d; in the log:\n%s", code, faulted, want, s.log)
			}

			s.wrap = nil
			s.start()
			stored := s.events("t-fault")
			if err := run.check(stored); err != nil {
				t.Error(err)
			}
			s.append("t-fault", says("the log goes on"))
			s.stop()
			if _, err := dbfile.Check(t.Context(), s.db, nil); err != nil {
				t.Errorf("the file after all that: %v", err)
			}
			t.Logf("%v: %d acknowledged, %d seen, %d refused, %d unknown, exit code %d", faulted,
				len(run.acknowledged), len(run.seen), len(run.unchanged), len(run.unknown), code)
		})
	}
}

// The check of the test above notices each kind of lie.
func TestAFaultThatTakesSomethingBackIsNoticed(t *testing.T) {
	good := func() *faultRun {
		return &faultRun{
			acknowledged: map[uint64]string{1: "a", 2: "b"}, seen: map[uint64]string{1: "a", 2: "b"},
			unchanged: map[string]bool{"c": true}, unknown: map[string]bool{"d": true},
		}
	}
	for name, test := range map[string]struct {
		lie    func(r *faultRun)
		stored []string
		good   bool
	}{
		"the truth":                              {func(*faultRun) {}, []string{"a", "b"}, true},
		"an unknown append may be there":         {func(*faultRun) {}, []string{"a", "b", "d"}, true},
		"an acknowledged event is gone":          {func(r *faultRun) { delete(r.seen, 2) }, []string{"a"}, false},
		"an event that was shown is gone":        {func(r *faultRun) { delete(r.acknowledged, 2) }, []string{"a"}, false},
		"another event is in its place":          {func(*faultRun) {}, []string{"a", "d"}, false},
		"a refused append is stored":             {func(*faultRun) {}, []string{"a", "b", "c"}, false},
		"an event whose commit failed was shown": {func(r *faultRun) { r.seen[3] = "d" }, []string{"a", "b", "d"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			run := good()
			test.lie(run)
			if err := run.check(test.stored); (err == nil) != test.good {
				t.Errorf("check says %v", err)
			}
		})
	}
}

// withFaults starts the server, appends and reads until it is done or the server
// has ended, and returns its exit code. A fault may keep it from starting.
func (s *server) withFaults(t *testing.T, run *faultRun) (code int, started bool) {
	t.Helper()
	if err := s.tryStart(); err != nil {
		t.Log(err)
		return s.cmd.ProcessState.ExitCode(), false
	}
	var streaming sync.WaitGroup
	var seen map[uint64]string
	var unheard error
	streaming.Go(func() { seen, unheard = s.watchStream(t, "t-fault") })
	failed := false
	for n := 0; n < faultAppends && !failed; n++ {
		failed = s.faultAppend(t, run, fmt.Sprintf("append %d", n))
	}
	status, problem, err := s.readyz()
	switch {
	case failed && err == nil && status == http.StatusOK:
		t.Error("ready after the storage has failed")
	case err != nil, strings.HasSuffix(problem, ":storage_failed"):
		failed = true // in a checkpoint, or in the probe; the exit code must say so
	}
	if !failed {
		for i, content := range s.events("t-fault") {
			run.seen[uint64(i+1)] = content
		}
	}
	if failed {
		err = s.cmd.Wait() // by itself
	} else {
		err = s.signal(syscall.SIGTERM)
	}
	streaming.Wait()
	if unheard != nil && !failed { // else the server has ended before it could answer
		t.Error(unheard)
	}
	maps.Copy(run.seen, seen)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), true
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, true
}

// readyz asks whether the server is ready. problem is the type of the answer, if
// it is one.
func (s *server) readyz() (status int, problem string, err error) {
	res, err := http.Get(s.url + "/readyz")
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return res.StatusCode, "", nil
	}
	var answer struct{ Type string }
	err = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer.Type, err
}

// faultAppend appends one event and notes the answer. failed says that it was a
// failure for good.
func (s *server) faultAppend(t *testing.T, run *faultRun, content string) (failed bool) {
	t.Helper()
	body := fmt.Sprintf(`{"type":"assistant","data":{"content":%q,"padding":%q}}`, content, strings.Repeat("x", faultPadding))
	res, err := http.Post(s.url+"/tasks/t-fault/events", "application/json", strings.NewReader(body))
	if err != nil {
		run.unknown[content] = true
		return true
	}
	defer res.Body.Close()
	var answer struct {
		First uint64
		Type  string
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		run.unknown[content] = true
		return true
	}
	switch {
	case res.StatusCode == http.StatusOK:
		run.acknowledged[answer.First] = content
	case res.StatusCode == http.StatusInsufficientStorage && strings.HasSuffix(answer.Type, ":full"),
		res.StatusCode == http.StatusServiceUnavailable && strings.HasSuffix(answer.Type, ":not_committed"):
		run.unchanged[content] = true
	case res.StatusCode == http.StatusServiceUnavailable && strings.HasSuffix(answer.Type, ":storage_failed"):
		run.unknown[content] = true
		return true
	default:
		t.Errorf("append: %s, problem %s", res.Status, answer.Type)
	}
	return false
}

// watchStream reads a task's stream until it ends, and returns what it showed. The error says
// why there was no stream.
func (s *server) watchStream(t *testing.T, task string) (seen map[uint64]string, err error) {
	seen = map[uint64]string{}
	res, err := http.Get(s.url + "/tasks/" + task + "/events/stream")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	var sequence uint64
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return seen, nil
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			_, after, _ := strings.Cut(strings.TrimSpace(id), ":")
			if _, err := fmt.Sscan(after, &sequence); err != nil {
				t.Errorf("id %q: %v", id, err)
			}
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var data struct{ Content string }
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				t.Errorf("data of event %d: %v", sequence, err)
			}
			seen[sequence] = data.Content
		}
	}
}

var injected = regexp.MustCompile(`(?m)^\d+ +(?:<\.\.\. )?(\w+).*\(INJECTED\)$`)

// faultsOf counts the calls that strace made fail, by their names.
func faultsOf(t *testing.T, trace string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, match := range injected.FindAllSubmatch(text, -1) {
		count[string(match[1])]++
	}
	return count
}
