// Package source opens what agents leave on disk, as text:
//
//	f, err := source.Open("rollout.jsonl.zst")
//	defer f.Close()
//	io.Copy(w, f)
//
// What it promises:
//
//   - What a file is, its first bytes tell, and never its name. What gzip or zstd
//     packed is unpacked while it is read, in bounded memory.
//   - What is not a text is refused by name: a picture, an archive, a database.
//   - A file that still grows is read up to where it ended when it was opened, so that
//     two passes over one [Size] see the same.
//   - An archive that is cut off or damaged ends in an error, and not in io.EOF. Who
//     must not act on half of it reads all of it first.
package source

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// mostWindow is how far back a zstd file may refer: as far as zstd itself allows
// unless it is told otherwise.
const mostWindow = 128 << 20

// File is an open file. It is not safe for concurrent use.
type File struct {
	path   string
	file   *os.File
	size   int64
	raw    *counter
	text   io.Reader
	packed string
	unpack func() // ends the decoder
}

// Open opens a file as it is now.
func Open(path string) (*File, error) { return OpenUpTo(path, -1) }

// OpenUpTo opens a file as it was when it had so many bytes; -1 is all of it.
func OpenUpTo(path string, size int64) (*File, error) {
	// A named pipe without a writer would be waited for.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file that can be read twice: save what it gives in one", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if size < 0 || size > info.Size() {
		size = info.Size()
	}
	f := &File{path: path, file: file, size: size, unpack: func() {}}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// mostHead is how much of a file tells what it is.
const mostHead = 4 << 10

func (f *File) open() error {
	f.raw = &counter{r: io.LimitReader(f.file, f.size)}
	raw := bufio.NewReaderSize(f.raw, 64<<10)
	head, err := peek(raw)
	if err != nil {
		return err
	}
	k := kindOf(head)
	switch k.name {
	case gzipped:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return f.damaged(err)
		}
		f.text = z
	case zstandard:
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			return f.damaged(err)
		}
		f.text, f.unpack = z, z.Close
	case "":
		f.text = raw
		return nil
	default:
		return k.refuse(f.path)
	}
	f.packed = k.name
	inner := bufio.NewReaderSize(unpacked{f, f.text}, 64<<10)
	f.text = inner
	if head, err = peek(inner); err != nil {
		return err
	}
	if k := kindOf(head); k.name != "" {
		return k.refuse(f.path + ", unpacked,")
	}
	return nil
}

// peek returns the first bytes of what is read.
func peek(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(mostHead)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
}

// Read implements [io.Reader]: it reads the text.
func (f *File) Read(p []byte) (int, error) { return f.text.Read(p) }

// Size returns how many bytes the file had on disk when it was opened.
func (f *File) Size() int64 { return f.size }

// Done returns how many of them have been read.
func (f *File) Done() int64 { return f.raw.n }

// Packed returns what the file was packed with, "" if it was not.
func (f *File) Packed() string { return f.packed }

// Close closes the file.
func (f *File) Close() error {
	f.unpack()
	return f.file.Close()
}

func (f *File) damaged(err error) error {
	return fmt.Errorf("%s is cut off or damaged: %w", f.path, err)
}

// unpacked reads from a decoder, and says what it means if that fails.
type unpacked struct {
	file *File
	r    io.Reader
}

// Read implements [io.Reader].
func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = u.file.damaged(err)
	}
	return n, err
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

// Read implements [io.Reader].
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
