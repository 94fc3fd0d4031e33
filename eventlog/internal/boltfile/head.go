package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"jrweb/eventlog/store"
)

// Head is what one of the two meta pages of a bbolt file says.
type Head struct {
	PageSize int64
	Pages    uint64 // the high-water mark: all pages in use are below it
	Root     uint64
	Freelist uint64
	Tx       uint64
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

// ReadMeta reads the meta page at an offset of the file. ok is false if there is none.
func ReadMeta(f io.ReaderAt, offset int64) (m Head, ok bool) {
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
	return Head{
		PageSize: int64(n.Uint32(meta[8:])),
		Root:     n.Uint64(meta[16:]),
		Freelist: n.Uint64(meta[32:]),
		Pages:    n.Uint64(meta[40:]),
		Tx:       n.Uint64(meta[48:]),
	}, true
}

// checkFile checks that the file has a meta page, and all the pages that the meta page
// counts. One of the two meta pages may be bad: a power cut during a commit that was not
// acknowledged leaves that.
func checkFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < 4*boltMinPage {
		return fmt.Errorf("%w: it has only %d bytes", store.ErrDamaged, info.Size())
	}
	head, ok := ReadMeta(f, 0)
	for size := int64(boltMinPage); size <= boltMaxPage; size *= 2 {
		second, found := ReadMeta(f, size)
		if found && second.PageSize == size && (!ok || head.PageSize == size && second.Tx > head.Tx) {
			head, ok = second, true
			break
		}
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: it has no head: it is no jrweb database, or its first pages are lost", store.ErrDamaged)
	case head.PageSize < boltMinPage || head.PageSize > boltMaxPage ||
		head.Root >= head.Pages || head.Freelist >= head.Pages: // bbolt would replace a missing list by writing one
		return fmt.Errorf("%w: its head makes no sense: it is no jrweb database", store.ErrDamaged)
	case head.Pages > uint64(info.Size()/head.PageSize):
		return fmt.Errorf("%w: it is cut off: it has %d bytes, and its head speaks of %d pages of %d", store.ErrDamaged, info.Size(), head.Pages, head.PageSize)
	}
	return nil
}

// ReadHead returns the newer one of the two meta pages of a file that checkFile accepts.
// bad is the number of the other one if it cannot be read, else -1.
func ReadHead(file io.ReaderAt) (head Head, bad int) {
	first, ok := ReadMeta(file, 0)
	if !ok {
		for size := int64(boltMinPage); size <= boltMaxPage; size *= 2 {
			if m, ok := ReadMeta(file, size); ok && m.PageSize == size {
				return m, 0
			}
		}
	}
	second, ok := ReadMeta(file, first.PageSize)
	switch {
	case !ok:
		return first, 1
	case second.Tx > first.Tx:
		return second, -1
	}
	return first, -1
}
