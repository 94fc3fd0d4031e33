package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"jrweb/eventlog/store"
)

// This code reads bbolt's pages without bbolt. bbolt trusts what it reads: a damaged page
// makes it panic, fault, or loop for ever. Whatever the file holds, a Walk ends, and
// reports what is wrong.
//
// The layout is that of bbolt's file format version 2. Numbers have the byte order of the
// machine. A page starts with its number (8), flags (2), count of elements (2), and the
// number of further pages that belong to it, its overflow (4).

const (
	pageElement = 16 // size of an entry, in branch and leaf pages alike

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01 // flag of a leaf entry whose value is a bucket

	// maxDepth is deeper than any tree of 2^64 pages.
	maxDepth = 64
)

// Walk visits every page that a bbolt file uses, and every record on these pages.
type Walk struct {
	File io.ReaderAt
	Head Head
	Bad  int // the meta page that cannot be read, or -1
	// Found is called for each defect of a page.
	Found func(page uint64, reason string)
	// Record is called for each record of a known bucket. at is the place of the key in the
	// file; the value follows it. Record may be nil. An error ends the walk.
	Record func(b store.Bucket, at int64, key, value []byte) error
	// Walked is called after each read, with the number of pages read, overflow included.
	Walked func(pages uint64) error

	Seen map[store.Bucket]bool // the buckets that the file has
	used []uint64              // bit set of the pages that are in use
	Free uint64                // number of free pages
}

// Run walks the whole file.
func (w *Walk) Run() error {
	w.used = make([]uint64, w.Head.Pages/64+1)
	w.use(0)
	w.use(1)
	if w.Bad >= 0 {
		w.Found(uint64(w.Bad), "cannot be read: the other head is in use, and may be a commit behind")
	}
	free, err := w.readFreelist()
	if err != nil {
		return err
	}
	w.Seen = map[store.Bucket]bool{}
	err = w.tree(w.Head.Root, 0, nil, nil, func(e element) error {
		name := store.Bucket(e.key)
		switch {
		case e.flags&bucketElement == 0:
			w.Found(e.page, fmt.Sprintf("%q is not a bucket", e.key))
			return nil
		case name == MarkBucket:
			return w.mark(e)
		case !slices.Contains(store.Buckets(), name):
			w.Found(e.page, fmt.Sprintf("there is a bucket %q, which no version has", e.key))
			return nil
		}
		w.Seen[name] = true
		return w.bucket(name, e)
	})
	if err != nil {
		return err
	}
	return w.settle(free)
}

// Missing reports, after the walk, the buckets that the file should have but does not.
func (w *Walk) Missing(buckets []store.Bucket) {
	for _, b := range buckets {
		if !w.Seen[b] {
			w.Found(w.Head.Root, fmt.Sprintf("there is no bucket %q", b))
		}
	}
}

// settle checks that every page is either used or free.
func (w *Walk) settle(free []uint64) error {
	isFree := make([]uint64, len(w.used))
	for _, page := range free {
		switch {
		case isFree[page/64]&(1<<(page%64)) != 0:
			w.Found(page, "is free twice")
		case w.isUsed(page):
			w.Found(page, "is used, and free")
		}
		isFree[page/64] |= 1 << (page % 64)
	}
	for page := range w.Head.Pages {
		if !w.isUsed(page) && isFree[page/64]&(1<<(page%64)) == 0 {
			w.Found(page, "is neither used nor free")
		}
	}
	return nil
}

func (w *Walk) use(page uint64) { w.used[page/64] |= 1 << (page % 64) }

func (w *Walk) isUsed(page uint64) bool { return w.used[page/64]&(1<<(page%64)) != 0 }

