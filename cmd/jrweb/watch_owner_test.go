package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/eventlog"
	"jrweb/router/client"
)

// runs starts a session of somebody else for the agent's thread.
func (r *watchRoom) runs(task string) eventlog.SessionID {
	r.Helper()
	info, err := r.client.Start(r.Context(), task, client.Start{Agent: "Claude Code", ExternalID: aSession, Lease: time.Hour})
	if err != nil {
		r.Fatal(err)
	}
	return info.ID
}

func (r *watchRoom) ends(task string, id eventlog.SessionID) {
	r.Helper()
	if _, err := r.client.Complete(r.Context(), task, id, client.Complete{}); err != nil {
		r.Fatal(err)
	}
}

func TestWhatSomebodyElseRecordsIsNotWatched(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		run := r.runs("mine")
		r.watch(func() {
			time.Sleep(time.Second)
			r.writes(path, asks("a"), answers("b"))
			aMoment()
			r.want(aTask)
			r.ends("mine", run)
			time.Sleep(time.Minute)
			r.want(aTask)
			r.writes(path, asks("c"))
			aMoment()
			r.want(aTask, "c")
		})
		// Nor when nobody remembers what was seen.
		if err := os.Remove(filepath.Join(r.spool, "watch.seen")); err != nil {
			r.Fatal(err)
		}
		r.watch(func() {
			aMoment()
			r.writes(path, answers("d"))
			aRest()
			r.want(aTask, "c | d")
		})
	})
}

// Who comes first is decided by the log, in one step.
func TestWhoStartsFirstRecords(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		var mu sync.Mutex
		var run eventlog.SessionID
		r.line.before = func(request *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "/sessions") && run.IsZero() {
				info, err := r.client.Start(r.Context(), "mine", client.Start{
					Agent: "Claude Code", ExternalID: aSession, Started: time.Now().Add(-time.Minute), Lease: time.Hour,
				})
				if err != nil {
					r.Error(err)
				}
				run = info.ID
			}
		}
		r.watch(func() {
			r.writes(path, asks("a"), answers("b"))
			aMoment()
			mu.Lock()
			started := run
			mu.Unlock()
			if started.IsZero() {
				r.Fatal("the watch has started nothing")
			}
			r.want(aTask)
			r.ends("mine", started)
			time.Sleep(time.Minute)
			r.writes(path, asks("c"))
			aRest()
			r.want(aTask, "c")
		})
		wantFiles(t, r.spool, "watch.seen")
	})
}

// Two machines may share a home directory. Their watches have spools of their own.
func TestTwoWatchesOfOneHomeRecordOnce(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		other := *r
		other.inMemory = &inMemory{r.T, r.transport, r.client, r.to, filepath.Join(r.home, "other")}
		path := r.claudeFile()
		r.watch(func() {
			r.writes(path, asks("a"), answers("b"))
			aMoment()
			other.watch(func() {
				aMoment()
				r.writes(path, asks("c"))
				aMoment()
				r.want(aTask, "a | b | c")
			})
			r.writes(path, answers("d"))
			aRest()
		})
		r.want(aTask, "a | b | c | d")
		// The other one goes on later.
		other.watch(func() {
			r.writes(path, asks("e"), answers("f"))
			aRest()
		})
		r.want(aTask, "a | b | c | d", "e | f")
	})
}

// A watch that dies leaves its session open. If that ends before the watch is back, the
// rest is another session.
func TestASessionThatEndedMeanwhileIsGoneOnWith(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		r.watch(func() { r.writes(path, asks("a"), answers("b")); aMoment() })
		sessions, _ := r.sessions(aTask)
		r.ends(aTask, sessions[0].ID)
		time.Sleep(time.Second)
		r.writes(path, asks("c"))
		r.watch(func() { aMoment(); r.writes(path, answers("d")); aRest() })
		r.want(aTask, "a | b", "c | d")
	})
}

