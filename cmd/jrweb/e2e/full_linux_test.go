package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog/dbfile"
	"jrweb/eventlog/filestore"
	"jrweb/eventlog/store"
)

// When there is no room left, appends are refused and all else goes on. They work
// again as soon as there is room, no matter who made it.
func TestAFullDiskStopsAppendsAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	mountTmpfs(t, dir, "12m")
	s := &server{t: t, db: filepath.Join(dir, "jr.db")}
	s.start()
	f := fill(t, s)
	f.full()
	f.onlyAppendsAreRefused()

	t.Log("another program removes something")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	f.append("t-live")
	f.full()

	t.Log("a task is deleted")
	f.freeByDeletion()
	f.full()

	t.Log("the server is killed and started again, on the full disk")
	_ = s.signal(syscall.SIGKILL)
	f.stream = nil
	s.start()
	f.verify()
	f.watch()
	f.onlyAppendsAreRefused()
	f.freeByDeletion()
	f.verify()
	s.stop()
	if _, err := dbfile.Check(t.Context(), s.db, nil); err != nil {
		t.Errorf("the file after all that: %v", err)
	}
}

func TestAFullDatabaseStopsAppendsAlone(t *testing.T) {
	s := &server{t: t, db: filepath.Join(t.TempDir(), "jr.db"), flags: []string{"-max-db-bytes", "67108864"}}
	putAside(t, s.db, 58<<20) // the smallest limit takes long to fill by appends
	s.start()
	f := fill(t, s)
	f.full()
	f.onlyAppendsAreRefused()
	f.freeByDeletion()
	if torture() {
		f.full()
		f.freeByDeletion()
	}
	f.verify()
	s.stop()
}

// putAside makes a database of which some space is in use.
func putAside(t *testing.T, path string, size int) {
	t.Helper()
	db, err := filestore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx store.Tx) error {
		tx.Put("keys", []byte("aside"), make([]byte, size)) // where this test has no others: bbolt moves its neighbors with it
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// mountTmpfs mounts an empty file system of a size for the time of a test.
func mountTmpfs(t *testing.T, dir, size string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a tmpfs at %s, as root: %v", dir, err)
	}
	t.Cleanup(func() {
		// The server is killed by a cleanup that was registered later, thus runs before.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// filling fills a server's database, while a stream is open.
type filling struct {
	*testing.T
	s       *server
	acked   map[string][]string // contents of the open session of each task
	ballast int                 // tasks t-ballast-N that exist only to be deleted
	stream  *bufio.Reader       // of t-live; nil: none
	number  int
}

func fill(t *testing.T, s *server) *filling {
	f := &filling{T: t, s: s, acked: map[string][]string{}}
	f.append("t-live")
	f.watch()
	return f
}

// watch opens the stream of t-live and reads what is there.
func (f *filling) watch() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	f.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.s.url+"/tasks/t-live/events/stream", nil)
	if err != nil {
		f.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { res.Body.Close() })
	f.stream = bufio.NewReader(res.Body)
	for _, content := range f.acked["t-live"] {
		f.streamed(content)
	}
}

// streamed waits until the stream shows an event.
func (f *filling) streamed(content string) {
	f.Helper()
	for {
		line, err := f.stream.ReadString('\n')
		if err != nil {
			f.Fatalf("the stream ended before %q: %v", content, err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var data struct{ Content string }
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				f.Fatal(err)
			}
			if data.Content != content {
				f.Fatalf("the stream shows %q, want %q", data.Content, content)
			}
			return
		}
	}
}

// request sends a request and returns the status and the word of a problem.
func (f *filling) request(method, path, body string) (int, string) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.s.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Type string }
	if res.StatusCode >= 400 {
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			f.Fatal(res.Status, err)
		}
	}
	return res.StatusCode, strings.TrimPrefix(answer.Type, "urn:jrweb:problem:")
}

func (f *filling) want(method, path, body string, status int, problem string) {
	f.Helper()
	if got, word := f.request(method, path, body); got != status || word != problem {
		f.Fatalf("%s %s: %d %s, want %d %s", method, path, got, word, status, problem)
	}
}

