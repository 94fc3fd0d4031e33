package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/redact"
	"jrweb/eventlog/transcript"
	"jrweb/router"
	"jrweb/streamer"
)

const hookThread = "7d3c1c9e-1111-4222-8333-444455556666"

var hookTask = transcript.TaskOf(transcript.ClaudeCode, hookThread)

// hook is the body of a hook of the thread. Fields begin with a comma.
func hook(event, fields string) string {
	return fmt.Sprintf(`{"session_id":%q,"cwd":"/srv/app","hook_event_name":%q%s}`, hookThread, event, fields)
}

func prompts(id, text string) string {
	return hook("UserPromptSubmit", fmt.Sprintf(`,"prompt_id":%q,"prompt":%q`, id, text))
}

func calls(id string) string {
	return hook("PreToolUse", fmt.Sprintf(`,"prompt_id":"p","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":%q`, id))
}

func returns(id string) string {
	return hook("PostToolUse", fmt.Sprintf(`,"prompt_id":"p","tool_name":"Bash","tool_use_id":%q,"tool_response":{"stdout":"a.txt","stderr":""}`, id))
}

func stops(text string) string {
	return hook("Stop", fmt.Sprintf(`,"prompt_id":"p","last_assistant_message":%q`, text))
}

func (s *server) hooks(bodies ...string) {
	s.Helper()
	for _, body := range bodies {
		s.post("/hooks/claude", body).is(200).json(`{}`)
	}
}

// recorded are the events of each session of a task, from the first session to the last.
func (s *server) recorded(task string) (all []string, infos []eventlog.SessionInfo) {
	s.Helper()
	infos, err := s.log.Sessions(s.Context(), task, eventlog.SessionID{}, 100)
	s.ok(err)
	slices.Reverse(infos)
	for _, info := range infos {
		var types []string
		for e, err := range s.log.Session(task, info.ID).Events(s.Context(), 0) {
			s.ok(err)
			types = append(types, e.Type)
		}
		all = append(all, strings.Join(types, " "))
	}
	return all, infos
}

func (s *server) wantRecorded(want ...string) []eventlog.SessionInfo {
	s.Helper()
	got, infos := s.recorded(hookTask)
	if !slices.Equal(got, want) {
		s.Fatalf("recorded are\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return infos
}

func TestWhatARealClaudePostsIsRecorded(t *testing.T) {
	for name, want := range map[string]string{
		"permission": "session user tool_call question tool_result assistant complete",
		"subagent":   "session user tool_call tool_call tool_result tool_result assistant complete",
		"tools":      "session user tool_call tool_result tool_call tool_call tool_result tool_result assistant complete",
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "eventlog", "transcript", "testdata", "hooks", name+".hooks.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
			s := serve(t)
			for _, line := range lines {
				s.hooks(string(line), string(line)) // each comes twice
			}
			var first struct {
				ID string `json:"session_id"`
			}
			s.ok(json.Unmarshal(lines[0], &first))
			task := transcript.TaskOf(transcript.ClaudeCode, first.ID)
			got, infos := s.recorded(task)
			if !slices.Equal(got, []string{want}) {
				t.Fatalf("recorded is %q, not %q", got, want)
			}
			info := infos[0]
			if info.Status != eventlog.Succeeded || info.Agent != "Claude Code" || info.ExternalID != first.ID || info.Cwd != "/srv/app" {
				t.Errorf("the session is %+v", info)
			}
			about, err := s.log.Task(t.Context(), task)
			s.ok(err)
			if about.Project != "app" || !strings.Contains(s.get("/tasks/"+task, "Accept: application/json").text("title"), "e") {
				t.Errorf("the task is %+v", about)
			}
		})
	}
}

func TestAQuestionOfAHookWaitsUntilItsCallEnds(t *testing.T) {
	s := serve(t)
	permission := hook("PermissionRequest", `,"prompt_id":"p","tool_name":"Bash","tool_input":{"command":"ls"}`)
	notified := hook("Notification", `,"prompt_id":"p","message":"Claude needs your permission","notification_type":"permission_prompt"`)
	s.hooks(prompts("p", "go"), calls("c-1"), permission, notified)
	now := func() string {
		var a struct{ Now struct{ Kind string } }
		s.get("/tasks/" + hookTask + "/now").decode(&a)
		return a.Now.Kind
	}
	if now() != "asks" {
		t.Errorf("the agent that waits %s", now())
	}
	if s.hooks(returns("c-1")); now() == "asks" {
		t.Error("it waits for ever")
	}
}

