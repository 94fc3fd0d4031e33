package eventlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

// lockTimeout is how long an opener waits for another process to let go.
const lockTimeout = time.Second / 2

// openFile opens the database file at path for bbolt, holds it against other
// processes, and checks what bbolt would trip over: of an empty file it makes a
// database, and in one that is cut off it reads behind the end, which kills the
// process. The file is not written to. The lock goes with the file: bbolt, which
// takes it again for the same open file, finds it free.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, pathError.Err // the caller names the path
	}
	if err != nil {
		return nil, err
	}
	if err := holdFile(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func holdFile(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if err := lockFile(f, syscall.LOCK_EX); err != nil {
		return err
	}
	if err := stillNamed(f, path); err != nil {
		return err
	}
	if err := checkFile(f); err != nil {
		return err
	}
	return removeUnfinished(path)
}

// lockFile takes the lock of a file: LOCK_EX to be alone, LOCK_SH to read beside
// other readers.
func lockFile(f *os.File, how int) error {
	for deadline := time.Now().Add(lockTimeout); ; {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock: %w", err)
		}
		if time.Now().After(deadline) {
			return ErrHeld
		}
		time.Sleep(lockTimeout / 20)
	}
}

// boltMeta is what one of the two meta pages of a bbolt file says.
type boltMeta struct {
	pageSize int64
	pages    uint64 // the high-water mark: all pages in use are below it
	root     uint64
	freelist uint64
	tx       uint64
}

// The layout of a meta page, in the byte order of the machine.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	boltPageHeader = 16
	boltMetaSize   = 64
	boltMinPage    = 1 << 10
	boltMaxPage    = 1 << 24
)

// readMeta reads the meta page at an offset of the file. ok is false if there is none.
func readMeta(f io.ReaderAt, offset int64) (m boltMeta, ok bool) {
	var page [boltPageHeader + boltMetaSize]byte
	if _, err := f.ReadAt(page[:], offset); err != nil {
		return m, false
	}
	meta, n := page[boltPageHeader:], binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(meta[:boltMetaSize-8])
	if n.Uint32(meta) != boltMagic || n.Uint32(meta[4:]) != boltVersion || n.Uint64(meta[56:]) != sum.Sum64() {
		return m, false
	}
	return boltMeta{
		pageSize: int64(n.Uint32(meta[8:])),
		root:     n.Uint64(meta[16:]),
		freelist: n.Uint64(meta[32:]),
		pages:    n.Uint64(meta[40:]),
		tx:       n.Uint64(meta[48:]),
	}, true
}

// checkFile checks that the file has a head, and all the pages that it speaks
// of. One of the two meta pages may be bad: that is what a power cut leaves of a
// commit that was not acknowledged.
func checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < 4*boltMinPage {
		return fmt.Errorf("%w: it has only %d bytes", ErrDamaged, info.Size())
	}
	head, ok := readMeta(f, 0)
	for size := int64(boltMinPage); size <= boltMaxPage; size *= 2 {
		second, found := readMeta(f, size)
		if found && second.pageSize == size && (!ok || head.pageSize == size && second.tx > head.tx) {
			head, ok = second, true
			break
		}
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: it has no head: it is no jrweb database, or its first pages are lost", ErrDamaged)
	case head.pageSize < boltMinPage || head.pageSize > boltMaxPage ||
		head.root >= head.pages || head.freelist >= head.pages: // bbolt would make up for a missing list by writing one
		return fmt.Errorf("%w: its head makes no sense: it is no jrweb database", ErrDamaged)
	case head.pages > uint64(info.Size()/head.pageSize):
		return fmt.Errorf("%w: it is cut off: it has %d bytes, and its head speaks of %d pages of %d", ErrDamaged, info.Size(), head.pages, head.pageSize)
	}
	return nil
}

// guarded runs fn, and makes an error of what damaged pages do to bbolt, which
// panics, or follows them out of the file.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return fn()
}

// recoverFault makes an error of a fault at an address: of a key or value that
// reached out of the file. It does not hide the panics of a caller's own faults.
func recoverFault(err *error) {
	switch p := recover().(type) {
	case nil:
	case interface {
		error
		Addr() uintptr
	}:
		*err = fmt.Errorf("%w: %w", ErrDamaged, p)
	default:
		panic(p)
	}
}
