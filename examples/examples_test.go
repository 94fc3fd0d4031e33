// Package examples holds programs that record with jrweb, in several languages.
package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/router"
	"jrweb/streamer"
)

// serve returns a log and the URL of its server.
func serve(t *testing.T) (*eventlog.Log, string) {
	t.Helper()
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	handler, err := router.New(log, streamer.New(log, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return log, s.URL
}

// run runs a program that must exist, and returns what it prints.
func run(t *testing.T, url, stdin string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "JRWEB_URL="+url)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%v: %v\n%s", command, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// want compares the one session of a task with the events that it should have.
func want(t *testing.T, log *eventlog.Log, task, agent string, events ...string) {
	t.Helper()
	sessions, err := log.Sessions(t.Context(), task, eventlog.SessionID{}, 10)
	if err != nil || len(sessions) != 1 || sessions[0].Agent != agent {
		t.Fatalf("sessions %+v, %v", sessions, err)
	}
	var got []string
	for e, err := range log.Session(task, sessions[0].ID).Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s", e.Actor, e.Type, canonical(t, e.Data)))
	}
	if strings.Join(got, "\n") != strings.Join(events, "\n") {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(events, "\n"))
	}
}

// canonical is JSON with its keys in order.
func canonical(t *testing.T, data []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestShell(t *testing.T) {
	log, url := serve(t)
	if got := run(t, url, "", "shell/record.sh", "t-1"); got != url+"/tasks/t-1" {
		t.Errorf("it prints %q", got)
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	want(t, log, "t-1", "shell",
		`agent assistant {"content":"I count the files here."}`,
		`agent tool_call {"args":{},"call_id":"1","tool":"ls"}`,
		fmt.Sprintf(`agent tool_result {"call_id":"1","output":"%d","success":true,"tool":"ls"}`, len(files)),
		`agent complete {"status":"succeeded"}`)
}

func TestPython(t *testing.T) {
	log, url := serve(t)
	run(t, url, "", "python3", "python/jrweb_client.py", "t-1")
	want(t, log, "t-1", "python",
		`agent assistant {"content":"I add two numbers."}`,
		`agent tool_call {"args":{"numbers":[1,2]},"call_id":"1","tool":"add"}`,
		`agent tool_result {"call_id":"1","output":"3","success":true,"tool":"add"}`,
		`agent complete {"reason":"","status":"succeeded"}`)
}

func TestPythonTellsOfFailures(t *testing.T) {
	log, url := serve(t)
	got := run(t, url, "", "python3", "-c", `
import sys; sys.path.insert(0, "python"); sys.dont_write_bytecode = True
from jrweb_client import Session
try:
    with Session("t-1", agent="python") as session:
        try:
            session.append("assistant", wrong="field")
        except RuntimeError as refused:
            print(refused)
        raise ValueError("no more numbers")
except ValueError:
    pass
`)
	if got != "jrweb: 422: the body: data.content is required" {
		t.Errorf("a refusal reads %q", got)
	}
	want(t, log, "t-1", "python", `agent complete {"reason":"ValueError: no more numbers","status":"failed"}`)
}

func TestHooksOfClaudeCode(t *testing.T) {
	log, url := serve(t)
	for _, hook := range []string{
		`{"session_id":"8a/1","hook_event_name":"UserPromptSubmit","prompt":"List the files"}`,
		`{"session_id":"8a/1","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"toolu_1"}`,
		`{"session_id":"8a/1","hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{"command":"ls"},"tool_response":{"stdout":"a\nb","is_error":false},"tool_use_id":"toolu_1"}`,
		`{"session_id":"8a/1","hook_event_name":"Notification","message":"nothing to record"}`,
		`this is no JSON`,
		`{"session_id":"8a/1","hook_event_name":"SessionEnd","reason":"exit"}`,
	} {
		if got := run(t, url, hook, "python3", "claude-code/hook.py"); got != "" {
			t.Errorf("the hook of %s prints %q", hook, got)
		}
	}
	want(t, log, "claude-8a-1", "",
		`human user {"content":"List the files"}`,
		`agent tool_call {"args":{"command":"ls"},"call_id":"toolu_1","tool":"Bash"}`,
		`agent tool_result {"call_id":"toolu_1","output":"{\"stdout\": \"a\\nb\", \"is_error\": false}","success":true,"tool":"Bash"}`,
		`agent complete {"reason":"exit","status":"succeeded"}`)
	run(t, "http://127.0.0.1:1", `{"session_id":"8a","hook_event_name":"SessionEnd"}`, "python3", "claude-code/hook.py")
}
