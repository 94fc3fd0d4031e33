package streaming

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// What of HTTP/2 (RFC 9113) a client of one request needs.
const (
	h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	h2Data         = 0
	h2Headers      = 1
	h2Reset        = 3
	h2Settings     = 4
	h2GoAway       = 7
	h2WindowUpdate = 8

	h2Ack        = 0x1
	h2EndStream  = 0x1
	h2EndHeaders = 0x4

	h2InitialWindow = 4 // a setting
	h2Window        = 1<<31 - 1
	h2FirstWindow   = 1<<16 - 1 // of a connection, before any update
	h2Status200     = 0x88      // a header field of the static table
)

// h2Frame appends a frame.
func h2Frame(dst []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	dst = binary.BigEndian.AppendUint32(dst, stream)
	return append(dst, payload...)
}

// h2Request is all that the client says: the server may send as much as it likes.
func h2Request(p place) []byte {
	settings := binary.BigEndian.AppendUint32([]byte{0, h2InitialWindow}, h2Window)
	var fields []byte
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", p.Address}, {":path", p.Path}, {"accept", "text/event-stream"}} {
		fields = append(fields, 0, byte(len(f[0]))) // a literal, not indexed, not compressed
		fields = append(fields, f[0]...)
		fields = append(fields, byte(len(f[1])))
		fields = append(fields, f[1]...)
	}
	out := h2Frame([]byte(h2Preface), h2Settings, 0, 0, settings)
	out = h2Frame(out, h2WindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, h2Window-h2FirstWindow))
	return h2Frame(out, h2Headers, h2EndStream|h2EndHeaders, 1, fields)
}

// replayH2C returns how many bytes it read.
func (c *client) replayH2C(q replay) (total int, err error) {
	fd, err := dial(q.Address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if err := writeAll(fd, h2Request(q.place)); err != nil {
		return 0, err
	}
	r := h2Reader{fd: fd}
	for r.events < q.Events {
		n, err := unix.Read(fd, c.buffer)
		if err != nil || n == 0 {
			return total, fmt.Errorf("the stream ended after %d events of %d: %w", r.events, q.Events, err)
		}
		total += n
		if err := r.take(c.buffer[:n]); err != nil {
			return total, err
		}
	}
	return total, nil
}

// h2Reader takes what a server sends apart into frames.
type h2Reader struct {
	fd     int
	header []byte // of the frame, as far as it is there
	rest   int    // of the frame's payload
	begun  bool   // some of the payload was seen
	events int
}

func (r *h2Reader) take(p []byte) error {
	for len(p) > 0 {
		if len(r.header) < 9 {
			n := min(9-len(r.header), len(p))
			r.header, p = append(r.header, p[:n]...), p[n:]
			if len(r.header) == 9 {
				r.rest, r.begun = int(r.header[0])<<16|int(r.header[1])<<8|int(r.header[2]), false
				if err := r.frame(); err != nil {
					return err
				}
			}
		} else {
			n := min(r.rest, len(p))
			if err := r.payload(p[:n]); err != nil {
				return err
			}
			r.rest, p = r.rest-n, p[n:]
		}
		if len(r.header) == 9 && r.rest == 0 {
			r.header = r.header[:0]
		}
	}
	return nil
}

// frame acts on the header of a frame.
func (r *h2Reader) frame() error {
	switch kind, flags := r.header[3], r.header[4]; {
	case kind == h2Reset, kind == h2GoAway:
		return fmt.Errorf("the server ended the stream with a frame of type %d after %d events", kind, r.events)
	case kind == h2Settings && flags&h2Ack == 0:
		return writeAll(r.fd, h2Frame(nil, h2Settings, h2Ack, 0, nil))
	}
	return nil
}

// payload acts on a piece of the payload of a frame.
func (r *h2Reader) payload(p []byte) error {
	switch r.header[3] {
	case h2Data:
		r.events += bytes.Count(p, []byte(brace))
	case h2Headers:
		if !r.begun && p[0] != h2Status200 {
			return errors.New("the answer is not 200")
		}
	}
	r.begun = true
	return nil
}
