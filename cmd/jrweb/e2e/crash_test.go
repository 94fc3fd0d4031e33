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

// An append is acknowledged only after its sync, as the kernel sees it: one write to the
// journal, one sync of it, then the answer.
func TestAcknowledgementFollowsTheSync(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	s := serve(t, needs(t, "strace"), "-f", "-y", "-s", "160", "-o", trace, "-e", "trace=pwrite64,fdatasync,write")
	s.append("t-sync", says("the event that takes the journal into use"))
	s.append("t-sync", says("the event that the trace looks for"))
	s.stop()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := syncedBeforeAnswer(lines); err != nil {
		t.Fatal(err)
	}

	answer := lineOf(lines, answerLine, 2)
	for name, line := range map[string]int{
		"the sync":  lastBefore(lines, journalSynced, answer),
		"the write": lastBefore(lines, journalWritten, answer),
	} {
		t.Run("and a trace without "+name+" is noticed", func(t *testing.T) {
			if syncedBeforeAnswer(append(lines[:line:line], lines[line+1:]...)) == nil {
				t.Fatal("the check passes without it: it proves nothing")
			}
		})
	}
	t.Run("and a write behind the sync is noticed", func(t *testing.T) {
		write := lastBefore(lines, journalWritten, answer)
		late := append(append(append(lines[:write:write], lines[write+1:answer]...), lines[write]), lines[answer:]...)
		if syncedBeforeAnswer(late) == nil {
			t.Fatal("the check passes: it proves nothing")
		}
	})
}

var (
	journalWritten = regexp.MustCompile(`pwrite64\(\d+<[^>]*jr\.db-journal\.[01]>`)
	// The call may have been interrupted by those of other threads.
	journalSyncs  = regexp.MustCompile(`fdatasync\(\d+<[^>]*jr\.db-journal\.[01]> +<unfinished`)
	journalSynced = regexp.MustCompile(`fdatasync(\(\d+<[^>]*jr\.db-journal\.[01]>\)| resumed>\)) += 0`)
	answerLine    = regexp.MustCompile(`write\(\d+<[^>]*>, "HTTP/1\.1 200 OK`)
)

// lineOf returns the nth line that matches, -1 if there is none.
func lineOf(lines [][]byte, pattern *regexp.Regexp, nth int) int {
	for i, line := range lines {
		if pattern.Match(line) {
			if nth--; nth == 0 {
				return i
			}
		}
	}
	return -1
}

// lastBefore returns the last line before another that matches, -1 if there is none.
func lastBefore(lines [][]byte, pattern *regexp.Regexp, before int) int {
	for i := before - 1; i >= 0; i-- {
		if pattern.Match(lines[i]) {
			return i
		}
	}
	return -1
}

// syncedBeforeAnswer checks what a trace shows between the answers to two appends: one
// write to the journal, then one sync of it.
func syncedBeforeAnswer(lines [][]byte) error {
	first, second := lineOf(lines, answerLine, 1), lineOf(lines, answerLine, 2)
	if second < 0 {
		return errors.New("the trace does not show two answers")
	}
	written, synced, inSync := 0, 0, false
	for i, line := range lines[first:second] {
		switch {
		case journalWritten.Match(line):
			if written++; synced > 0 || inSync {
				return fmt.Errorf("in line %d the journal is written to after its sync", first+i+1)
			}
		case journalSyncs.Match(line):
			inSync = true
		case journalSynced.Match(line) && (inSync || bytes.Contains(line, []byte("-journal."))):
			if synced++; written == 0 {
				return fmt.Errorf("in line %d the journal is synced, and was not written to", first+i+1)
			}
			inSync = false
		}
	}
	if written != 1 || synced != 1 {
		return fmt.Errorf("before the answer in line %d there were %d writes to the journal and %d syncs, want one of each", second+1, written, synced)
	}
	return nil
}
