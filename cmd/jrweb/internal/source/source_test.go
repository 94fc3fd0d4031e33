package source_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"

	"jrweb/cmd/jrweb/internal/source"
)

func written(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipOf(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

// read reads all of a file.
func read(path string) (string, error) {
	f, err := source.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

func TestWhatIsPackedIsUnpackedWhateverItIsCalled(t *testing.T) {
	text := []byte(strings.Repeat(`{"type":"user"}`+"\n", 10_000))
	for name, packed := range map[string][]byte{
		"plain": text, "gzip": gzipOf(t, text), "zstd": zstdOf(t, text),
		"two of gzip":  append(gzipOf(t, text[:30]), gzipOf(t, text[30:])...),
		"two of zstd":  append(zstdOf(t, text[:30]), zstdOf(t, text[30:])...),
		"empty":        {},
		"nothing.gzip": gzipOf(t, nil),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(written(t, "rollout.jsonl", packed))
			want := string(text)
			if strings.HasPrefix(name, "nothing") || name == "empty" {
				want = ""
			}
			if err != nil || got != want {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestACutOrDamagedArchiveIsAnError(t *testing.T) {
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = 'a' + byte(rand.Uint32()%26)
	}
	for name, packed := range map[string][]byte{"gzip": gzipOf(t, random), "zstd": zstdOf(t, random)} {
		t.Run(name, func(t *testing.T) {
			for _, cut := range []int{len(packed) - 1, len(packed) / 2, 12} {
				if _, err := read(written(t, "x", packed[:cut])); err == nil || !strings.Contains(err.Error(), "x is cut off or damaged") {
					t.Errorf("cut after %d of %d bytes: %v", cut, len(packed), err)
				}
			}
			packed = bytes.Clone(packed)
			packed[len(packed)/2] ^= 0x10
			if _, err := read(written(t, "x", packed)); err == nil {
				t.Error("a flipped bit is not noticed")
			}
		})
	}
}

func TestWhatIsNoTextIsRefusedByName(t *testing.T) {
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar\x00")
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	noise := make([]byte, 600)
	for i := range noise {
		noise[i] = 1 + byte(rand.Uint32()%255) // no NUL
	}
	for want, content := range map[string]string{
		"PNG picture":     "\x89PNG\r\n\x1a\n\x00\x00",
		"JPEG picture":    "\xff\xd8\xff\xe0\x00\x10JFIF",
		"PDF document":    "%PDF-1.7\n",
		"ZIP archive":     "PK\x03\x04\x14\x00",
		"tar archive":     string(tar),
		"SQLite database": "SQLite format 3\x00\x10",
		"xz file":         "\xfd7zXZ\x00\x00",
		"bzip2 file":      "BZh91AY&SY",
		"text in UTF-16":  "\xff\xfe{\x00",
		"ELF program":     string(program),
		"binary data":     string(noise),
		"tar archive, not a transcript: unpack it first": string(gzipOf(t, tar)),
		"gzip file": string(gzipOf(t, gzipOf(t, []byte("x")))),
		"zstd file": string(gzipOf(t, zstdOf(t, []byte("x")))),
	} {
		t.Run(want, func(t *testing.T) {
			if content == "" {
				t.Skip("there is no such file here")
			}
			path := written(t, "x.jsonl", []byte(content))
			_, err := read(path)
			refused, ok := errors.AsType[*source.Refused](err)
			if !ok || !strings.Contains(err.Error(), want) || !strings.Contains(refused.Error(), "x.jsonl") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTextIsTakenInWhateverLanguageOrDress(t *testing.T) {
	for name, text := range map[string]string{
		"colours":         strings.Repeat("\x1b[31mred\x1b[0m\r\n", 10),
		"latin-1":         strings.Repeat("gr\xfc\xdfe \xfcber d\xe4cher\n", 10),
		"a cut character": strings.Repeat("語", 2000),
		"one byte":        "x",
		"a byte order":    "\ufeff{}",
		"emoji":           "🙂🙂🙂",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := read(written(t, "x", []byte(text))); err != nil || got != text {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// What is added to a file while it is read is not read, so that two passes see the same.
func TestAFileIsReadUpToWhereItEnded(t *testing.T) {
	path := written(t, "x", []byte("one\ntwo\n"))
	f, err := source.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "one\ntwo\n" || err != nil || f.Done() != f.Size() {
		t.Errorf("%q, %v, %d of %d bytes", text, err, f.Done(), f.Size())
	}
	again, err := source.OpenUpTo(path, f.Size())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if text, err := io.ReadAll(again); string(text) != "one\ntwo\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAPipeIsRefusedWithoutWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(path); err == nil || !strings.Contains(err.Error(), "can be read twice") {
		t.Error(err)
	}
}

// A small archive of a huge text costs no memory.
func TestUnpackingIsBoundedInMemory(t *testing.T) {
	zeros := bytes.Repeat([]byte("aaaaaaa\n"), 8<<20) // 64 MiB
	for name, packed := range map[string][]byte{"gzip": gzipOf(t, zeros), "zstd": zstdOf(t, zeros)} {
		t.Run(name, func(t *testing.T) {
			path := written(t, "x", packed)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := source.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if n, err := io.Copy(io.Discard, f); n != int64(len(zeros)) || err != nil {
				t.Fatal(n, err)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 24<<20 {
				t.Errorf("%d MiB were allocated", got>>20)
			}
		})
	}
}
