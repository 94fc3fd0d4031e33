package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"jrweb/eventlog/store"
)

// The tests of this package run their own binary as a process that uses a store, so that it
// can be traced, disturbed and killed.
const (
	childPath    = "JRWEB_TEST_STORE"   // the path of its store
	childChanges = "JRWEB_TEST_CHANGES" // how many changes it makes
	childClose   = "JRWEB_TEST_CLOSE"   // not empty: it closes the store, else it ends without
	childNoRoom  = "JRWEB_TEST_NO_ROOM" // not empty: for some changes the journal has no room
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		live(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// say writes a line in one call.
func say(format string, args ...any) {
	_, _ = os.Stdout.WriteString(fmt.Sprintf(format, args...) + "\n")
}

// live goes on with the history in the store at path. It says what it does.
func live(path string) {
	ctx := context.Background()
	s, err := Open(path, &Options{pace: shortPace})
	if err != nil {
		say("not opened: %v", err)
		os.Exit(3)
	}
	n, err := lastIn(ctx, s)
	if err != nil {
		say("wrong: %v", err)
		os.Exit(4)
	}
	say("shown %d", n)
	go watch(ctx, s, n)
	changes, _ := strconv.Atoi(os.Getenv(childChanges))
	for range changes {
		s.(*fileStore).plain = os.Getenv(childNoRoom) != "" && n%7 < 3
		say("begun %d", n+1)
		err := makeChange(ctx, s, n+1)
		switch {
		case err == nil:
			n++
			say("acknowledged %d", n)
		case changedNothing(err):
			say("refused %d: %v", n+1, err)
		default:
			say("failed %d: %v", n+1, err)
			if err := s.View(ctx, nil); err == nil {
				say("wrong: a view works after that")
			}
			if os.Getenv(childClose) != "" {
				say("closed: %v", s.Close())
			}
			os.Exit(5)
		}
		if got, err := lastIn(ctx, s); err == nil && got != n {
			say("wrong: the last change is %d, and %d was acknowledged", got, n)
			os.Exit(4)
		} else if err != nil {
			say("not read: %v", err)
		}
	}
	if os.Getenv(childClose) != "" {
		say("closed: %v", s.Close())
	}
}

// watch says what others see of the store while it changes.
func watch(ctx context.Context, s store.Store, n int) {
	for {
		got, err := lastIn(ctx, s)
		switch {
		case err != nil:
			return // the store has failed, or is closed
		case got < n:
			say("wrong: a view goes back from %d to %d", n, got)
		case got > n:
			n = got
			say("shown %d", n)
		}
	}
}

// child is a process that makes changes in the store at path.
func child(t testing.TB, path string, changes int, closes bool, wrap ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(wrap, self, "-test.run=^$")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childPath+"="+path, childChanges+"="+strconv.Itoa(changes), "GOMAXPROCS=2",
		"GORACE=atexit_sleep_ms=0") // else it takes a second more to end
	if closes {
		cmd.Env = append(cmd.Env, childClose+"=1")
	}
	cmd.Stderr = os.Stderr
	return cmd
}

// strace returns the path of the program.
func strace(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is not installed: run make test, which installs it")
	}
	return path
}

// exitCode is that of a process which has ended, -1 after a signal.
func exitCode(t testing.TB, err error) int {
	t.Helper()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}
