package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// fileState is what tells without a read that a file is as it was. A file that was only
// moved has the same.
type fileState struct {
	device, inode uint64
	size          int64
	changed       int64 // nanoseconds
}

func stateOf(info fs.FileInfo) fileState {
	s := fileState{size: info.Size(), changed: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode = uint64(sys.Dev), sys.Ino //nolint:unconvert // a device is not a uint64 on macOS
	}
	return s
}

// seen remembers which files are recorded, so that a start reads none of them again. It is
// only a note: who loses it, or the end of it, reads files again and finds them recorded.
type seen struct {
	file *os.File

	mu    sync.Mutex
	files map[[2]uint64]seenFile // by device and inode
	lines int
}

type seenFile struct {
	fileState
	task string // "" for what is not a transcript
}

// errWatched says that another process watches for the same destination.
var errWatched = errors.New("another jrweb watch runs with this spool folder, for the same destination: stop that one first")

// openSeen opens the note at a path, which is made if there is none, and locks it.
func openSeen(path string) (*seen, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errWatched
		}
		return nil, errors.Join(err, file.Close())
	}
	s := &seen{file: file, files: map[[2]uint64]seenFile{}}
	s.read(file)
	if err := s.compact(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// readSeen reads the note at a path, if there is one, while somebody else may write it.
func readSeen(path string) *seen {
	s := &seen{files: map[[2]uint64]seenFile{}}
	if file, err := os.Open(path); err == nil {
		s.read(file)
		_ = file.Close() // it was only read from
	}
	return s
}

func (s *seen) read(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return // a torn end, too, is the end
		}
		s.lines++
		if f, ok := parseSeen(line); ok {
			s.files[[2]uint64{f.device, f.inode}] = f
		}
	}
}

func parseSeen(line string) (f seenFile, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return f, false
	}
	var errs [4]error
	f.device, errs[0] = strconv.ParseUint(fields[0], 10, 64)
	f.inode, errs[1] = strconv.ParseUint(fields[1], 10, 64)
	f.size, errs[2] = strconv.ParseInt(fields[2], 10, 64)
	f.changed, errs[3] = strconv.ParseInt(fields[3], 10, 64)
	if len(fields) > 4 {
		f.task = fields[4]
	}
	return f, errors.Join(errs[:]...) == nil
}

func (f *seenFile) appendTo(b []byte) []byte {
	return fmt.Appendf(b, "%d %d %d %d %s\n", f.device, f.inode, f.size, f.changed, f.task)
}

// compact rewrites the note if most of its lines are of files that have changed since. A process
// that dies meanwhile leaves a shorter note.
func (s *seen) compact() error {
	if s.lines < 2*len(s.files)+1000 {
		// What a kill left of a line must not run into the next one.
		if s.lines == 0 {
			return nil
		}
		_, err := s.file.Write([]byte("\n"))
		return err
	}
	var text bytes.Buffer
	for _, f := range s.files {
		text.Write(f.appendTo(nil))
	}
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	_, err := s.file.Write(text.Bytes())
	s.lines = len(s.files)
	return err
}

// has reports whether a file is as it was when it was recorded.
func (s *seen) has(f fileState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[[2]uint64{f.device, f.inode}].fileState == f
}

// add notes that files are recorded in a task, as they were then.
func (s *seen) add(task string, files ...fileState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []byte
	for _, state := range files {
		f := seenFile{state, task}
		if s.files[[2]uint64{f.device, f.inode}] != f {
			s.files[[2]uint64{f.device, f.inode}] = f
			lines = f.appendTo(lines)
			s.lines++
		}
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := s.file.Write(lines)
	return err
}

// tasks returns some of the tasks in which files are recorded.
func (s *seen) tasks(most int) (tasks []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := map[string]bool{}
	for _, f := range s.files {
		if len(tasks) == most {
			break
		}
		if f.task != "" && !got[f.task] {
			got[f.task] = true
			tasks = append(tasks, f.task)
		}
	}
	return tasks
}

// forget empties the note: the log that it speaks of is gone.
func (s *seen) forget() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.files)
	s.lines = 0
	return s.file.Truncate(0)
}

func (s *seen) close() error { return s.file.Close() }
