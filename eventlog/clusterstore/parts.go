package clusterstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"

	"jrweb/eventlog/store"
)

// partBytes is how large a part of a snapshot is. The engine takes messages of 1 MiB by
// default, and gives them back as base64. Larger ones would hold up commits.
const partBytes = 512 << 10

// put stores a file as the parts of a snapshot, compressed, and fills in what the catalog
// says of them. The next part is sent when the last one is stored: commits pass between them.
func (s *shelf) put(ctx context.Context, snap *snapshot, file io.Reader) error {
	parts := &partWriter{ctx: ctx, shelf: s, snap: snap, part: make([]byte, 0, partBytes)}
	packer, err := zstd.NewWriter(parts, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	whole := sha256.New()
	snap.Bytes, err = io.Copy(io.MultiWriter(packer, whole), file)
	if err := errors.Join(err, packer.Close()); err != nil {
		return err
	}
	snap.Hash = hex.EncodeToString(whole.Sum(nil))
	return parts.flush()
}

// partWriter stores what is written to it.
type partWriter struct {
	ctx   context.Context
	shelf *shelf
	snap  *snapshot
	part  []byte
}

// Write implements [io.Writer].
func (w *partWriter) Write(p []byte) (n int, err error) {
	for n < len(p) {
		took := min(len(p)-n, cap(w.part)-len(w.part))
		w.part, n = append(w.part, p[n:n+took]...), n+took
		if len(w.part) == cap(w.part) {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// flush stores a part. To store it again, after an answer was lost, is harmless: it replaces
// the same part.
func (w *partWriter) flush() error {
	err := w.shelf.ask(w.ctx, func(ctx context.Context) error {
		_, err := w.shelf.js.PublishMsg(ctx, &nats.Msg{Subject: w.shelf.part(w.snap.ID, w.snap.Parts), Data: w.part})
		return err
	})
	w.snap.Parts++
	w.snap.Stored += int64(len(w.part))
	w.part = w.part[:0]
	return err
}

// errGone: a part of a snapshot is not there: a newer one has taken the place of the snapshot,
// or the part is lost.
var errGone = errors.New("a part of the snapshot is not there")

// fetch writes the file of a snapshot to w. If it fails, it may have written anything.
func (s *shelf) fetch(ctx context.Context, snap snapshot, w io.Writer) error {
	parts, out := &partReader{ctx: ctx, shelf: s, snap: snap}, &noting{w: w}
	unpacker, err := zstd.NewReader(parts, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return err
	}
	defer unpacker.Close()
	whole := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, whole), io.LimitReader(unpacker, snap.Bytes+1))
	switch {
	case parts.err != nil:
		return parts.err
	case out.err != nil:
		return out.err
	case err != nil:
		return fmt.Errorf("%w: snapshot %s: %w", store.ErrDamaged, snap.ID, err)
	case n != snap.Bytes || hex.EncodeToString(whole.Sum(nil)) != snap.Hash:
		return fmt.Errorf("%w: snapshot %s is not what was stored", store.ErrDamaged, snap.ID)
	}
	return nil
}

// noting keeps the error of a writer.
type noting struct {
	w   io.Writer
	err error
}

// Write implements [io.Writer].
func (w *noting) Write(p []byte) (n int, err error) {
	n, w.err = w.w.Write(p)
	return n, w.err
}

// partReader reads the parts of a snapshot, one after the other.
type partReader struct {
	ctx   context.Context
	shelf *shelf
	snap  snapshot
	next  int
	part  []byte
	err   error // why no part came
}

// Read implements [io.Reader].
func (r *partReader) Read(p []byte) (int, error) {
	for len(r.part) == 0 {
		if r.next == r.snap.Parts {
			return 0, io.EOF
		}
		if r.part, r.err = r.shelf.read(r.ctx, r.snap, r.next); r.err != nil {
			return 0, r.err
		}
		r.next++
	}
	n := copy(p, r.part)
	r.part = r.part[n:]
	return n, nil
}

// read reads a part of a snapshot.
func (s *shelf) read(ctx context.Context, snap snapshot, n int) (part []byte, err error) {
	err = s.ask(ctx, func(ctx context.Context) error {
		m, err := s.get(ctx, s.part(snap.ID, n))
		if err == nil && m == nil {
			return fmt.Errorf("%w: part %d of %d of %s", errGone, n+1, snap.Parts, snap.ID)
		}
		if err == nil {
			part = m.Data
		}
		return err
	})
	return part, err
}
