package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog"
)

// spentByProcess is what a process has done so far, as the system counts it.
type spentByProcess struct {
	reads, bytes int64 // calls that read, and what they gave
	wakes        int64 // times that one of its threads had waited for something
	cpu          time.Duration
}

func spentBy(t *testing.T, pid int) (s spentByProcess) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", pid)
	s.reads, s.bytes = counter(t, proc+"io", "syscr"), counter(t, proc+"io", "rchar")
	threads, err := filepath.Glob(proc + "task/*/status")
	if err != nil || len(threads) == 0 {
		t.Fatal(err, "the process has no threads")
	}
	for _, status := range threads {
		s.wakes += counter(t, status, "voluntary_ctxt_switches")
	}
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, ticks := range fields[11:13] { // of a hundredth of a second
		n, _ := strconv.Atoi(ticks) // the system writes numbers
		s.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	return s
}

// counter reads a line "name: number" of a file, or "name: number kB".
func counter(t *testing.T, path, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, name+":"); is {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s does not tell %s", path, name)
	return 0
}

func (s spentByProcess) since(before spentByProcess) spentByProcess {
	return spentByProcess{s.reads - before.reads, s.bytes - before.bytes, s.wakes - before.wakes, s.cpu - before.cpu}
}

// patienceForRest is how long a watch may take until it has recorded all and rests: much
// longer than it takes where nothing else runs.
const patienceForRest = 10 * time.Minute

// resting waits until a process has read nothing and was not woken for a second, and
// returns what it had spent by then.
func resting(t *testing.T, pid int) spentByProcess {
	t.Helper()
	last, end := spentBy(t, pid), time.After(patienceForRest)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it does not come to rest")
		}
		now := spentBy(t, pid)
		if d := now.since(last); d.reads == 0 && d.wakes <= 2 {
			return now
		}
		last = now
	}
}

// A watch at rest reads nothing and is woken by nothing, however many transcripts there
// are. JRWEB_POPULATION makes them more, and then 10 minutes are measured, with strace too.
func TestAWatchAtRestDoesNothing(t *testing.T) {
	n, window, long := 50, 5*time.Second, false
	if many, err := strconv.Atoi(os.Getenv("JRWEB_POPULATION")); err == nil {
		n, window, long = many, 10*time.Minute, true
	}
	if d, err := time.ParseDuration(os.Getenv("JRWEB_IDLE_WINDOW")); err == nil {
		window = d
	}
	c := newChaos(t, t.TempDir())
	runs := populate(t, c.home, n, time.Now())
	c.startServer()
	c.startWatch()
	defer c.stop()
	pid := c.watch.Process.Pid
	oldest := runs[len(runs)-1]
	for end := time.Now().Add(patienceForRest); !c.has(oldest); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the oldest run is not recorded")
		}
	}
	before := resting(t, pid)
	var trace *exec.Cmd
	var calls bytes.Buffer
	if long {
		trace = exec.Command("strace", "-c", "-f", "-p", strconv.Itoa(pid))
		trace.Stderr = &calls
		if err := trace.Start(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(window)
	if trace != nil {
		_ = trace.Process.Signal(os.Interrupt) // it writes its table
		_ = trace.Wait()
		t.Logf("of %s:\n%s", window, calls.String())
	}
	spent := spentBy(t, pid).since(before)
	t.Logf("%d transcripts, in %s at rest: %d reads of %d bytes, woken %d times, %s of a processor", n, window, spent.reads, spent.bytes, spent.wakes, spent.cpu)
	// The runtime collects garbage every two minutes, and wakes its threads for it. After a
	// minute the spools are looked through once. A trace wakes a thread with each call, so
	// that the calls are counted instead.
	minutes := int64(window/time.Minute) + 1
	if spent.reads > 10+2*minutes || spent.bytes > 4096*minutes || !long && spent.wakes > 100 || spent.cpu > time.Duration(minutes)*100*time.Millisecond {
		t.Errorf("it is not at rest")
	}
	if calls := totalCalls(calls.String()); long && (calls == 0 || calls > 100*minutes) {
		t.Errorf("it made %d system calls in %s", calls, window)
	}

	// The control: what it does is seen.
	before = spentBy(t, pid)
	newest := runs[0]
	f, err := os.OpenFile(newest.path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		w := bufio.NewWriter(f)
		_, err = w.WriteString("\n{}\n")
		if err == nil {
			err = w.Flush()
		}
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err, "the run cannot be written")
	}
	for end := time.Now().Add(patienceForRest); spentBy(t, pid).since(before).reads == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it reads nothing of a transcript that has grown")
		}
	}
}

