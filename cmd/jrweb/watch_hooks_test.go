package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
)

// hookedAgent is a Claude Code that tells its hooks what it does, and keeps a transcript.
type hookedAgent struct {
	*watchRoom
	path  string
	calls int
	deaf  bool          // it has no hooks
	late  time.Duration // how much its clock is behind that of the log
}

func (r *watchRoom) agent() *hookedAgent { return &hookedAgent{watchRoom: r, path: r.claudeFile()} }

func (a *hookedAgent) hook(event, fields string) {
	a.Helper()
	if a.deaf {
		return
	}
	body := fmt.Sprintf(`{"session_id":%q,"cwd":"/srv/app","prompt_id":"p-%d","hook_event_name":%q%s}`, aSession, a.calls, event, fields)
	request, err := http.NewRequestWithContext(a.Context(), http.MethodPost, "http://localhost/hooks/claude", strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	answer, err := a.transport.RoundTrip(request)
	if err != nil {
		a.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != http.StatusOK {
		a.Fatalf("the hook %s was answered %s", body, answer.Status)
	}
}

// line writes a line of the transcript, of now.
func (a *hookedAgent) line(kind, message string) {
	a.Helper()
	a.calls++
	a.writes(a.path, fmt.Sprintf(`{"parentUuid":null,"isSidechain":false,"cwd":"/srv/app","sessionId":%q,"version":"2.1.332","type":%q,"message":%s,"uuid":"u-%d","timestamp":%q}`+"\n",
		aSession, kind, message, a.calls, time.Now().Add(-a.late).UTC().Format(eventlog.TimeFormat)))
}

func (a *hookedAgent) message(content, stop string) {
	a.Helper()
	a.line("assistant", fmt.Sprintf(`{"id":"m-%d","type":"message","role":"assistant","model":"claude-opus-4-5","content":[%s],"stop_reason":%q,"usage":{"input_tokens":10,"output_tokens":5}}`, a.calls, content, stop))
}

// asked is a person's prompt. The hook hears of it first.
func (a *hookedAgent) asked(text string) {
	a.Helper()
	a.hook("UserPromptSubmit", fmt.Sprintf(`,"prompt":%q`, text))
	a.line("user", fmt.Sprintf(`{"role":"user","content":%q}`, text))
	time.Sleep(100 * time.Millisecond)
}

// works says something, makes a call, and gets its result.
func (a *hookedAgent) works() {
	a.Helper()
	id := fmt.Sprintf("toolu-%d", a.calls)
	a.message(fmt.Sprintf(`{"type":"text","text":"I look %s. "}`, id), "tool_use")
	a.message(fmt.Sprintf(`{"type":"tool_use","id":%q,"name":"Bash","input":{"command":"ls"}}`, id), "tool_use")
	a.hook("PreToolUse", fmt.Sprintf(`,"tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":%q`, id))
	time.Sleep(time.Second)
	a.hook("PostToolUse", fmt.Sprintf(`,"tool_name":"Bash","tool_use_id":%q,"tool_response":{"stdout":"a.txt","stderr":"b"}`, id))
	a.line("user", fmt.Sprintf(`{"role":"user","content":[{"type":"tool_result","tool_use_id":%q,"content":"as the agent saw it"}]}`, id))
}

func (a *hookedAgent) rested(text string) {
	a.Helper()
	a.message(fmt.Sprintf(`{"type":"text","text":"%s "}`, text), "end_turn")
	a.hook("Stop", fmt.Sprintf(`,"last_assistant_message":%q`, text))
}

func (a *hookedAgent) exits() { a.Helper(); a.hook("SessionEnd", `,"reason":"other"`) }

// turn is all of that.
func (a *hookedAgent) turn(prompt string) {
	a.Helper()
	a.asked(prompt)
	a.works()
	a.works()
	a.rested("Done with " + prompt + ".")
}

// told counts what is told in a task.
func (r *watchRoom) told(task string) map[string]int {
	r.Helper()
	told := map[string]int{}
	for _, events := range readTask(r.T, r.client, task).events {
		for _, e := range events {
			var d struct {
				Content, ID string
				CallID      string `json:"call_id"`
			}
			if err := json.Unmarshal(e.Data, &d); err != nil {
				r.Fatal(err)
			}
			if e.Type != eventlog.TypeSession && e.Type != eventlog.TypeComplete {
				told[e.Type+" "+strings.TrimSpace(d.Content)+d.ID+d.CallID]++
			}
		}
	}
	return told
}

// wantAll checks that the task has each event of the transcript once.
func (a *hookedAgent) wantAll() []eventlog.SessionInfo {
	a.Helper()
	a.imports("imported", a.path)
	settle()
	want, got := a.told("imported"), a.told(aTask)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			a.Errorf("%q is recorded %d times, not %d", name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if want[name] == 0 {
			a.Errorf("%q is recorded %d times, and does not stand in the transcript", name, got[name])
		}
	}
	if len(want) < 5 {
		a.Errorf("the transcript tells little: %v", want)
	}
	return readTask(a.T, a.client, aTask).sessions
}

// forgets removes all that the watch knows.
func (r *watchRoom) forgets() {
	r.Helper()
	if err := os.RemoveAll(r.spool); err != nil {
		r.Fatal(err)
	}
}

// Each event is recorded once, and nothing is lost, no matter who is first.
func TestHooksAndAWatchRecordEachEventOnce(t *testing.T) {
	for name, c := range map[string]struct {
		play     func(a *hookedAgent)
		sessions int
	}{
		"only the watch": {func(a *hookedAgent) {
			a.deaf = true
			a.watch(func() { a.turn("a"); aRest() })
		}, 1},
		"both from the start": {func(a *hookedAgent) {
			a.watch(func() {
				a.asked("a")
				aMoment()
				a.works()
				aMoment()
				a.rested("Done.")
				a.turn("b")
				aRest()
			})
		}, 1},
		"all before the watch looks": {func(a *hookedAgent) { a.watch(func() { a.turn("a"); aRest() }) }, 1},
		"a run that is over before the watch looks": {func(a *hookedAgent) {
			a.watch(func() { a.asked("a"); a.rested("b"); a.exits(); aRest() })
			a.asked("c")
			a.works()
			a.exits()
			a.watch(aRest)
		}, 4},
		"the watch comes in the middle": {func(a *hookedAgent) {
			a.turn("a")
			a.asked("b")
			a.watch(func() {
				aMoment()
				a.works()
				a.rested("Done.")
				a.exits()
				aRest()
			})
		}, 1},
		"the watch comes after the end": {func(a *hookedAgent) {
			a.turn("a")
			a.turn("b")
			a.exits()
			a.watch(aRest)
		}, 2},
		"the watch comes when the hooks have been silent": {func(a *hookedAgent) {
			a.turn("a")
			time.Sleep(time.Hour)
			a.watch(aRest)
		}, 2},
		"a thread with a past that nobody has recorded": {func(a *hookedAgent) {
			a.deaf = true
			a.turn("yes")
			time.Sleep(3 * time.Hour)
			a.deaf = false
			a.turn("yes")
			a.watch(func() { aMoment(); a.turn("yes"); aRest() })
		}, 2},
		"the watch is away for a while": {func(a *hookedAgent) {
			a.watch(func() { a.asked("a"); aMoment(); a.works() })
			a.works()
			a.watch(func() { aMoment(); a.rested("Done."); aRest() })
		}, 1},
		"the watch loses what it knows": {func(a *hookedAgent) {
			a.watch(func() { a.asked("a"); aMoment(); a.works(); aMoment() })
			a.forgets()
			a.works()
			time.Sleep(time.Hour)
			a.watch(aRest)
			a.forgets()
			a.watch(aRest)
		}, 2},
		"everybody forgets what was recorded": {func(a *hookedAgent) {
			a.watch(func() { a.asked("a"); aMoment(); a.works(); a.rested("Done."); aRest() })
			a.forgets()
			a.watch(aRest)
		}, 1},
		"everybody forgets, and clocks differ": {func(a *hookedAgent) {
			a.late = 20 * time.Second
			a.watch(func() { a.asked("a"); aMoment(); a.works(); a.rested("Done."); aRest() })
			a.forgets()
			a.watch(aRest)
		}, 1},
		"the next stretch": {func(a *hookedAgent) {
			a.watch(func() {
				a.turn("a")
				aRest()
				a.turn("b")
				aRest()
			})
		}, 2},
		"the network is down for a while": {func(a *hookedAgent) {
			a.watch(func() {
				a.asked("a")
				aMoment()
				a.withoutLog(func() { a.deaf = true; a.works(); a.deaf = false; aMoment() })
				a.works()
				a.rested("Done.")
				aRest()
			})
		}, 1},
		"only once": {func(a *hookedAgent) {
			a.turn("a")
			a.once()
			a.works()
			a.once()
			a.rested("Done.")
			a.exits()
			aRest()
			a.once()
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inRoom(t, func(r *watchRoom) {
				a := r.agent()
				c.play(a)
				if sessions := a.wantAll(); len(sessions) != c.sessions {
					t.Errorf("there are %d sessions, not %d: %+v", len(sessions), c.sessions, sessions)
				}
			})
		})
	}
}

// withoutLog lets something happen while the watch cannot reach its log.
func (a *hookedAgent) withoutLog(play func()) {
	a.watchRoom.line.cut.Store(true)
	play()
	a.watchRoom.line.cut.Store(false)
}

// The same words of another time are others.
func TestWhatHooksToldIsOfItsTime(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		a := r.agent()
		a.deaf = true
		a.asked("yes")
		a.rested("Done.")
		time.Sleep(3 * time.Hour)
		a.deaf = false
		a.asked("yes")
		r.watch(func() { aMoment(); a.rested("Done."); aRest() })
		r.want(aTask, "yes | Done. ", "yes | Done. ")
	})
}

