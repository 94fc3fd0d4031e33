package filestore

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// simDisk is a directory as the calls of a process leave it: as the kernel shows it, and as
// it is on the disk. What was not synced may be on the disk, in parts and in any order, or
// not.
type simDisk struct {
	dir   string
	shown map[string]*simFile // by path
	// What is on the disk for sure, and what may be as well.
	names   map[string]*simFile
	pending []*simName
}

type simFile struct {
	shown, synced []byte
	pending       []*simWrite
}

// simWrite is a write, or makes the file longer.
type simWrite struct {
	at   int64
	data []byte
	size int64
	done int // line of the trace where the call has returned
}

// simName is a name that was given or taken away.
type simName struct {
	path string
	file *simFile // nil: taken away
	done int
}

// newSimDisk makes a disk of what is in a directory, all of it synced.
func newSimDisk(dir string) (*simDisk, error) {
	d := &simDisk{dir: dir, shown: map[string]*simFile{}, names: map[string]*simFile{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := &simFile{shown: data, synced: bytes.Clone(data)}
		d.shown[path], d.names[path] = f, f
	}
	return d, nil
}

func (w *simWrite) apply(to []byte, keep func(sector int64) bool) []byte {
	end := max(w.at+w.size, w.at+int64(len(w.data)))
	if n := end - int64(len(to)); n > 0 {
		to = append(to, make([]byte, n)...)
	}
	const sector = 512
	for at := w.at; at < w.at+int64(len(w.data)); {
		next := min((at/sector+1)*sector, w.at+int64(len(w.data)))
		if keep == nil || keep(at/sector) {
			copy(to[at:next], w.data[at-w.at:])
		}
		at = next
	}
	return to
}

// do makes a call happen. A call has its effect when it begins; a sync, when it has
// returned, for what had returned when it began.
func (d *simDisk) do(c *call) {
	if c.failed {
		return
	}
	path := strings.TrimSuffix(c.path, " (deleted)")
	switch c.name {
	case "openat":
		if d.shown[path] == nil {
			d.rename(path, &simFile{}, c)
		}
	case "linkat":
		d.rename(c.to, d.shown[path], c)
	case "unlinkat", "unlink":
		d.rename(path, nil, c)
	case "renameat", "rename", "renameat2":
		d.rename(c.to, d.shown[path], c)
		d.rename(path, nil, c)
	case "pwrite64", "fallocate", "ftruncate":
		f := d.shown[path]
		if f == nil {
			return // its last name is gone
		}
		if c.name == "ftruncate" && c.size < int64(len(f.shown)) {
			panic("a file is cut: no test knows what a crash makes of that")
		}
		if strings.Contains(path, "-journal.") && c.at >= int64(len(f.shown)) && len(bytes.Trim(c.data, "\x00")) == 0 {
			return // a segment made longer by zeros: no record is there, and to leave them out saves time
		}
		w := &simWrite{at: c.at, data: c.data, size: c.size, done: c.end}
		f.shown = w.apply(f.shown, nil)
		f.pending = append(f.pending, w)
	case "fsync", "fdatasync":
		if path == d.dir {
			d.pending = slices.DeleteFunc(d.pending, func(n *simName) bool {
				if n.done < c.begin {
					n.apply(d.names)
				}
				return n.done < c.begin
			})
			return
		}
		f := d.shown[path]
		if f == nil {
			return
		}
		f.pending = slices.DeleteFunc(f.pending, func(w *simWrite) bool {
			if w.done < c.begin {
				f.synced = w.apply(f.synced, nil)
			}
			return w.done < c.begin
		})
	}
}

func (d *simDisk) rename(path string, f *simFile, c *call) {
	n := &simName{path, f, c.end}
	n.apply(d.shown)
	d.pending = append(d.pending, n)
}

func (n *simName) apply(names map[string]*simFile) {
	if n.file == nil {
		delete(names, n.path)
	} else {
		names[n.path] = n.file
	}
}

// killed is what is there after the process was killed: what the kernel shows.
func (d *simDisk) killed() map[string][]byte {
	files := map[string][]byte{}
	for path, f := range d.shown {
		files[path] = f.shown
	}
	return files
}

// cut is what a power cut leaves: what is on the disk for sure, and by chance some of the
// rest. If random is nil, there is nothing of it.
func (d *simDisk) cut(random *rand.Rand) map[string][]byte {
	names := maps.Clone(d.names)
	share := 0.0
	if random != nil {
		share = []float64{0.1, 0.5, 0.9}[random.IntN(3)]
		for _, n := range d.pending {
			if random.Float64() < share {
				n.apply(names)
			}
		}
	}
	files := map[string][]byte{}
	for path, f := range names {
		data := bytes.Clone(f.synced)
		for _, w := range f.pending {
			if random != nil && random.IntN(2) == 0 {
				whole := random.IntN(2) == 0
				data = w.apply(data, func(int64) bool { return whole || random.Float64() < share })
			}
		}
		files[path] = data
	}
	return files
}

// write puts files into the directory, instead of what is there.
func (d *simDisk) write(files map[string][]byte) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(d.dir, e.Name())); err != nil {
			return err
		}
	}
	for path, data := range files {
		if err := writeSparse(path, data); err != nil {
			return err
		}
	}
	return nil
}
