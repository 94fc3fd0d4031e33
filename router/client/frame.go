package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// frame is one message of a Server-Sent Events stream.
type frame struct {
	event string // "" is a message
	data  []byte
	id    string // the last id of the stream when the frame ended
}

// maxFrame is the largest size, in bytes, of one frame: far more than any event needs.
const maxFrame = 64 << 20

var errFrameTooLarge = fmt.Errorf("client: a frame has more than %d bytes", maxFrame)

// frameReader reads a stream as the HTML standard says (section 9.2.6, event stream
// interpretation).
type frameReader struct {
	r     *bufio.Reader
	limit int

	begun  bool // the first line was read, with a byte order mark if there was one
	skipLF bool // the last line ended with CR: an LF that follows belongs to it
	line   []byte
	id     string

	// retry is the last reconnection time that the server requested, or 0.
	retry time.Duration
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 64<<10), limit: maxFrame}
}

// next returns the next frame. A frame that is cut off by the end of the stream does not
// count: the error is then io.EOF, or that of the reader.
func (r *frameReader) next() (frame, error) {
	var f frame
	var data []byte
	hasData := false
	id := r.id // takes effect with the end of the frame
	size := 0
	for {
		line, err := r.readLine(r.limit - size)
		if err != nil {
			return frame{}, err
		}
		size += len(line)
		if len(line) == 0 {
			r.id, size = id, 0
			if hasData {
				f.id = id
				f.data = data
				return f, nil
			}
			f.event = "" // a frame without data does not count
			continue
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			f.event = string(value)
		case "data":
			if hasData {
				data = append(data, '\n')
			}
			data = append(data, value...)
			hasData = true
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				id = string(value)
			}
		case "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil && value[0] != '+' {
				r.retry = time.Duration(ms) * time.Millisecond
			}
		}
		// Other names are ignored, including the empty name of a comment.
	}
}

// readLine returns the next line without its end: CR, LF or CRLF. It does not
// wait for what follows a CR. The line is valid until the next call.
func (r *frameReader) readLine(limit int) ([]byte, error) {
	if !r.begun {
		r.begun = true
		if err := r.skipMark(); err != nil {
			return nil, err
		}
	}
	r.line = r.line[:0]
	for {
		if r.r.Buffered() == 0 {
			if _, err := r.r.Peek(1); err != nil {
				return nil, err
			}
		}
		chunk, err := r.r.Peek(r.r.Buffered())
		if err != nil {
			return nil, err
		}
		if r.skipLF {
			r.skipLF = false
			if chunk[0] == '\n' {
				if _, err := r.r.Discard(1); err != nil {
					return nil, err
				}
				continue
			}
		}
		end := bytes.IndexAny(chunk, "\r\n")
		used := len(chunk)
		if end >= 0 {
			r.skipLF = chunk[end] == '\r'
			chunk, used = chunk[:end], end+1
		}
		if len(r.line)+len(chunk) > limit {
			return nil, errFrameTooLarge
		}
		r.line = append(r.line, chunk...)
		if _, err := r.r.Discard(used); err != nil {
			return nil, err
		}
		if end >= 0 {
			return r.line, nil
		}
	}
}

// skipMark skips a byte order mark at the start of the stream. It waits for no more bytes
// than it must.
func (r *frameReader) skipMark() error {
	mark := []byte("\ufeff")
	for n := 1; n <= len(mark); n++ {
		start, err := r.r.Peek(n)
		if errors.Is(err, io.EOF) && len(start) > 0 {
			return nil // the bytes so far are read as lines
		}
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(mark, start) {
			return nil
		}
	}
	_, err := r.r.Discard(len(mark))
	return err
}