func TestTheFirstWhoGoesOnWithASessionOfHooksHasIt(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		r.agent().asked("a")
		sessions, _ := r.sessions(aTask)
		run := func(id string) spool.Run {
			return spool.Run{ID: id, Task: aTask, Join: sessions[0].ID, Cwd: "/srv/app", Project: "repository"}
		}
		for range 2 { // also when it asks again
			if id, err := r.to.server.Start(r.Context(), run("one"), ""); err != nil || id != sessions[0].ID {
				r.Fatal(id, err)
			}
		}
		if _, err := r.to.server.Start(r.Context(), run("two"), ""); !errors.Is(err, spool.ErrRecorded) {
			r.Errorf("the second one gets %v", err)
		}
		if task, err := r.client.Task(r.Context(), aTask); err != nil || task.Project != "repository" {
			r.Errorf("the project is %q: %v", task.Project, err)
		}
		r.ends(aTask, sessions[0].ID)
		if _, err := r.to.server.Start(r.Context(), run("three"), ""); !errors.Is(err, spool.ErrRecorded) {
			r.Errorf("who goes on with a session that has ended gets %v", err)
		}
	})
}

// Two watches of a shared home see the same hooks: one of them goes on with the session.
func TestOneOfTwoWatchesGoesOnWithASessionOfHooks(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		other := *r
		other.inMemory = &inMemory{r.T, r.transport, r.client, r.to, filepath.Join(r.home, "other")}
		a := r.agent()
		r.watch(func() {
			other.watch(func() {
				a.asked("a")
				aMoment()
				a.works()
				a.rested("Done.")
				aRest()
			})
			aRest()
		})
		if sessions := a.wantAll(); len(sessions) != 1 {
			t.Errorf("there are %d sessions", len(sessions))
		}
	})
}