func TestAThreadHasASessionForEachStretch(t *testing.T) {
	s := serve(t)
	s.hooks(hook("SessionEnd", `,"reason":"other"`)) // nobody has heard of it
	s.hooks(prompts("p-1", "first words"), stops("done"), hook("SessionEnd", `,"reason":"clear"`), hook("SessionEnd", `,"reason":"clear"`))
	s.hooks(prompts("p-2", "second words"), calls("c-1"), hook("SessionEnd", `,"reason":"other"`))
	s.hooks(prompts("p-3", "third words"), hook("StopFailure", `,"prompt_id":"p-3","error":"overloaded","last_assistant_message":"API Error"`), hook("SessionEnd", `,"reason":"other"`))
	infos := s.wantRecorded("session user assistant complete", "user tool_call complete", "user error complete")
	for i, want := range []eventlog.Status{eventlog.Succeeded, eventlog.Interrupted, eventlog.Failed} {
		if infos[i].Status != want {
			t.Errorf("session %d ended %s, not %s", i, infos[i].Status, want)
		}
	}
	if title := s.get("/tasks/"+hookTask, "Accept: application/json").text("title"); title != "first words" {
		t.Errorf("the task is called %q", title)
	}
}

// Also in parallel, and while the session begins.
func TestHooksThatArriveTwiceCountOnce(t *testing.T) {
	s := serve(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, body := range []string{prompts("p", "go"), calls("c-1"), returns("c-1"), calls("c-2"), returns("c-2"), stops("done")} {
				if a, err := s.try(http.MethodPost, "/hooks/claude", bodyOf(body)); err != nil || a.status != 200 {
					t.Error(a, err)
				}
			}
		})
	}
	all.Wait()
	got, infos := s.recorded(hookTask)
	if len(infos) != 1 {
		t.Fatalf("there are the sessions %q", got)
	}
	count := map[string]int{}
	for kind := range strings.FieldsSeq(got[0]) {
		count[kind]++
	}
	if want := fmt.Sprint(map[string]int{"session": 1, "user": 1, "tool_call": 2, "tool_result": 2, "assistant": 1}); fmt.Sprint(count) != want {
		t.Errorf("recorded are %v, not %s", count, want)
	}
}

// What others record is theirs, no matter who began.
func TestHooksRecordNothingThatOthersRecord(t *testing.T) {
	begin := func(s *server, task, more string) string {
		s.Helper()
		return s.post("/tasks/"+task+"/sessions", fmt.Sprintf(`{"agent":"Claude Code","external_id":%q%s}`, hookThread, more)).is(201).text("id")
	}
	for name, c := range map[string]struct {
		prepare func(s *server)
		want    []string
		headers []string
	}{
		"a run in a task of its own": {func(s *server) { begin(s, "t-1", "") }, nil, nil},
		"a watch":                    {func(s *server) { begin(s, hookTask, `,"version":"2.1.332"`) }, []string{""}, nil},
		"a run that has ended": {func(s *server) {
			s.post("/tasks/t-1/sessions/"+begin(s, "t-1", "")+"/complete", "").is(200)
		}, []string{"session user tool_call tool_result assistant"}, nil},
		"a run whose agent is not known yet": {func(s *server) { s.post("/tasks/t-1/sessions", "").is(201) }, nil, []string{"Jrweb-Run: t-1"}},
		"a run whose agent starts this one": {func(s *server) {
			s.post("/tasks/t-1/sessions", `{"agent":"Claude Code","external_id":"another"}`).is(201)
		}, []string{"session user tool_call tool_result assistant"}, []string{"Jrweb-Run: t-1"}},
		"a run of another server": {func(*server) {}, []string{"session user tool_call tool_result assistant"}, []string{"Jrweb-Run: t-1"}},
		"somebody who goes on with a session of hooks": {func(s *server) {
			s.hooks(prompts("p-0", "before"))
			infos := s.wantRecorded("session user")
			s.post("/tasks/"+hookTask+"/sessions/"+infos[0].ID.String()+"/events", `{"type":"session","data":{"version":"2.1.332"}}`).is(200)
		}, []string{"session user session"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			c.prepare(s)
			for _, body := range []string{prompts("p", "go"), calls("c-1"), returns("c-1"), stops("done")} {
				s.post("/hooks/claude", body, c.headers...).is(200).json(`{}`)
			}
			if c.want == nil {
				s.get("/tasks/" + hookTask).is(404)
				return
			}
			s.wantRecorded(c.want...)
		})
	}
}

// What the transcript does not tell is told beside it.
func TestHooksTellBesideATranscriptWhatItDoesNot(t *testing.T) {
	s := serve(t)
	s.hooks(prompts("p", "go"), calls("c-1"))
	infos := s.wantRecorded("session user tool_call")
	s.post("/tasks/"+hookTask+"/sessions/"+infos[0].ID.String()+"/events", `{"type":"session","data":{"version":"2.1.332"}}`).is(200)
	s.hooks(hook("PermissionRequest", `,"prompt_id":"p","tool_name":"Bash","tool_input":{"command":"ls"}`), returns("c-1"),
		hook("Notification", `,"prompt_id":"p","message":"Claude is waiting for your input","notification_type":"idle_prompt"`),
		stops("done"), hook("SessionEnd", `,"reason":"other"`))
	s.wantRecorded("session user tool_call session question status")
}