// A person who ends a session that is only watched stops no agent: what it goes on with is
// recorded as well.
func TestAPersonWhoEndsASessionEndsNoWatch(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		r.watch(func() {
			r.writes(path, asks("a"), answers("b"))
			aMoment()
			sessions, _ := r.sessions(aTask)
			if _, err := r.client.Complete(r.Context(), aTask, sessions[0].ID, client.Complete{Status: eventlog.Canceled}); err != nil {
				r.Fatal(err)
			}
			time.Sleep(time.Second)
			r.writes(path, asks("c"), answers("d"))
			aRest()
		})
		r.want(aTask, "a | b", "c | d")
		wantFiles(t, r.spool, "watch.seen")
	})
}

// While the log is away, what agents do waits on the disk, also if they remove it.
func TestAWatchGoesOnWithoutItsLog(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		r.watch(func() {
			r.writes(path, asks("a"), answers("b"))
			aMoment()
			r.line.cut.Store(true)
			r.writes(path, asks("c"))
			aMoment()
			if err := os.Remove(path); err != nil {
				r.Fatal(err)
			}
			aRest()
			r.want(aTask, "a | b")
		})
		r.watch(func() { // a new process, and nobody answers
			aMoment()
			r.line.cut.Store(false)
			aRest()
			aRest()
		})
		sessions := r.want(aTask, "a | b | c")
		if !sessions[0].Sealed() {
			r.Error("the session is open")
		}
		wantFiles(t, r.spool, "watch.seen")
	})
}

// A log that is another one by now gets everything.
func TestANewLogGetsAllThatIsThere(t *testing.T) {
	dir := t.TempDir()
	synctestRoom(t, dir, func(r *watchRoom) {
		r.writes(r.claudeFile(), asks("a"), answers("b"))
		r.watch(aRest)
		r.want(aTask, "a | b")
	})
	synctestRoom(t, dir, func(r *watchRoom) {
		r.watch(aRest)
		r.want(aTask, "a | b")
	})
}