// read returns a page with its overflow, or nil if it cannot be one.
func (w *Walk) read(page uint64) ([]byte, error) {
	if page < 2 || page >= w.Head.Pages {
		w.Found(page, "is outside the file")
		return nil, nil
	}
	at := int64(page) * w.Head.PageSize
	header := make([]byte, boltPageHeader)
	if _, err := w.File.ReadAt(header, at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", page, err)
	}
	order := binary.NativeEndian
	overflow := uint64(order.Uint32(header[12:]))
	if id := order.Uint64(header); id != page {
		w.Found(page, fmt.Sprintf("says that it is page %d", id))
		return nil, nil
	}
	if overflow >= w.Head.Pages-page {
		w.Found(page, "is longer than the file")
		return nil, nil
	}
	for p := page; p <= page+overflow; p++ {
		if w.isUsed(p) {
			w.Found(p, "is used twice")
			return nil, nil
		}
	}
	for p := page; p <= page+overflow; p++ {
		w.use(p)
	}
	body := make([]byte, (overflow+1)*uint64(w.Head.PageSize))
	if _, err := w.File.ReadAt(body, at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", page, err)
	}
	if w.Walked != nil {
		if err := w.Walked(overflow + 1); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (w *Walk) readFreelist() ([]uint64, error) {
	body, err := w.read(w.Head.Freelist)
	if body == nil {
		return nil, err
	}
	order := binary.NativeEndian
	if order.Uint16(body[8:]) != freelistPage {
		w.Found(w.Head.Freelist, "is no list of free pages")
		return nil, nil
	}
	ids := body[boltPageHeader:]
	count := uint64(order.Uint16(body[10:]))
	if count == 0xFFFF { // too many for the header: the first number is the count
		count = order.Uint64(ids)
		ids = ids[8:]
	}
	if count > uint64(len(ids)/8) {
		w.Found(w.Head.Freelist, "lists more free pages than fit on it")
		return nil, nil
	}
	free := make([]uint64, 0, count)
	for i := range count {
		page := order.Uint64(ids[8*i:])
		if page < 2 || page >= w.Head.Pages {
			w.Found(w.Head.Freelist, fmt.Sprintf("lists page %d, which is outside the file", page))
			continue
		}
		free = append(free, page)
	}
	w.Free = uint64(len(free))
	return free, nil
}

// element is one entry of a leaf page.
type element struct {
	page  uint64
	flags uint32
	at    int64 // place of the key in the file; the value follows it
	key   []byte
	value []byte
}

// tree visits the leaves of a tree in order. Keys must be at least low and less than high;
// nil means no bound.
func (w *Walk) tree(page uint64, depth int, low, high []byte, visit func(element) error) error {
	if depth > maxDepth {
		w.Found(page, "is too deep in its tree")
		return nil
	}
	body, err := w.read(page)
	if body == nil {
		return err
	}
	order := binary.NativeEndian
	switch flags := order.Uint16(body[8:]); flags {
	case leafPage:
		return w.leaf(page, int64(page)*w.Head.PageSize, body, low, high, visit)
	case branchPage:
	default:
		w.Found(page, fmt.Sprintf("has flags %#x, and is no part of a tree", flags))
		return nil
	}

	n := int(order.Uint16(body[10:]))
	if n == 0 || boltPageHeader+n*pageElement > len(body) {
		w.Found(page, fmt.Sprintf("cannot have %d branches", n))
		return nil
	}
	keys := make([][]byte, n)
	for i := range n {
		start := boltPageHeader + i*pageElement
		pos, size := uint64(order.Uint32(body[start:])), uint64(order.Uint32(body[start+4:]))
		if uint64(start)+pos+size > uint64(len(body)) {
			w.Found(page, fmt.Sprintf("branch %d reaches beyond the page", i))
			return nil
		}
		keys[i] = body[uint64(start)+pos:][:size]
	}
	for i, key := range keys {
		w.inOrder(page, i, key, low, high, keys)
		childHigh := high
		if i+1 < n {
			childHigh = keys[i+1]
		}
		start := boltPageHeader + i*pageElement
		if err := w.tree(order.Uint64(body[start+8:]), depth+1, key, childHigh, visit); err != nil {
			return err
		}
	}
	return nil
}

// leaf visits the elements of a leaf page. at is the place of the page in the file.
func (w *Walk) leaf(page uint64, at int64, body, low, high []byte, visit func(element) error) error {
	order := binary.NativeEndian
	n := int(order.Uint16(body[10:]))
	if boltPageHeader+n*pageElement > len(body) {
		w.Found(page, fmt.Sprintf("cannot have %d entries", n))
		return nil
	}
	elements := make([]element, 0, n)
	keys := make([][]byte, 0, n)
	for i := range n {
		start := boltPageHeader + i*pageElement
		pos := uint64(start) + uint64(order.Uint32(body[start+4:]))
		keySize, valueSize := uint64(order.Uint32(body[start+8:])), uint64(order.Uint32(body[start+12:]))
		if pos+keySize+valueSize > uint64(len(body)) {
			w.Found(page, fmt.Sprintf("entry %d reaches beyond the page", i))
			return nil
		}
		e := element{page: page, flags: order.Uint32(body[start:]), at: at + int64(pos), key: body[pos:][:keySize], value: body[pos+keySize:][:valueSize]}
		elements, keys = append(elements, e), append(keys, e.key)
	}
	for i, e := range elements {
		w.inOrder(page, i, e.key, low, high, keys)
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *Walk) inOrder(page uint64, i int, key, low, high []byte, keys [][]byte) {
	switch {
	case i > 0 && bytes.Compare(keys[i-1], key) >= 0,
		low != nil && bytes.Compare(key, low) < 0,
		high != nil && bytes.Compare(key, high) >= 0:
		w.Found(page, fmt.Sprintf("key %d is out of order", i))
	}
}

// bucket visits the records of one of the log's buckets.
func (w *Walk) bucket(name store.Bucket, e element) error {
	return w.elements(string(name), e, func(r element) error {
		if w.Record == nil {
			return nil
		}
		return w.Record(name, r.at, r.key, r.value)
	})
}

// mark visits the bucket of the mark.
func (w *Walk) mark(e element) error {
	return w.elements(MarkBucket, e, func(r element) error {
		if !bytes.Equal(r.key, markKey) {
			w.Found(r.page, fmt.Sprintf("bucket %q has a key %q, which no version has", MarkBucket, r.key))
		} else if _, err := decodeMark(r.value); err != nil {
			w.Found(r.page, err.Error())
		}
		return nil
	})
}

// elements visits the elements of a bucket.
func (w *Walk) elements(name string, e element, fn func(element) error) error {
	if len(e.value) < 16 { // its root page, and bbolt's sequence number
		w.Found(e.page, fmt.Sprintf("bucket %q has no root", name))
		return nil
	}
	visit := func(r element) error {
		if r.flags != 0 {
			w.Found(r.page, fmt.Sprintf("a record of bucket %q has flags %#x", name, r.flags))
		}
		return fn(r)
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return w.tree(root, 0, nil, nil, visit)
	}
	// The value of a small bucket holds its page.
	inline := e.value[16:]
	if len(inline) < boltPageHeader || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		w.Found(e.page, fmt.Sprintf("bucket %q is neither a tree nor a page", name))
		return nil
	}
	return w.leaf(e.page, e.at+int64(len(e.key))+16, inline, nil, nil, visit)
}
