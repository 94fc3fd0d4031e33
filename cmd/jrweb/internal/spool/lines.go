package spool

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// wholeLines returns where the last line feed is: a process may die within a line.
func (d *Delivery) wholeLines() (int64, error) {
	info, err := d.lines.Stat()
	if err != nil {
		return 0, err
	}
	end, block := info.Size(), make([]byte, 64<<10)
	for end > d.first {
		part := block[:min(int64(len(block)), end-d.first)]
		if _, err := d.lines.ReadAt(part, end-int64(len(part))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return end - int64(len(part)) + int64(i) + 1, nil
		}
		end -= int64(len(part))
	}
	return d.first, nil
}

// count returns how many events there are.
func (d *Delivery) count() (int, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(d.lines, d.first, d.size-d.first), 64<<10)
	for n := 0; ; {
		_, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			n++
		case errors.Is(err, io.EOF):
			return n, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}

// next reads the next batch: what was tried before, or what there is now.
func (d *Delivery) next(size int64) ([]byte, error) {
	end := size
	if d.Trying > d.Sent && d.Trying <= size {
		end = d.Trying
	}
	in := bufio.NewReaderSize(io.NewSectionReader(d.lines, d.Sent, end-d.Sent), 64<<10)
	var lines []byte
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("spool: %w", err)
		}
		full := n == mostLines || n > 0 && len(lines)+len(line) > mostBytes
		if err != nil || full {
			return lines, nil
		}
		lines = append(lines, line...)
	}
}

// lastLine returns the last line, or the end of it if it is longer than any end of
// a session.
func (d *Delivery) lastLine(size int64) ([]byte, error) {
	tail := make([]byte, min(size-d.first, roomBytes))
	if _, err := d.lines.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return tail[bytes.LastIndexByte(bytes.TrimSuffix(tail, []byte("\n")), '\n')+1:], nil
}

func isEnd(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"type":"complete",`)) }
