package router

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// backupChunk is how much of a backup is written at once. backupTimeout is how long a
	// client may take for that.
	backupChunk   = 256 << 10
	backupTimeout = 30 * time.Second
)

// backup answers with the database file as it stood when the request began.
func (rt *router) backup(w http.ResponseWriter, r *http.Request, p params) error {
	if p.grant.Sees != nil {
		return &Refusal{Status: http.StatusForbidden, Detail: "a backup has all tasks, and you may see some of them"}
	}
	if _, err := readQuery(r); err != nil {
		return err
	}
	h := w.Header()
	if r.Method == http.MethodHead { // no copy only to report its size
		backupHeader(h)
		return nil
	}
	// A copy takes as much room on the disk as the database, until its client has read it.
	if !rt.backingUp.CompareAndSwap(false, true) {
		busy := newProblem(http.StatusConflict, "busy", "A backup is under way", "one backup is made at a time: repeat the request when the other one has ended")
		busy.header = http.Header{"Retry-After": {"10"}}
		return busy
	}
	defer rt.backingUp.Store(false)
	backup, err := rt.log.Backup(r.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		return newProblem(http.StatusNotImplemented, "unsupported", "Not supported", "the server keeps its events in a store that cannot be copied while it is in use")
	}
	if err != nil {
		return err
	}
	defer func() { _ = backup.Close() }() // it was only read
	rt.o.Logger.Info("backup", "size", backup.Size, "took", backup.Took, "growth", backup.Growth)
	backupHeader(h)
	h.Set("Content-Length", strconv.FormatInt(backup.Size, 10))
	return sendSlowly(w, backup)
}

func backupHeader(h http.Header) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="jr.db"`)
	h.Set("Cache-Control", "no-store")
}

// sendSlowly sends something long. The client may take as long as it likes, as long as it
// takes something: each write has its own deadline.
func sendSlowly(w http.ResponseWriter, from io.Reader) error {
	control := http.NewResponseController(w)
	chunk := make([]byte, backupChunk)
	for {
		n, err := io.ReadFull(from, chunk)
		if n > 0 {
			if err := control.SetWriteDeadline(time.Now().Add(backupTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
			if _, err := w.Write(chunk[:n]); err != nil {
				return nil // the client is gone; it sees that something is missing
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the copy: %w", err) // net/http cuts an answer that is shorter than announced
		}
	}
}
