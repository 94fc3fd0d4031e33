package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Backup writes the database file of the server, as it is now, to w, and returns its size.
// Progress, which may be nil, is called from time to time. After an error, what was written
// is useless.
func (c *Client) Backup(ctx context.Context, w io.Writer, progress func(done, total int64)) (int64, error) {
	// The server copies the whole database before it answers.
	patient := *c
	if t, ok := c.http.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.ResponseHeaderTimeout = 0
		defer t.CloseIdleConnections()
		patient.http = &http.Client{Transport: t}
	}
	res, err := patient.do(ctx, &request{method: http.MethodGet, path: []string{"backup"}})
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if progress == nil {
		progress = func(int64, int64) {}
	}
	n, err := io.Copy(&counter{w: w, total: res.ContentLength, progress: progress}, res.Body)
	if err == nil && res.ContentLength >= 0 && n != res.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("client: backup: after %d of %d bytes: %w", n, res.ContentLength, err)
	}
	return n, nil
}

// counter reports how much was written through it.
type counter struct {
	w           io.Writer
	done, total int64
	progress    func(done, total int64)
}

// Write implements [io.Writer].
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}