func TestSubagentsAreWatchedAsWell(t *testing.T) {
	inputs := filepath.Join(inputsFolder, "claude-disk-subagents")
	text := readInput(t, filepath.Join("claude-disk-subagents", aSession+".jsonl"))
	below := filepath.Join(aSession, "subagents", "agent-ab12cd34.jsonl")
	agent := readFileOf(t, filepath.Join(inputs, below))
	meta := readFileOf(t, filepath.Join(inputs, strings.TrimSuffix(below, ".jsonl")+".meta.json"))
	for name, play := range map[string]func(r *watchRoom, main, sub string){
		"all at once": func(r *watchRoom, main, sub string) {
			r.rewrites(strings.TrimSuffix(sub, ".jsonl")+".meta.json", meta)
			r.rewrites(sub, agent)
			r.rewrites(main, text)
		},
		"while it works": func(r *watchRoom, main, sub string) {
			r.writes(main, string(firstLines(text, 2)))
			aMoment()
			r.rewrites(strings.TrimSuffix(sub, ".jsonl")+".meta.json", meta)
			r.writes(sub, string(firstLines(agent, 1)))
			aMoment()
			r.writes(sub, string(agent[len(firstLines(agent, 1)):]))
			aMoment()
			r.writes(main, string(text[len(firstLines(text, 2)):]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRoom(t, func(r *watchRoom) {
				main := r.claudeFile()
				r.watch(func() {
					play(r, main, filepath.Join(filepath.Dir(main), below))
					aRest()
				})
				r.imports("imported", main)
				settle()
				watched, imported := readTask(t, r.client, aTask), readTask(t, r.client, "imported")
				if len(watched.sessions) != 1 || len(watched.events[0]) != len(imported.events[0]) || watched.sessions[0].Status != imported.sessions[0].Status {
					r.Fatalf("watched: %s, imported: %s", types(watched.events[0]), types(imported.events[0]))
				}
				nested := func(l *logged) (n int) {
					for _, e := range l.events[0] {
						if strings.Contains(string(e.Data), `"parent_call_id"`) {
							n++
						}
					}
					return n
				}
				if nested(watched) == 0 || nested(watched) != nested(imported) {
					r.Errorf("%d events are nested, of an import %d", nested(watched), nested(imported))
				}
			})
		})
	}
}

func TestWhatIsPrivateIsNotRecorded(t *testing.T) {
	const secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
	for name, c := range map[string]struct {
		prepare func(r *watchRoom, cwd string)
		want    []string
	}{
		"nothing is said":       {func(*watchRoom, string) {}, []string{"the token is [redacted:github-token] | ok"}},
		"secrets are wanted":    {func(r *watchRoom, _ string) { r.open = true }, []string{"the token is " + secret + " | ok"}},
		"a file of its folder":  {func(r *watchRoom, _ string) { r.exclude = []string{"-srv-*"} }, nil},
		"a folder above it":     {func(r *watchRoom, _ string) { r.exclude = []string{r.home + "/.claude"} }, nil},
		"its working directory": {func(r *watchRoom, cwd string) { r.exclude = []string{filepath.Dir(cwd) + "/*"} }, nil},
		"something else":        {func(r *watchRoom, _ string) { r.exclude = []string{"other", "/srv/app/x"} }, []string{"the token is [redacted:github-token] | ok"}},
		"its project":           {func(r *watchRoom, _ string) { r.only = []string{"app", "b"} }, []string{"the token is [redacted:github-token] | ok"}},
		"another project":       {func(r *watchRoom, _ string) { r.only = []string{"b"} }, nil},
		"a mark in it":          {func(r *watchRoom, cwd string) { r.writes(filepath.Join(cwd, ignoreMark)) }, nil},
		"a mark above it":       {func(r *watchRoom, cwd string) { r.writes(filepath.Join(filepath.Dir(cwd), ignoreMark)) }, nil},
		"a project of a repository": {func(r *watchRoom, cwd string) {
			r.writes(filepath.Join(filepath.Dir(cwd), ".git", "HEAD"))
			r.only = []string{"srv"}
		}, []string{"the token is [redacted:github-token] | ok"}},
		"not that of its repository": {func(r *watchRoom, cwd string) {
			r.writes(filepath.Join(filepath.Dir(cwd), ".git", "HEAD"))
			r.only = []string{"app"}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inRoom(t, func(r *watchRoom) {
				cwd := filepath.Join(r.home, "srv", "app")
				c.prepare(r, cwd)
				in := func(line string) string { return strings.ReplaceAll(line, `"/srv/app"`, fmt.Sprintf("%q", cwd)) }
				r.writes(r.claudeFile(), in(asks("the token is "+secret)), in(answers("ok")))
				r.watch(aMoment)
				r.want(aTask, c.want...)
			})
		})
	}
}

// Whose agents they are is told by the tokens of the watches. Where nobody signs in, nobody
// is named.
func TestAWatchSaysWhoseAgentsTheyAre(t *testing.T) {
	tokens := map[string]string{"ann": strings.Repeat("a", 32), "ben": strings.Repeat("b", 32), "boss": strings.Repeat("c", 32)}
	file := write(t, filepath.Join(t.TempDir(), "tokens"), fmt.Appendf(nil, "ann:write:%s\nben:write:%s\nboss:read:%s\n", tokens["ann"], tokens["ben"], tokens["boss"]))
	for _, variable := range places.Variables() {
		t.Setenv(variable, "")
	}
	for name, s := range map[string]running{"tokens": startServe(t, "-token-file", file), "none": startServe(t)} {
		for n, person := range []string{"ann", "ben"} {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("JRWEB_TOKEN", tokens[person])
			session := fmt.Sprintf("0000000%d-2222-4333-8444-555555555555", n)
			text := strings.ReplaceAll(asks("for "+person)+answers("ok "+person), aSession, session)
			write(t, filepath.Join(home, ".claude", "projects", "-srv-app", session+".jsonl"), []byte(text))
			if code := run(t.Context(), []string{"watch", "-once", "-url", s.url, "-spool", filepath.Join(home, "spool")}, strings.NewReader(""), t.Output(), t.Output()); code != 0 {
				t.Fatalf("watch ends with %d", code)
			}
		}
		c, err := client.New(s.url, &client.Options{Token: tokens["boss"]})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for task, err := range c.Tasks(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[task.Title] = task.Owner
		}
		want := map[string]string{"for ann": "ann", "for ben": "ben"}
		if name == "none" {
			want = map[string]string{"for ann": "", "for ben": ""}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: the tasks and whose they are: %q, not %q", name, got, want)
		}
	}
}