func (f *filling) tryAppend(task string, size int) bool {
	f.Helper()
	f.number++
	content := fmt.Sprintf("event %d", f.number)
	body := fmt.Sprintf(`{"type":"assistant","data":{"content":%q,"padding":%q}}`, content, strings.Repeat("x", size))
	switch status, problem := f.request(http.MethodPost, "/tasks/"+task+"/events", body); {
	case status == http.StatusOK:
		f.acked[task] = append(f.acked[task], content)
		if task == "t-live" && f.stream != nil {
			f.streamed(content)
		}
		return true
	case status == http.StatusInsufficientStorage && problem == "full":
		return false
	default:
		f.Fatalf("append: %d %s", status, problem)
		return false
	}
}

func (f *filling) append(task string) {
	f.Helper()
	if !f.tryAppend(task, 100) {
		f.Fatal("the append was refused, and there is room")
	}
}

// full appends until there is no room, first by large steps, then by small ones.
func (f *filling) full() {
	f.Helper()
	f.ballast++
	for _, size := range []int{128 << 10, 16 << 10, 2 << 10} {
		for f.tryAppend(fmt.Sprintf("t-ballast-%d", f.ballast), size) {
		}
	}
	f.Logf("full after %d appends", f.number)
}

func (f *filling) onlyAppendsAreRefused() {
	f.Helper()
	f.refused("PUT", "/tasks/t-new-%d", `{"description":"`+strings.Repeat("x", 32<<10)+`"}`)
	f.refused("PUT", "/tasks/t-new-%d", `{"title":"new"}`)
	f.refused("POST", "/tasks/t-start-%d/sessions", "")
	f.refused("POST", "/tasks/t-end-%d/events", `{"type":"complete","data":{}}`) // starts a session as well
	for f.tryAppend("t-live", 100) {
	}
	f.want("GET", "/readyz", "", 200, "")
	session, _, _ := f.s.head("t-live")
	f.want("POST", "/tasks/t-live/sessions/"+session+"/heartbeat", "", 204, "")
	f.verify()

	// Ends of sessions. The ballast's latest session ends by a complete event.
	ballast := fmt.Sprintf("t-ballast-%d", f.ballast)
	f.want("POST", "/tasks/"+ballast+"/events", `{"type":"complete","data":{}}`, 200, "")
	if _, _, status := f.s.head(ballast); status != "succeeded" {
		f.Errorf("the session is %s after its complete event", status)
	}
}

// refused asks for something that takes room, of other tasks each time, until it
// is refused. What is small may find a page that is free.
func (f *filling) refused(method, path, body string) {
	f.Helper()
	for n := range 2000 {
		status, problem := f.request(method, fmt.Sprintf(path, n), body)
		if status == http.StatusInsufficientStorage && problem == "full" {
			return
		}
		if status >= 300 {
			f.Fatalf("%s %s: %d %s", method, path, status, problem)
		}
	}
	f.Fatalf("%s %s is never refused", method, path)
}

// freeByDeletion deletes the ballast. The space is freed in the background.
func (f *filling) freeByDeletion() {
	f.Helper()
	for n := range f.ballast {
		f.request("DELETE", fmt.Sprintf("/tasks/t-ballast-%d", n+1), "") // 404 if it is gone
		delete(f.acked, fmt.Sprintf("t-ballast-%d", n+1))
	}
	for deadline := time.Now().Add(patience); !f.tryAppend("t-live", 100<<10); {
		if time.Now().After(deadline) {
			f.Fatal("there is no room after the deletion")
		}
	}
}

// verify reads what was acknowledged.
func (f *filling) verify() {
	f.Helper()
	for task, want := range f.acked {
		if got := f.s.events(task); strings.Join(got[:min(len(got), len(want))], ",") != strings.Join(want, ",") {
			f.Errorf("%s: got %d events, and they are not the %d that were acknowledged", task, len(got), len(want))
		}
	}
}
