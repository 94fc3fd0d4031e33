package agents_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

// recorders are those of the ways in. What two of them record of one run is not the
// same run to a log, where each token counts once.
type recorders map[agents.Way]recorder

func startRecorders(t *testing.T, program string) recorders {
	all := recorders{}
	for _, way := range agents.Ways {
		all[way] = startRecorder(t, program)
	}
	return all
}

// recorder is jrweb: the program, and a server of it that all cases share.
type recorder struct {
	program string
	url     string
}

// startRecorder starts a server, until the end of the test.
func startRecorder(t *testing.T, program string, flags ...string) recorder {
	t.Helper()
	cmd := exec.Command(program, append([]string{"serve", "-db", filepath.Join(t.TempDir(), "jr.db"), "-addr", "127.0.0.1:0", "-log-level", "error"}, flags...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "jrweb: listening on ")
	if err != nil || !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	return recorder{program, url}
}

// command is a jrweb command for the server.
func (r recorder) command(t *testing.T, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), r.program, append(args[:1:1], append([]string{"-url", r.url}, args[1:]...)...)...)
}

// must runs a command that is to succeed.
func (r recorder) must(t *testing.T, args ...string) {
	t.Helper()
	if out, err := r.command(t, args...).CombinedOutput(); err != nil {
		t.Errorf("jrweb %s: %v: %s", args[0], err, out)
	}
}

// get decodes what the server answers.
func (r recorder) get(t *testing.T, path string, answer any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusNotFound {
		return // nothing was recorded
	}
	if err := json.Unmarshal(body, answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s, %v", path, response.Status, body, err)
	}
}

// task asks the server for a task.
func (r recorder) task(t *testing.T, id string) agents.Task {
	t.Helper()
	var task struct {
		Title  string
		Totals map[string]any
	}
	r.get(t, "/tasks/"+id, &task)
	var sessions struct {
		Sessions []struct {
			ID, Status, Reason, Agent string
			ExternalID                string `json:"external_id"`
			Parent                    string `json:"parent_external_id"`
		}
	}
	r.get(t, "/tasks/"+id+"/sessions", &sessions)
	amount := func(name string) int { n, _ := task.Totals[name].(float64); return int(n) }
	_, cached := task.Totals["cache_read_tokens"]
	seen := agents.Task{NoCache: !cached, Tokens: model.Tokens{
		Input: amount("input_tokens"), Output: amount("output_tokens"), CacheRead: amount("cache_read_tokens"), CacheWrite: amount("cache_write_tokens"),
	}}
	for _, s := range slices.Backward(sessions.Sessions) {
		one := agents.Session{ExternalID: s.ExternalID, Parent: s.Parent, Status: s.Status, Reason: s.Reason}
		for after := ""; ; {
			var page struct {
				Events []struct {
					Type  string
					Actor eventlog.Actor
					Time  time.Time
					Data  json.RawMessage
				}
				Next string
			}
			r.get(t, fmt.Sprintf("/tasks/%s/events?session=%s&limit=1000%s", id, s.ID, after), &page)
			for _, e := range page.Events {
				one.Events = append(one.Events, eventlog.Event{Type: e.Type, Actor: e.Actor, Time: e.Time, Data: e.Data})
			}
			if len(page.Events) == 0 {
				break
			}
			after = "&after=" + page.Next
		}
		seen.Sessions = append(seen.Sessions, one)
	}
	return seen
}
