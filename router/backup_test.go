package router_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// breaking is a store whose copy cannot be read to its end.
type breaking struct{ store.Store }

func (breaking) Backup(context.Context) (*store.Backup, error) {
	copied := io.MultiReader(strings.NewReader("a third"), iotest.ErrReader(errors.New("input/output error")))
	return &store.Backup{ReadCloser: io.NopCloser(copied), Size: 21}, nil
}

func TestABackupThatBreaksOffEndsWithWhatWasRead(t *testing.T) {
	h, log := handler(t, breaking{eventlogtest.NewStore()})
	defer log.Close()
	w := handle(h, request("GET", "/backup", nil))
	if got := w.Body.String(); got != "a third" {
		t.Errorf("the answer is %q: what is no part of the copy must not stand in it", got)
	}
	if got := w.Header().Get("Content-Length"); got != "21" {
		t.Errorf("the length of the answer is said to be %s: its client could take it for whole", got)
	}
}

// waiting is a store whose copy waits to be read.
type waiting struct {
	store.Store
	read chan struct{}
}

func (w waiting) Backup(context.Context) (*store.Backup, error) {
	return &store.Backup{ReadCloser: io.NopCloser(readerFunc(func([]byte) (int, error) {
		<-w.read
		return 0, io.EOF
	})), Size: 0}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOneBackupIsMadeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := waiting{eventlogtest.NewStore(), make(chan struct{})}
		h, log := handler(t, w)
		defer log.Close()
		done := make(chan int, 1)
		go func() { done <- handle(h, request("GET", "/backup", nil)).Code }()
		synctest.Wait()
		if a := handle(h, request("GET", "/backup", nil)); a.Code != 409 || a.Header().Get("Retry-After") == "" {
			t.Errorf("the second one is answered %d", a.Code)
		}
		close(w.read)
		if code := <-done; code != 200 {
			t.Errorf("the first one is answered %d", code)
		}
		if a := handle(h, request("GET", "/backup", nil)); a.Code != 200 {
			t.Errorf("the next one is answered %d", a.Code)
		}
	})
}