// Secrets are the same words to both, whether the server takes them out or the watch does.
func TestASecretThatHooksToldIsNotToldAgain(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		a := r.agent()
		r.watch(func() {
			a.asked("the token is ghp_abcdefghijklmnopqrstuvwxyz0123456789")
			aMoment()
			a.rested("Done.")
			aRest()
		})
		if n := len(slices.Collect(maps.Keys(r.told(aTask)))); n != 3 { // the prompt, the answer and its cost
			t.Errorf("there are %d events: %v", n, r.told(aTask))
		}
	})
}

// The settings are read by a program that is not ours: its names and its limits are.
func TestTheSettingsOfHooksNameWhatTheServerTakes(t *testing.T) {
	text, err := json.Marshal(settingsOfHooks("https://jr.example.org/"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"hooks":[{"type":"http","url":"https://jr.example.org/hooks/claude","timeout":2,` +
		`"headers":{"Authorization":"Bearer $JRWEB_TOKEN","Jrweb-Machine":"$HOSTNAME","Jrweb-Run":"$JRWEB_RUN"},` +
		`"allowedEnvVars":["JRWEB_TOKEN","JRWEB_RUN","HOSTNAME"]}]}]`
	for _, event := range hookEvents {
		if !strings.Contains(string(text), fmt.Sprintf("%q:%s", event, want)) {
			t.Errorf("%s is not told as %s, but in\n%s", event, want, text)
		}
	}
}
