package auth

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// reloadEvery is how often the files, and the credentials that were used, are checked.
const reloadEvery = 5 * time.Second

// mostFile is the largest size, in bytes, of a file of tokens or roles.
const mostFile = 8 << 20

// file is the parsed content of a file, which is read again when it changes. The methods
// may be called concurrently.
type file[T any] struct {
	path  string // "": there is no file, and the value is the zero T
	parse func([]byte) (T, error)

	mu    sync.RWMutex
	value T
	stamp os.FileInfo
}

func openFile[T any](path string, parse func([]byte) (T, error)) (*file[T], error) {
	f := &file[T]{path: path, parse: parse}
	if path == "" {
		return f, nil
	}
	_, err := f.reload()
	return f, err
}

// get returns the value as it is now.
func (f *file[T]) get() T {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.value
}

// reload reads the file if it has changed. After an error the value stays as it was, and
// the file is not read again before its next change.
func (f *file[T]) reload() (changed bool, err error) {
	if f.path == "" {
		return false, nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return false, fmt.Errorf("auth: %w", err)
	}
	f.mu.RLock()
	same := f.stamp != nil && os.SameFile(f.stamp, info) && f.stamp.ModTime().Equal(info.ModTime()) && f.stamp.Size() == info.Size()
	f.mu.RUnlock()
	if same {
		return false, nil
	}
	if info.Size() > mostFile {
		return false, fmt.Errorf("auth: %s has more than %d bytes", f.path, mostFile)
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false, fmt.Errorf("auth: %w", err)
	}
	value, err := f.parse(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stamp = info
	if err != nil {
		return false, fmt.Errorf("auth: %s: %w", f.path, err)
	}
	f.value = value
	return true, nil
}
