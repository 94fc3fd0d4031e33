package filestore

import (
	"os"
	"unsafe"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/internal/disk"
	"jrweb/eventlog/internal/overlay"
)

// bbolt tells the system that it reads here and there, so each page that is not in memory is
// read alone. A caller that reads much of the file in key order says so: neighboring keys are
// usually in neighboring pages.

// aheadBlock is how much is read ahead at once.
const aheadBlock = 2 << 20

// reader is the reader of a view. It implements [store.AheadReader].
type reader struct {
	overlay.Reader
	tx    *bolt.Tx
	file  *os.File
	block int64 // the last one that was read ahead, plus 1; 0: none
}

// ReadAhead implements [store.AheadReader].
func (r *reader) ReadAhead(value []byte) {
	start := r.tx.DB().Info().Data
	at := uintptr(unsafe.Pointer(unsafe.SliceData(value)))
	if at < start || int64(at-start) >= r.tx.Size() {
		return // it is in memory already
	}
	block := int64(at-start) / aheadBlock
	if block+1 == r.block {
		return
	}
	r.block = block + 1
	from := max(0, block-1) * aheadBlock
	disk.ReadAhead(r.file, from, (block+1)*aheadBlock-from)
}
