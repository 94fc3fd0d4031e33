package router_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
)

// breaking is a store whose copy cannot be read to its end.
type breaking struct{ eventlog.Store }

func (breaking) Backup(context.Context) (*eventlog.Backup, error) {
	copied := io.MultiReader(strings.NewReader("a third"), iotest.ErrReader(errors.New("input/output error")))
	return &eventlog.Backup{ReadCloser: io.NopCloser(copied), Size: 21}, nil
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
