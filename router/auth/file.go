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

	reloading sync.Mutex // not mu: a disk may take long
	stamp     os.FileInfo
	told      string // the last error that was returned, until the file can be read
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

// reload reads the file if it has changed. After an error the value stays as it was, and a
// file that was parsed is not parsed again before its next change. The same error is
// returned once.
func (f *file[T]) reload() (changed bool, err error) {
	if f.path == "" {
		return false, nil
	}
	f.reloading.Lock()
	defer f.reloading.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return false, f.tell(err)
	}
	if f.stamp != nil && os.SameFile(f.stamp, info) && f.stamp.ModTime().Equal(info.ModTime()) && f.stamp.Size() == info.Size() {
		return false, nil
	}
	if info.Size() > mostFile {
		return false, f.tell(fmt.Errorf("%s has more than %d bytes", f.path, mostFile))
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false, f.tell(err)
	}
	f.stamp, f.told = info, ""
	value, err := f.parse(text)
	if err != nil {
		return false, f.tell(fmt.Errorf("%s: %w", f.path, err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.value = value
	return true, nil
}

func (f *file[T]) tell(err error) error {
	if f.told == err.Error() {
		return nil
	}
	f.told = err.Error()
	return fmt.Errorf("auth: %w", err)
}
