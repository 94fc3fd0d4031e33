package filestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"jrweb/eventlog/internal/journal"
	"jrweb/eventlog/internal/overlay"
)

// While the disk writes a record, what it holds is in the active half already. No view sees
// it there before its sync has returned: neither that of a small record, nor that of one
// which the disk begins to write before the sync, nor the first one of a journal.
func TestWhatTheDiskStillWritesIsNotShown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *history, n int) error
		early  bool
	}{
		"an Update": {func(h *history, n int) error { return makeChange(t.Context(), h, n) }, false},
		// The control: a view within the sync sees what is shown too early.
		"the same steps, and the sync comes last": {showEarly, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, filepath.Join(t.TempDir(), "jr.db"))
			if c.early {
				h.change(1) // takes the journal into use
			}
			before := h.n
			for n := before + 1; n <= before+8; n++ {
				synced, err := withinSyncs(t, func() error { return c.change(h, n) }, func(file string) {
					if !strings.Contains(file, "-journal.") {
						return
					}
					if got, err := lastIn(t.Context(), h); err != nil || (got == n) != c.early {
						t.Errorf("within the sync of change %d, a view shows %d, %v", n, got, err)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if times := strings.Count(strings.Join(synced, " "), "-journal."); times != 1 {
					t.Errorf("change %d has synced the journal %d times, want once", n, times)
				}
				h.n = n
				h.check()
			}
		})
	}
}

// showEarly makes a change as an Update does, but shows it before its sync.
func showEarly(h *history, n int) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	tx := overlay.NewTx(overlay.NewReader(nil, 0))
	change(n, tx.Put, tx.Delete)
	record, err := tx.Delta(journal.HeaderSize)
	d := overlay.Delta{Position: h.journal.Next(), Encoded: record[journal.HeaderSize:]}
	if err := errors.Join(err, h.journal.Write(record, false), h.add(d)); err != nil {
		return err
	}
	h.show(d)
	return h.journal.Sync()
}

// withinSyncs calls do, and within each of its fdatasyncs, before anything is on the disk, it
// calls within with the path of the file. The kernel asks it whether the call may go on, and
// holds the thread meanwhile. A call that a signal ends is made, and asks, again; synced has it once.
func withinSyncs(t *testing.T, do func() error, within func(file string)) (synced []string, err error) {
	t.Helper()
	asks, done := make(chan any), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and only it asks
		listener, err := askBeforeSyncs()
		if err != nil {
			asks <- err
			return
		}
		asks <- listener
		done <- do()
		_ = unix.Fdatasync(-1) // tells that this is the end
	}()
	var listener int
	switch answer := (<-asks).(type) {
	case error:
		t.Fatal(answer)
	case int:
		listener = answer
	}
	defer unix.Close(listener)
	for {
		var asked seccompNotification
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&asked)); err != nil {
			t.Fatal(err)
		}
		fd, file := int32(asked.args[0]), ""
		if fd >= 0 {
			file, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			if err != nil {
				t.Error(err)
			}
			within(file)
		}
		goOn := seccompAnswer{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&goOn))
		switch {
		case errors.Is(err, unix.ENOENT): // a signal has ended the call
		case err != nil:
			t.Fatal(err)
		case fd < 0:
			return synced, <-done
		default:
			synced = append(synced, file)
		}
	}
}

// askBeforeSyncs makes each fdatasync of this thread ask, and returns where.
func askBeforeSyncs() (listener int, err error) {
	const numberOfCall = 0 // its place in what the filter sees
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: numberOfCall},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// seccompNotification and seccompAnswer are seccomp_notif and seccomp_notif_resp of the kernel.
type seccompNotification struct {
	id, thread  uint64
	call        uint64
	instruction uint64
	args        [6]uint64
}

type seccompAnswer struct {
	id           uint64
	value        int64
	error, flags uint32
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return os.NewSyscallError("ioctl", errno)
		}
	}
}
