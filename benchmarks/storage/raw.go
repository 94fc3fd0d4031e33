package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// rawStore is the limit: a file to which one goroutine writes what waits, with one
// pwrite and one fdatasync for all. It can read nothing back, and knows no sessions.
type rawStore struct {
	file  *os.File
	queue chan chan error
	ended sync.WaitGroup
}

func openRaw(_ context.Context, dir string, appenders, _ int) (store, error) {
	file, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return nil, err
	}
	// The log takes its space in advance as well: a sync need not change the
	// file's length.
	if err := syscall.Fallocate(int(file.Fd()), 0, 0, 1<<30); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &rawStore{file: file, queue: make(chan chan error, appenders)}
	s.ended.Go(s.commit)
	return s, nil
}

func (s *rawStore) commit() {
	var (
		offset int64
		bytes  []byte
		group  []chan error
	)
	for first := range s.queue {
		group, bytes = append(group[:0], first), append(bytes[:0], payload...)
		for waiting := len(s.queue); waiting > 0; waiting-- {
			group, bytes = append(group, <-s.queue), append(bytes, payload...)
		}
		_, err := s.file.WriteAt(bytes, offset)
		if err == nil {
			err = syscall.Fdatasync(int(s.file.Fd()))
		}
		offset += int64(len(bytes))
		for _, done := range group {
			done <- err
		}
	}
}

func (s *rawStore) append(context.Context, int, int) error {
	done := make(chan error, 1)
	s.queue <- done
	return <-done
}

func (s *rawStore) close() error {
	close(s.queue)
	s.ended.Wait()
	return s.file.Close()
}
