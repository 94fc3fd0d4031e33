package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// bigTranscript writes a session of about so many bytes, as Claude Code keeps it: most
// of it are results of tools.
func bigTranscript(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	began := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	uuid, written := "null", 0
	line := func(n int, kind, message string) {
		id := fmt.Sprintf(`"u%d"`, n)
		k, err := fmt.Fprintf(out, `{"parentUuid":%s,"isSidechain":false,"userType":"external","cwd":"/srv/app","sessionId":"11111111-2222-4333-8444-555555555555","version":"2.1.220","gitBranch":"main","type":%q,"message":%s,"uuid":%s,"timestamp":%q}`+"\n",
			uuid, kind, message, id, began.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000Z"))
		if err != nil {
			t.Fatal(err)
		}
		written += k
		uuid = id
	}
	line(0, "user", `{"role":"user","content":"Read it all"}`)
	for n := 1; written < size; n += 2 {
		line(n, "assistant", fmt.Sprintf(`{"id":"m%d","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"tool_use","id":"t%d","name":"Read","input":{"file_path":"/srv/app/%d.go"}}],"stop_reason":null,"usage":{"input_tokens":10,"output_tokens":5}}`, n, n, n))
		line(n+1, "user", fmt.Sprintf(`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t%d","content":"%s","is_error":false}]}`, n, strings.Repeat("0123456789 lines of code\\n", 1+random.IntN(300))))
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

// mostMemory is what an import may take, in KiB, however large the file is. The race
// detector needs twice as much on top.
const mostMemory = (96 + 192*raceDetector) << 10

// outputAndPeak runs a command, and returns its output and the most memory that it had, in
// KiB. What the system counts for a process that has ended is not less than what the process had
// that started it, so this looks while it runs.
func outputAndPeak(cmd *exec.Cmd) (output []byte, peak int64, err error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return out.Bytes(), peak, err
		case <-tick.C:
		}
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)) // it may have ended
		if _, rest, found := bytes.Cut(status, []byte("VmHWM:")); found {
			if _, err := fmt.Sscan(string(rest), &peak); err != nil {
				return nil, 0, err
			}
		}
	}
}

func TestALargeTranscriptIsImportedInBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes some 50 MB")
	}
	size := (24 - 16*raceDetector) << 20 // it is slow with the race detector
	if os.Getenv("JRWEB_TORTURE") != "" {
		size = 300 << 20
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "big.jsonl")
	bigTranscript(t, path, size)
	_, url := serving(t, filepath.Join(dir, "jr.db"))
	imports := func() (out string) {
		t.Helper()
		// The bar is drawn on a terminal only.
		ours, theirs, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		bar := make(chan string, 1)
		go func() {
			var all strings.Builder
			buffer := make([]byte, 4096)
			for {
				n, err := ours.Read(buffer)
				all.Write(buffer[:n])
				if err != nil {
					bar <- all.String()
					return
				}
			}
		}()
		cmd := exec.Command("jrweb", "import", "-task", "t-1", "-url", url, "-spool", filepath.Join(dir, "spool"), path)
		cmd.Stderr = theirs
		began := time.Now()
		said, used, err := outputAndPeak(cmd)
		if err := theirs.Close(); err != nil {
			t.Fatal(err)
		}
		drawn := <-bar
		if err != nil {
			t.Fatalf("%v: %s", err, drawn)
		}
		t.Logf("%d MB in %v with %d MiB: %s", size>>20, time.Since(began).Round(time.Millisecond), used>>10, said)
		if used == 0 || used > mostMemory {
			t.Errorf("it took %d MiB", used>>10)
		}
		return string(said) + drawn
	}
	if out := imports(); !strings.Contains(out, "events as claude-session") || !strings.Contains(out, "import [=") {
		t.Errorf("it says %q", out)
	}
	if out := imports(); !strings.Contains(out, "already: nothing is added") {
		t.Errorf("again it says %q", out)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`{"type":"custom-title","sessionId":"11111111-2222-4333-8444-555555555555","customTitle":"All of it"}` + "\n")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := imports(); !strings.Contains(out, "in the place of session") {
		t.Errorf("when it has grown it says %q", out)
	}
}
