package auth

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// signedOut are the cookies that are no longer valid, until they would have expired anyway.
// They are in a file, so that a restart makes none of them valid again. Each line has an id
// and the second of its expiry.
type signedOut struct {
	path string

	mu    sync.Mutex
	until map[string]time.Time
}

// openSignedOut reads the file, if it exists, and writes it again without expired cookies.
// It ignores a line that a crash has cut off.
func openSignedOut(path string, now time.Time) (*signedOut, error) {
	s := &signedOut{path: path, until: map[string]time.Time{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("auth: read who has signed out: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		id, seconds, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseInt(seconds, 10, 64); err == nil && now.Before(time.Unix(n, 0)) {
			s.until[id] = time.Unix(n, 0)
		}
	}
	if err := s.rewrite(); err != nil {
		return nil, fmt.Errorf("auth: write who has signed out: %w", err)
	}
	return s, nil
}

// rewrite writes the complete file or none.
func (s *signedOut) rewrite() error {
	f, err := os.CreateTemp(filepath.Dir(s.path), ".signed-out-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // by then it has its name, or is useless
	var text []byte
	for id, until := range s.until {
		text = appendLine(text, id, until)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), s.path)
}

func appendLine(text []byte, id string, until time.Time) []byte {
	return fmt.Appendf(text, "%s %d\n", id, until.Unix())
}

// add signs a cookie out. Even if it returns an error, the cookie is invalid, but only
// until a restart.
func (s *signedOut) add(id string, until time.Time) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until[id] = until
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(appendLine(nil, id, until)); err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	return f.Sync()
}

func (s *signedOut) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, out := s.until[id]
	return out
}

// forget removes the cookies that have expired; in the file they stay until the next start.
func (s *signedOut) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, until := range s.until {
		if now.After(until) {
			delete(s.until, id)
		}
	}
}