// totalLine is the last line of strace's table.
var totalLine = regexp.MustCompile(`(?m)^100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$`)

func totalCalls(table string) int64 {
	if total := totalLine.FindStringSubmatch(table); total != nil {
		n, _ := strconv.ParseInt(total[1], 10, 64) // it is of digits
		return n
	}
	return 0
}

// busyLine is what Claude Code writes of a message of 2 KB.
func busyLine(session string, n int) string {
	return fmt.Sprintf(`{"parentUuid":"u","isSidechain":false,"cwd":"/srv/app","sessionId":%q,"version":"2.1.332","type":"assistant","message":{"id":"m-%s-%d","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":%q}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}},"uuid":"a-%d","timestamp":%q}`+"\n",
		session, session, n, strings.Repeat("words of an agent ", 100), n, time.Now().UTC().Format(eventlog.TimeFormat))
}

// mostWatchMemory is what a watch may have, in KiB: four old transcripts are recorded beside
// what agents write now.
const mostWatchMemory = (160 + 320*raceDetector) << 10

// A watch takes little while ten agents write, however much they have written before: it
// reads what is new a few times, and holds neither that nor a large old transcript in memory.
func TestAWatchTakesLittleWhileAgentsWrite(t *testing.T) {
	const (
		agents, before, lines = 10, 500, 20
		pause                 = 500 * time.Millisecond // of each agent between two lines
	)
	c := newChaos(t, t.TempDir())
	c.idle = time.Hour // none comes to rest
	populate(t, c.home, populationSize(t), time.Now().Add(-time.Hour))
	old := filepath.Join(c.home, ".claude", "projects", "-p", "old.jsonl")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	size := (48 - 40*raceDetector) << 20
	if os.Getenv("JRWEB_TORTURE") != "" {
		size = 300 << 20
	}
	bigTranscript(t, old, size)
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	var sessions []string
	written := 0
	writes := func(session string, from, to int) {
		var text strings.Builder
		for n := from; n < to; n++ {
			text.WriteString(busyLine(session, n))
		}
		written += text.Len()
		k := kept{path: filepath.Join(c.home, ".claude", "projects", "-p", session+".jsonl")}
		if err := k.add([]byte(text.String())); err != nil {
			t.Fatal(err)
		}
	}
	for i := range agents {
		sessions = append(sessions, fmt.Sprintf("%08d-2222-4333-8444-555555555555", i))
		writes(sessions[i], 0, before)
	}
	recorded := func(lines int) {
		t.Helper()
		for end := time.Now().Add(patienceForRest); ; time.Sleep(100 * time.Millisecond) {
			n := 0
			for _, session := range sessions {
				if task, err := c.client.Task(t.Context(), "claude-code-"+session); err == nil && task.Totals.OutputTokens == uint64(5*lines) {
					n++
				}
			}
			if n == agents {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("of %d agents all is recorded", n)
			}
		}
	}
	c.startServer()
	c.startWatch()
	defer c.stop()
	pid := c.watch.Process.Pid
	recorded(before)
	start := resting(t, pid)
	written = 0
	began := time.Now()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := range lines {
		<-tick.C
		for _, session := range sessions {
			writes(session, before+n, before+n+1)
		}
	}
	recorded(before + lines)
	took, spent := time.Since(began), spentBy(t, pid).since(start)
	peak := counter(t, fmt.Sprintf("/proc/%d/status", pid), "VmHWM") // in KiB
	t.Logf("%d agents wrote %d KiB in %s: %d reads of %d KiB, %s of a processor, at most %d MiB of memory",
		agents, written>>10, took.Round(100*time.Millisecond), spent.reads, spent.bytes>>10, spent.cpu, peak>>10)
	if most := int64(8*written + 1<<20); spent.bytes > most {
		t.Errorf("it read %d bytes of %d that were written", spent.bytes, written)
	}
	if spent.cpu > took*(1+3*raceDetector)/4 {
		t.Errorf("it took %s of a processor in %s", spent.cpu, took)
	}
	if peak > mostWatchMemory {
		t.Errorf("it had %d MiB", peak>>10)
	}
}
