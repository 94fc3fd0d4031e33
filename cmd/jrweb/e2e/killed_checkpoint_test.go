package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process that is killed while the journal goes into the file, and the next one while it
// recovers, have every event that was acknowledged.
func TestAKillWithinACheckpointOrARecoveryTakesBackNothing(t *testing.T) {
	rounds := 3
	if torture() {
		rounds = 50
	}
	s := serve(t)
	r := newKillRun("t-checkpoint")
	recoveries := 0
	r.survive(t, s, rounds, func() {
		s.fillUntilACheckpoint()
		<-time.After(rand.N(20 * time.Millisecond)) // a checkpoint takes longer
		_ = s.signal(syscall.SIGKILL)               // its exit says that it was killed
		if s.killEarly(rand.N(150 * time.Millisecond)) {
			recoveries++
		}
	})
	t.Logf("%d of %d recoveries were killed before the server listened", recoveries, rounds)
	if torture() && recoveries == 0 {
		t.Error("no recovery was killed: this shows nothing of them")
	}
}

// fillUntilACheckpoint appends until the server writes to the file of its database. Before
// that it writes to the journal alone.
func (s *server) fillUntilACheckpoint() {
	s.t.Helper()
	before := s.fileTime()
	filling := says("%s", strings.Repeat("x", 1<<20))
	for range 64 {
		if s.fileTime() != before {
			return
		}
		s.append("t-filling", filling)
	}
	s.t.Fatal("64 MiB were appended, and none of them went into the file")
}

// fileTime is when the file of the database was last written to.
func (s *server) fileTime() time.Time {
	s.t.Helper()
	info, err := os.Stat(s.db)
	if err != nil {
		s.t.Fatal(err)
	}
	return info.ModTime()
}

// killEarly starts the server and kills it a little later. It reports whether the server
// did not listen yet.
func (s *server) killEarly(after time.Duration) bool {
	s.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(binary, "serve", "-addr", "127.0.0.1:0", "-db", s.db)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	<-time.After(after)
	if err := cmd.Process.Kill(); err != nil {
		s.t.Fatal(fmt.Errorf("the server ended by itself: %w", err))
	}
	_ = cmd.Wait() // it says that it was killed
	return out.Len() == 0
}
