package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"jrweb/eventlog/filestore"
	"jrweb/eventlog/internal/boltfile"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// goodFile is the content of a database with some events, and its head.
func goodFile(t *testing.T) ([]byte, boltfile.Head) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jr.db")
	log, err := Open(path, &Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_, err := log.Append(t.Context(), &Batch{Task: "t-1", Events: []Event{{
			Type: TypeThought, Data: []byte(`{"content":"` + strings.Repeat("x", 10_000) + `"}`),
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := bytes.NewReader(file)
	head, ok := boltfile.ReadMeta(reader, 0)
	second, ok2 := boltfile.ReadMeta(reader, head.PageSize)
	if !ok || !ok2 {
		t.Fatal("a good file has no two heads")
	}
	if second.Tx > head.Tx {
		head = second
	}
	return file, head
}

// foreignFile is a bbolt database of another program.
func foreignFile(t *testing.T, o *bolt.Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("widgets"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAFileThatIsNoWholeDatabaseIsLeftAlone(t *testing.T) {
	good, head := goodFile(t)
	page := int(head.PageSize)
	inUse := int(head.Pages) * page
	with := func(change func(file []byte)) []byte {
		file := bytes.Clone(good)
		change(file)
		return file
	}
	for name, file := range map[string][]byte{
		"empty":                       {},
		"short":                       []byte("no database"),
		"of one page":                 make([]byte, page),
		"long and zero":               make([]byte, 64<<10),
		"cut behind its heads":        good[:2*page],
		"cut in half":                 good[:inUse/2],
		"cut in its last page":        good[:inUse-1],
		"of another program":          foreignFile(t, nil),
		"without its list of pages":   foreignFile(t, &bolt.Options{NoFreelistSync: true}),
		"with both heads damaged":     with(func(f []byte) { f[20] ^= 1; f[page+40] ^= 1 }),
		"with both heads zero":        with(func(f []byte) { clear(f[:2*page]) }),
		"with a damaged free list":    with(func(f []byte) { f[int(head.Freelist)*page+8] ^= 0x11 }),
		"with a damaged root":         with(func(f []byte) { clear(f[int(head.Root)*page:][:64]) }),
		"with a root that is no page": with(func(f []byte) { copy(f[int(head.Root)*page:], bytes.Repeat([]byte{0xFF}, page)) }),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			before := modified(t, path)
			log, err := Open(path, nil)
			if !errors.Is(err, ErrDamaged) {
				if err == nil {
					log.Close()
				}
				t.Fatalf("Open returned %v", err)
			}
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
				t.Errorf("not one line with the path: %q", err)
			}
			left, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(left, file) || !modified(t, path).Equal(before) {
				t.Error("the file was written to")
			}
		})
	}
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// What a power cut may leave of a commit is not damage: the older head is good, and the
// space that was never in use does not matter.
func TestWhatAPowerCutMayLeaveOpens(t *testing.T) {
	good, head := goodFile(t)
	page := int(head.PageSize)
	for name, file := range map[string][]byte{
		"all of it":                  good,
		"without the space ahead":    good[:int(head.Pages)*page],
		"with more space ahead":      append(bytes.Clone(good), make([]byte, 100<<10)...),
		"with the newer head torn":   func() []byte { f := bytes.Clone(good); clear(f[int(head.Tx%2)*page+40:][:40]); return f }(),
		"with garbage in that space": func() []byte { f := bytes.Clone(good); f[len(f)-1000] = 7; return f }(),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			log, err := Open(path, &Options{KeepOpen: true})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			task, err := log.Task(t.Context(), "t-1")
			if err != nil {
				t.Fatal(err)
			}
			if n := task.Totals.Events; n < 19 || n > 20 {
				t.Errorf("%d events", n)
			}
			if _, err := log.Append(t.Context(), &Batch{Task: "t-1", Events: []Event{{Type: TypeThought, Data: []byte(`{"content":"on"}`)}}}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAFileThatAnotherHoldsIsHeldWhateverIsInIt(t *testing.T) {
	for name, content := range map[string][]byte{"empty": {}, "damaged": make([]byte, 64<<10)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jr.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			holder, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Close()
			if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := filestore.Open(path, nil); !errors.Is(err, ErrHeld) {
				t.Errorf("Open returned %v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestWhatIsNoFileIsAnErrorThatSaysSo(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                    "is a directory",
		pipe:                   "not a regular file",
		"/dev/null":            "not a regular file",
		dir + "/pipe/inside":   "not a directory",
		dir + "/missing/jr.db": "no such file",
	} {
		_, err := filestore.Open(path, nil)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got error %v, want %q", path, err, want)
		}
	}
	if _, err := filestore.Open(dir+"/missing/jr.db", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// A page that is damaged while the log runs gives errors. It does not end the process, and
// the log can be closed.
func TestADamagedPageIsAnError(t *testing.T) {
	good, head := goodFile(t)
	page := int(head.PageSize)
	for name, damage := range map[string]func(header []byte){
		"its number":   func(h []byte) { h[0] ^= 0xFF },
		"its kind":     func(h []byte) { h[8] ^= 0x13 },
		"its entries":  func(h []byte) { binary.NativeEndian.PutUint16(h[10:], 0xFFFF) },
		"its contents": func(h []byte) { copy(h[16:], bytes.Repeat([]byte{0xFF}, 200)) },
	} {
		t.Run(name, func(t *testing.T) {
			file := bytes.Clone(good)
			// All pages in use except the heads, the root and the free list.
			for n := 2; n < int(head.Pages); n++ {
				kind := binary.NativeEndian.Uint16(file[n*page+8:])
				if uint64(n) != head.Root && uint64(n) != head.Freelist && (kind == 1 || kind == 2) && binary.NativeEndian.Uint64(file[n*page:]) == uint64(n) {
					damage(file[n*page:])
				}
			}
			path := filepath.Join(t.TempDir(), "jr.db")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := filestore.Open(path, nil)
			if errors.Is(err, ErrDamaged) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			err = db.View(t.Context(), func(r store.Reader) error {
				for _, b := range store.Buckets() {
					for key, raw := range r.Ascend(b, nil, nil) {
						if _, err := record.Decode(b, key, raw); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("View returned %v", err)
			}
			err = db.Update(t.Context(), func(tx store.Tx) error {
				for range 3 {
					tx.Put(store.Events, make([]byte, 24), make([]byte, 10))
				}
				return nil
			})
			if err != nil {
				t.Errorf("Update returned %v", err)
			}
			// The file takes it over later, and cannot. Nothing more is accepted then.
			if err := db.(store.CheckpointStore).Checkpoint(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("Checkpoint returned %v", err)
			}
			err = db.Update(t.Context(), func(tx store.Tx) error { tx.Delete(store.Events, make([]byte, 24)); return nil })
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("after that, Update returned %v", err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
