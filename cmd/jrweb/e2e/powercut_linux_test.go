package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/dbfile"
	"jrweb/internal/disktest"
)

// A power cut takes back nothing that was acknowledged or shown.
func TestAPowerCutTakesBackNothingThatWasSeen(t *testing.T) {
	cuts := 3
	if torture() {
		cuts = 100
	}
	survivePowerCuts(t, cuts, func(*server) {})
}

// Nor does one that comes while the journal goes into the file.
func TestAPowerCutWithinACheckpointTakesBackNothingThatWasSeen(t *testing.T) {
	cuts := 2
	if torture() {
		cuts = 25
	}
	survivePowerCuts(t, cuts, func(s *server) {
		s.fillUntilACheckpoint()
		<-time.After(rand.N(20 * time.Millisecond)) // a checkpoint takes longer
	})
}

// survivePowerCuts cuts the power of a server that is used. first runs before each cut.
func survivePowerCuts(t *testing.T, cuts int, first func(*server)) {
	d := disktest.New(t)
	s := &server{t: t, db: filepath.Join(d.Dir, "jr.db")}
	s.start()
	r := newKillRun("t-power")
	r.mayBreak, r.padding = true, 8<<10
	r.survive(t, s, cuts, func() {
		first(s)
		r.darken()
		d.Cut()
		_ = s.signal(syscall.SIGKILL) // its exit says that it was killed, or that its storage has failed
		d.Restore()
		if _, err := dbfile.Check(t.Context(), s.db, nil); err != nil {
			t.Errorf("the file after a power cut: %v", err)
		}
	})
}

// withoutSyncs runs a program whose syncs do nothing.
func withoutSyncs(t *testing.T) []string {
	t.Helper()
	return []string{
		needs(t, "strace"), "-f", "--seccomp-bpf", "-s", "0", "-o", os.DevNull,
		"-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0",
	}
}

// The control: without syncs, a power cut does take something back.
func TestAPowerCutTakesBackWhatWasNotSynced(t *testing.T) {
	for name, wrap := range map[string][]string{"with syncs": nil, "without syncs": withoutSyncs(t)} {
		t.Run(name, func(t *testing.T) {
			d := disktest.New(t)
			s := &server{t: t, db: filepath.Join(d.Dir, "jr.db")}
			s.start()
			s.append("t-power", says("before"))
			s.stop()
			s.wrap = wrap
			s.start()
			r := newKillRun("t-power")
			r.sent["before"] = true
			for n := range uint64(20) {
				content := fmt.Sprint(n)
				r.sent[content] = true
				r.acknowledged[s.append("t-power", says("%s", content)).First] = content
			}
			d.Cut()
			_ = s.signal(syscall.SIGKILL) // it may have ended by itself
			d.Restore()
			s.wrap = nil
			s.start()
			stored := s.events("t-power")
			t.Logf("%d events were acknowledged, %d are stored", 1+len(r.acknowledged), len(stored))
			if err := r.check(stored); (err != nil) != (wrap != nil) {
				t.Errorf("check says %v", err)
			}
		})
	}
}

// A process that is killed before its sync has returned leaves a commit that is
// in the kernel's memory alone. The next one may show it only when it is on the disk.
func TestWhatAnOpenShowsIsOnTheDisk(t *testing.T) {
	d := disktest.New(t)
	s := &server{t: t, db: filepath.Join(d.Dir, "jr.db")}
	s.start()
	s.append("t-power", says("before"))
	_ = s.signal(syscall.SIGKILL) // so that the journal stays in use: to take it into use needs its syncs
	s.wrap = withoutSyncs(t)
	s.start()
	s.append("t-power", says("not synced"))
	_ = s.signal(syscall.SIGKILL) // its exit says that it was killed
	s.wrap = nil
	s.start()
	shown := s.events("t-power")
	if len(shown) != 2 {
		t.Fatalf("%d events are shown: this shows nothing", len(shown))
	}
	d.Cut()
	_ = s.signal(syscall.SIGKILL)
	d.Restore()
	s.start()
	if stored := s.events("t-power"); !slices.Equal(stored, shown) {
		t.Errorf("shown was %q, stored is %q", shown, stored)
	}
}

// Compact puts a new file in the place of the old one and its journal, which a crash has
// left in use. A power cut leaves one of the two, whole, and the new one once compact has
// said so.
func TestAPowerCutWhileItCompactsLeavesOneOfTheTwo(t *testing.T) {
	rounds := 3
	if torture() {
		rounds = 50
	}
	files, want := halfFree(t)
	d := disktest.New(t)
	var took time.Duration
	said, isNew := 0, 0
	for round := range rounds {
		db := filepath.Join(d.Dir, fmt.Sprintf("%d.db", round))
		for suffix, content := range files {
			if err := os.WriteFile(db+suffix, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d.Sync()
		compact := exec.Command(binary, "compact", "-db", db)
		start := time.Now()
		if err := compact.Start(); err != nil {
			t.Fatal(err)
		}
		var err error
		if round == 0 { // the cut comes right behind it
			err = compact.Wait()
			took = time.Since(start)
			d.Cut()
		} else {
			<-time.After(rand.N(took)) // any moment of it
			d.Cut()
			_ = compact.Process.Kill() // it may have ended
			err = compact.Wait()
		}
		d.Restore()
		got, checkErr := dbfile.Check(t.Context(), db, nil)
		if checkErr != nil || got.Events != want.Events || got.Records != want.Records {
			t.Errorf("%+v, want %+v, %v", got, want, checkErr)
		}
		if got.Size < want.Size {
			isNew++
		}
		if err == nil {
			said++
			if got.Size >= want.Size {
				t.Error("compact was done, and the old file is there")
			}
		}
		for suffix := range files {
			if err := os.Remove(db + suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
				t.Fatal(err)
			}
		}
	}
	if said == 0 {
		t.Error("no compact was done before its cut")
	}
	t.Logf("%d were done before the power cut, %d left the new file", said, isNew)
}

// halfFree is a database of which half is free, as a crash leaves it: the newest events are
// in its journal.
func halfFree(t *testing.T) (files map[string][]byte, figures dbfile.Figures) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jr.db")
	log, err := eventlog.Open(path, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := log.Start(t.Context(), "t-compact", nil)
	if err != nil {
		t.Fatal(err)
	}
	event := eventlog.Event{Type: eventlog.TypeThought, Data: fmt.Appendf(nil, `{"content":%q}`, strings.Repeat("x", 100_000))}
	for range 60 {
		if _, err := s.Append(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Trim(t.Context(), "t-compact", s.ID(), 30); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil { // so that it is in the file
		t.Fatal(err)
	}
	if log, err = eventlog.Open(path, &eventlog.Options{KeepOpen: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Session("t-compact", s.ID()).Append(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, suffix := range []string{"", "-journal.0", "-journal.1"} {
		if files[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for suffix, content := range files {
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if figures, err = dbfile.Check(t.Context(), path, nil); err != nil || figures.Events != 31 {
		t.Fatal(figures.Events, err)
	}
	return files, figures
}
