package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// nodeLine is what follow.mjs prints for each thing that happens.
type nodeLine struct {
	Kind     string // event, open, error, closed
	ID       string
	Sequence uint64
	Type     string
	Code     int
}

// Node's EventSource client sees every event once, over a restart of the server,
// and stops after the end.
func TestNodeEventSourceResumesAndStops(t *testing.T) {
	t.Parallel()
	needs(t, "node")
	if _, err := os.Stat("node_modules/eventsource"); err != nil {
		t.Fatal("the eventsource package is not installed: run make test, which installs it")
	}
	s := serve(t)
	s.append("t-node", says("1"), says("2"), says("3"))

	cmd := exec.Command("node", "follow.mjs", s.url+"/tasks/t-node/events/stream?format=envelope")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	var seen uint64
	next := func() nodeLine {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the client ended after event %d: %v", seen, lines.Err())
		}
		var line nodeLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		if line.Kind == "event" {
			if seen++; line.Sequence != seen {
				t.Fatalf("event %d came after %d", line.Sequence, seen-1)
			}
		}
		return line
	}
	until := func(sequence uint64) {
		t.Helper()
		for seen < sequence {
			next()
		}
	}

	until(3)
	s.append("t-node", says("4"))
	until(4)
	s.stop()
	s.start()
	session := s.append("t-node", says("5"), says("6")).Session
	until(6)
	s.complete("t-node", session)
	until(7)
	// The response ends, the client comes back, gets 204, and gives up for good.
	for line := next(); line.Kind != "closed"; line = next() {
		if line.Kind == "event" {
			t.Fatalf("event %s after the end", line.ID)
		}
	}
	if lines.Scan() {
		t.Fatalf("after the end: %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(fmt.Errorf("node: %w", err))
	}
}
