package spool_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jrweb/eventlog"
)

// On a full disk events are lost, in the number that is told, and the end is not.
func TestAFullDiskLosesEventsAndSaysHowMany(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	h := newHome(t, nil)
	h.dir = filepath.Join(t.TempDir(), "disk")
	h.ok(os.Mkdir(h.dir, 0o700))
	h.ok(syscall.Mount("tmpfs", h.dir, "tmpfs", 0, "size=256k"))
	defer func() { h.ok(syscall.Unmount(h.dir, syscall.MNT_DETACH)) }()
	w := h.create()
	large := eventlog.Event{Type: eventlog.TypeAssistant, Data: json.RawMessage(`{"content":"` + strings.Repeat("x", 10_000) + `"}`)}
	kept := 0
	for {
		err := w.Append(large)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		h.ok(err)
		kept++
	}
	for range 2 {
		if err := w.Append(large); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	h.ok(w.End(end("succeeded")))
	d := h.deliver(w)
	h.ok(d.To(t.Context(), h.server))
	all := h.sessions()[0]
	if len(all) != kept+2 || all[kept] != "3 events before this one were not recorded: there was no room for them" || all[kept+1] != "succeeded" {
		t.Errorf("%d events, the last %q", len(all), all[max(0, len(all)-2):])
	}
	h.ok(errors.Join(d.Remove(), d.Close(), w.Close()))
}
