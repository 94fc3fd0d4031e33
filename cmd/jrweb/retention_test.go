package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/eventlog"
)

func TestTheFlagsOfRetentionReachTheLog(t *testing.T) {
	for _, c := range []struct {
		flags string
		left  int // of three sessions
	}{
		{"-retain-sessions 2", 2},
		{"-retain-bytes 1600000", 2},
		{"-retain-age 1ns", 0},
	} {
		t.Run(c.flags, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "jr.db")
			threeRuns(t, db)
			ctx, cancel := context.WithCancel(t.Context())
			log, stderr := io.Pipe()
			out, stdout := io.Pipe()
			ended := make(chan int, 1)
			go func() {
				ended <- run(ctx, append([]string{"serve", "-addr", "127.0.0.1:0", "-db", db, "-log-format", "json"}, strings.Fields(c.flags)...), strings.NewReader(""), stdout, stderr)
				stdout.Close()
				stderr.Close()
			}()
			t.Cleanup(func() { cancel(); <-ended })
			deleted := make(chan int, 1)
			go func() { // to its end, so that nobody who logs waits
				lines := bufio.NewScanner(log)
				for lines.Scan() {
					var line struct {
						Msg     string `json:"msg"`
						Deleted int    `json:"sessions_deleted"`
					}
					if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "retention" {
						deleted <- line.Deleted
					}
				}
				close(deleted)
			}()
			line, err := bufio.NewReader(out).ReadString('\n')
			url, ok := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
			if err != nil || !ok {
				t.Fatalf("it does not listen: %q, %v", line, err)
			}
			if n := <-deleted; n != 3-c.left {
				t.Errorf("%d sessions were deleted, want %d", n, 3-c.left)
			}
			code, listed, errs := runIt(t, "", "ls", "-json", "t-1", "-url", url)
			if n := strings.Count(listed, `"succeeded"`); code != 0 || n != c.left {
				t.Errorf("%d sessions are left, want %d:\n%s%s", n, c.left, listed, errs)
			}
		})
	}
}

// threeRuns makes a database with three sessions of t-1 that have ended, each of
// more than 600,000 bytes.
func threeRuns(t *testing.T, db string) {
	t.Helper()
	log, err := eventlog.Open(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := log.Append(t.Context(), &eventlog.Batch{Task: "t-1", Events: []eventlog.Event{
			{Type: eventlog.TypeThought, Data: fmt.Appendf(nil, `{"content":"%s"}`, strings.Repeat("x", 600_000))},
			{Type: eventlog.TypeComplete, Data: []byte(`{}`)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