func TestASessionOfHooksEndsWhenTheyFallSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, err := eventlog.New(eventlogtest.NewStore(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = log.Close() }()
		handler, err := router.New(log, streamer.New(log, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		post := func(body string) {
			w := &answerWriter{header: http.Header{}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/hooks/claude", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if handler.ServeHTTP(w, r); w.status != 200 {
				t.Fatalf("%d: %s", w.status, w.Bytes())
			}
		}
		status := func() eventlog.SessionInfo {
			all, err := log.Sessions(context.Background(), hookTask, eventlog.SessionID{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			return all[0]
		}
		post(prompts("p", "go"))
		time.Sleep(29 * time.Minute)
		post(calls("c-1"))
		time.Sleep(29 * time.Minute)
		if s := status(); s.Sealed() {
			t.Errorf("the session has ended: %+v", s)
		}
		time.Sleep(2 * time.Minute)
		if s := status(); s.Status != eventlog.Interrupted || s.Reason != "lease expired" {
			t.Errorf("the session is %s: %s", s.Status, s.Reason)
		}
		post(returns("c-1"))
		if s := status(); s.Sealed() {
			t.Error("the agent was heard of again, and has no session")
		}
	})
}

// answerWriter keeps an answer.
type answerWriter struct {
	bytes.Buffer
	header http.Header
	status int
}

func (w *answerWriter) Header() http.Header    { return w.header }
func (w *answerWriter) WriteHeader(status int) { w.status = status }

func TestBadHooksAreRefusedAndRecordNothing(t *testing.T) {
	s := serveWith(t, options{router: router.Options{MaxRequestBytes: 64 << 10}})
	for body, status := range map[string]int{
		"": 422, "{": 400, "[]": 422, `"x"`: 422, "{}": 422, `{"session_id":"s"}`: 422, `{"hook_event_name":"Stop"}`: 422, "\xff": 400,
		`{"hook_event_name":"UserPromptSubmit","prompt":"x","session_id":"` + strings.Repeat("s", 2000) + `"}`: 422,
		prompts("p", strings.Repeat("x", 70<<10)):                                                              413,
	} {
		field := ""
		if a := s.post("/hooks/claude", body).is(status); status == 422 {
			field, _ = a.object()["field"].(string)
			if field == "" {
				t.Errorf("%.50s names no field", body)
			}
		}
	}
	s.post("/hooks/claude", prompts("p", "x"), "Content-Type: application/x-ndjson").is(415)
	s.post("/hooks/claude?x=1", prompts("p", "x")).is(400)
	s.post("/hooks/claude", prompts("p", "x"), "Origin: https://elsewhere.example", "Sec-Fetch-Site: cross-site").is(403)
	// New events, odd names and a long directory are not a reason to lose anything.
	s.hooks(hook("Tomorrow", `,"tool_use_id":"c"`), strings.Replace(prompts("p", "x"), "/srv/app", strings.Repeat("/long", 1000), 1),
		strings.ReplaceAll(prompts("p", "x"), hookThread, "a\\u0000/../b"))
	s.wantRecorded("session user")
	a := s.get("/tasks").is(200)
	if n := strings.Count(a.body, `"id":"claude-code-`); n != 2 {
		t.Errorf("there are %d tasks: %s", n, a.body)
	}
}

func TestHooksAreSeenAndRecordedByWhoMay(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Authorize: func(a router.Access) (router.Grant, error) {
		return router.Grant{Role: a.Role, Name: "ci", Sees: func(task string) bool { return task == hookTask }}, nil
	}}})
	s.post("/hooks/claude", prompts("p", "go"), "Jrweb-Machine: laptop").is(200)
	s.post("/hooks/claude", strings.ReplaceAll(prompts("p", "go"), hookThread, "another")).problem(404, "")
	if infos := s.wantRecorded("session user"); infos[0].Owner != "ci" || infos[0].Machine != "laptop" {
		t.Errorf("the session is %+v", infos[0])
	}
}

func TestWhatHooksTellIsRedactedAsAllElse(t *testing.T) {
	const secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	s := serveWith(t, options{log: eventlog.Options{Middleware: []eventlog.Middleware{redact.Middleware(nil)}}})
	s.hooks(prompts("p", "the token is "+secret))
	s.get("/tasks/" + hookTask + "/events").is(200).says("[redacted:github-token]")
	if a := s.get("/tasks/" + hookTask + "/events"); strings.Contains(a.body, secret) {
		t.Error("the secret is recorded")
	}
}

// A store that does not work stops no agent: any answer but 2xx lets it go on.
func TestAHookHearsThatTheLogDoesNotCommit(t *testing.T) {
	s := serve(t)
	s.hooks(prompts("p", "go"))
	s.store.broken.Store(true)
	s.post("/hooks/claude", calls("c-1")).is(503)
	s.store.broken.Store(false)
	s.restart()
	s.hooks(calls("c-1"))
	s.wantRecorded("session user tool_call")
}
