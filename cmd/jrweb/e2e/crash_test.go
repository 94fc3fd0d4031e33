package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// events returns the contents of all events of a task's latest session, and
// checks that their sequences are 1, 2, 3 …
func (s *server) events(task string) []string { return s.eventsAfter(task, "", 0) }

// eventsAfter does so for what follows a sequence of a session.
func (s *server) eventsAfter(task, session string, sequence uint64) []string {
	s.t.Helper()
	var contents []string
	after := ""
	if session != "" {
		after = fmt.Sprintf("%s:%d", session, sequence)
	}
	for {
		res, err := http.Get(s.url + "/tasks/" + task + "/events?after=" + after)
		if err != nil {
			s.t.Fatal(err)
		}
		var page struct {
			Events []struct {
				Sequence uint64
				Data     struct{ Content string }
			}
			Next string
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if len(page.Events) == 0 {
			return contents
		}
		for _, e := range page.Events {
			if e.Sequence != sequence+1 {
				s.t.Fatalf("sequence %d follows %d", e.Sequence, sequence)
			}
			sequence++
			contents = append(contents, e.Data.Content)
		}
		after = page.Next
	}
}

// An append is acknowledged only after its sync, as the kernel sees it.
func TestAcknowledgementFollowsTheSync(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	s := serve(t, needs(t, "strace"), "-f", "-s", "160", "-o", trace, "-e", "trace=pwrite64,fdatasync,write")
	const marker = "the event that the trace looks for"
	s.append("t-sync", says(marker))
	s.stop()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if err := syncedBeforeAnswer(text); err != nil {
		t.Fatal(err)
	}

	for name, skip := range map[string]int{"the sync of the meta page": 0, "the sync of what it refers to": 1} {
		t.Run("and a trace without "+name+" is noticed", func(t *testing.T) {
			lines := bytes.SplitAfter(text, []byte("\n"))
			for i := lineOf(lines, answerLine); i >= 0; i-- {
				if !syncReturned.Match(lines[i]) {
					continue
				}
				if skip == 0 {
					lines = append(lines[:i:i], lines[i+1:]...)
					break
				}
				skip--
			}
			if syncedBeforeAnswer(bytes.Join(lines, nil)) == nil {
				t.Fatal("the check passes without the sync: it proves nothing")
			}
		})
	}
}

var (
	metaWritten  = regexp.MustCompile(`pwrite64\(\d+, .*, 4096, (0|4096)\)? +(=|<unfinished)|pwrite64\(\d+, .*, 4096, (0|4096)`)
	pageWritten  = regexp.MustCompile(`pwrite64\(`)
	syncReturned = regexp.MustCompile(`fdatasync(\(\d+\)| resumed>\)) += 0`)
	answerLine   = regexp.MustCompile(`write\(\d+, "HTTP/1\.1 200 OK`)
)

func lineOf(lines [][]byte, pattern *regexp.Regexp) int {
	for i, line := range lines {
		if pattern.Match(line) {
			return i
		}
	}
	return -1
}

// syncedBeforeAnswer checks the order in a trace: the pages of the commit are
// written, then synced, then the meta page that makes them valid is written, then
// synced, and then the client is answered.
func syncedBeforeAnswer(trace []byte) error {
	lines := bytes.SplitAfter(trace, []byte("\n"))
	answer := lineOf(lines, answerLine)
	if answer < 0 {
		return errors.New("the trace shows no answer")
	}
	page, meta, synced := -1, -1, -1
	for i, line := range lines[:answer] {
		switch {
		case metaWritten.Match(line):
			if meta = i; synced < page {
				return fmt.Errorf("the meta page was written in line %d, what it refers to in line %d, and last synced in line %d", meta+1, page+1, synced+1)
			}
		case pageWritten.Match(line):
			page = i
		case syncReturned.Match(line):
			synced = i
		}
	}
	if page < 0 || meta < page || synced < meta {
		return fmt.Errorf("answered in line %d, but a page was written in line %d, the meta page in line %d, and last synced in line %d", answer+1, page+1, meta+1, synced+1)
	}
	return nil
}
