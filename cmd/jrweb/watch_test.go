package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/cmd/jrweb/internal/places"
	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/router/client"
)

// watchRoom is a home directory whose transcripts are watched, with a log in memory.
type watchRoom struct {
	*inMemory
	home string
	line *line
	privacy
	idle time.Duration
	open bool // secrets are not taken out
	// agents are those that are looked for: looking through more takes time.
	agents []string
	// terminal is where a person looks, nil for nobody.
	terminal io.Writer
}

// line is the connection to the log, which may be cut.
type line struct {
	transport http.RoundTripper
	cut       atomic.Bool
	before    func(*http.Request) // nil: nothing happens before a request
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, errors.New("the network is down")
	}
	if l.before != nil {
		l.before(r)
	}
	return l.transport.RoundTrip(r)
}

func newWatchRoom(t *testing.T, dir string) *watchRoom {
	m := newInMemory(t, dir)
	l := &line{transport: m.transport}
	c, err := client.New("http://localhost", &client.Options{Transport: l})
	if err != nil {
		t.Fatal(err)
	}
	m.to.server, m.to.client = spool.To(c), c
	return &watchRoom{inMemory: m, home: dir, line: l, idle: 2 * time.Minute, agents: []string{"claude", "codex"}}
}

// watcher makes one, with the note of what was seen.
func (r *watchRoom) watcher() *watcher {
	r.Helper()
	s, err := openSeen(filepath.Join(r.spool, "watch.seen"))
	if err != nil {
		r.Fatal(err)
	}
	w := newWatcher(r.to, r.spool, r.idle, s, r.privacy, !r.open, func(text string) { r.Log(text) })
	if err := w.checkSeen(r.Context()); err != nil && !r.line.cut.Load() {
		r.Fatal(err)
	}
	return w
}

// places are those of the room's agents.
func (r *watchRoom) places() []places.Place {
	r.Helper()
	all, err := places.Of(func(string) string { return "" }, r.home, nil)
	if err != nil {
		r.Fatal(err)
	}
	return slices.DeleteFunc(all, func(p places.Place) bool { return !slices.Contains(r.agents, p.Agent) })
}

// once is watch -once.
func (r *watchRoom) once() {
	r.Helper()
	w := r.watcher()
	if err := errors.Join(w.once(r.Context(), transcriptsIn(r.places()), func(int64, int64) {}), w.seen.close()); err != nil {
		r.Fatal(err)
	}
}

// watch watches while play lets things happen. It looks through the folders every two
// seconds.
func (r *watchRoom) watch(play func()) {
	r.Helper()
	w := r.watcher()
	l := newLivewatch(w, &progressBar{w: r.terminal, label: "watch", drawn: time.Now()}, func(found func(string, fs.FileInfo)) *notifier {
		return &notifier{places: r.places(), every: 2 * time.Second, warn: w.warn, found: found, unwatched: map[string]bool{}, known: map[string]fileState{}}
	})
	ctx, stop := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	play()
	stop()
	if err := errors.Join(<-ended, w.seen.close()); err != nil {
		r.Fatal(err)
	}
}

// sessions are those of a task, and what was said in each.
func (r *watchRoom) sessions(task string) (all []eventlog.SessionInfo, said [][]string) {
	r.Helper()
	if _, err := r.client.Task(r.Context(), task); hasStatus(err, 404) {
		return nil, nil
	}
	l := readTask(r.T, r.client, task)
	for _, events := range l.events {
		var words []string
		for _, e := range events {
			if e.Type == eventlog.TypeAssistant || e.Type == eventlog.TypeUser {
				words = append(words, contentOf(e.Data))
			}
		}
		said = append(said, words)
	}
	return l.sessions, said
}

// want checks what was said in each session of a task.
func (r *watchRoom) want(task string, want ...string) []eventlog.SessionInfo {
	r.Helper()
	sessions, said := r.sessions(task)
	var got []string
	for _, words := range said {
		got = append(got, strings.Join(words, " | "))
	}
	if !slices.Equal(got, want) {
		r.Errorf("%s has the sessions %q, not %q", task, got, want)
	}
	return sessions
}

const (
	aSession = "11111111-2222-4333-8444-555555555555"
	aTask    = "claude-code-" + aSession
)

// claudeFile is the transcript of a session of Claude Code.
func (r *watchRoom) claudeFile() string {
	return filepath.Join(r.home, ".claude", "projects", "-srv-app", aSession+".jsonl")
}

// asks and answers are lines of Claude Code, of now.
func asks(text string) string {
	return fmt.Sprintf(`{"parentUuid":null,"isSidechain":false,"cwd":"/srv/app","sessionId":%q,"version":"2.1.332","type":"user","message":{"role":"user","content":%q},"uuid":"u-%s","timestamp":%q}`+"\n",
		aSession, text, text, time.Now().UTC().Format(eventlog.TimeFormat))
}

func answers(text string) string {
	return fmt.Sprintf(`{"parentUuid":"u","isSidechain":false,"cwd":"/srv/app","sessionId":%q,"version":"2.1.332","type":"assistant","message":{"id":"m-%s","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":%q}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}},"uuid":"a-%s","timestamp":%q}`+"\n",
		aSession, text, text, text, time.Now().UTC().Format(eventlog.TimeFormat))
}

// writes adds text to a file, as an agent does, at the time of the bubble.
func (r *watchRoom) writes(path string, text ...string) {
	r.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.Fatal(err)
	}
	for _, part := range text {
		if _, err := f.WriteString(part); err != nil {
			r.Fatal(err)
		}
	}
	if err := errors.Join(f.Close(), os.Chtimes(path, time.Now(), time.Now())); err != nil {
		r.Fatal(err)
	}
}

// rewrites puts text in the place of what a file has.
func (r *watchRoom) rewrites(path string, text []byte) {
	r.Helper()
	write(r.T, path, text)
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		r.Fatal(err)
	}
}

// aMoment is long enough for a watch to see what happened. What comes next happens while
// the watch sleeps: until a file has the time of the bubble, it has the system's.
func aMoment() { time.Sleep(10*time.Second + 137*time.Millisecond) }

// inRoom runs a test in a bubble.
func inRoom(t *testing.T, test func(r *watchRoom)) {
	synctestRoom(t, t.TempDir(), test)
}

func synctestRoom(t *testing.T, dir string, test func(r *watchRoom)) {
	synctest.Test(t, func(t *testing.T) { test(newWatchRoom(t, dir)) })
}

func TestAWatchRecordsStretchesOfWork(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		r.writes(path, asks("old"), answers("older"))
		aRest()
		r.writes(path, asks("new"))
		time.Sleep(time.Minute)
		r.watch(func() {
			aMoment()
			sessions := r.want(aTask, "old | older", "new")
			if sessions[0].Status != eventlog.Succeeded || sessions[1].Status != eventlog.StatusOpen {
				r.Errorf("the sessions are %s and %s", sessions[0].Status, sessions[1].Status)
			}
			r.writes(path, answers("newer"))
			aMoment()
			r.want(aTask, "old | older", "new | newer")
			aRest()
			sessions = r.want(aTask, "old | older", "new | newer")
			if sessions[1].Status != eventlog.Succeeded {
				r.Errorf("after the rest the session is %s", sessions[1].Status)
			}
			if took := sessions[1].Ended.Sub(sessions[1].Started.Time); took > 2*time.Minute {
				r.Errorf("the session took %s: the rest counts", took)
			}
			r.writes(path, asks("again"))
			aRest()
			sessions = r.want(aTask, "old | older", "new | newer", "again")
			if sessions[2].Status != eventlog.Interrupted {
				r.Errorf("a question without an answer is %s", sessions[2].Status)
			}
		})
		task, err := r.client.Task(r.Context(), aTask)
		if err != nil || task.Title != "old" || task.Project != "app" || task.Totals.OutputTokens != 10 {
			r.Errorf("the task is %+v, %v", task, err)
		}
		if s, _ := r.sessions(aTask); s[0].Agent != "Claude Code" || s[0].Cwd != "/srv/app" || s[0].Machine == "" || s[0].ExternalID != aSession {
			r.Errorf("the session is %+v", s[0])
		}
		wantFiles(t, r.spool, "watch.seen")
	})
}

// What is at work stays open, for the one who goes on.
func TestWatchOnceAndWatchTakeTurns(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		path := r.claudeFile()
		r.writes(path, asks("a"), answers("b"))
		r.once()
		if s := r.want(aTask, "a | b"); s[0].Sealed() {
			r.Error("the session of an agent at work has ended")
		}
		r.once()
		time.Sleep(time.Minute)
		r.writes(path, asks("c"))
		r.watch(aMoment)
		r.want(aTask, "a | b | c")
		aRest()
		r.once()
		if s := r.want(aTask, "a | b | c"); !s[0].Sealed() {
			r.Error("the session of an agent that rests is open")
		}
		r.writes(path, answers("d"))
		aRest()
		r.once()
		r.once()
		r.want(aTask, "a | b | c", "d")
		wantFiles(r.T, r.spool, "watch.seen")
	})
}

// A backfill rests as long as it works. A person at a terminal sees how far it is, and
// nothing of it once it is over.
func TestABackfillRestsAndShowsHowFarItIs(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		for i := range 20 {
			id := fmt.Sprintf("%08d%s", i, aSession[8:])
			r.writes(filepath.Join(filepath.Dir(r.claudeFile()), id+".jsonl"), strings.ReplaceAll(asks("do")+answers("done"), aSession, id))
		}
		aRest()
		var mu sync.Mutex
		var requests, worked, took time.Duration // until the last transcript is opened
		began := time.Now()
		r.line.before = func(request *http.Request) {
			time.Sleep(barEvery) // the server takes its time
			mu.Lock()
			defer mu.Unlock()
			requests += barEvery
			if request.URL.Query().Has("external_id") { // it is opened
				worked, took = requests/openers, time.Since(began)
			}
		}
		var screen bytes.Buffer
		r.terminal = &screen
		r.watch(aRest)
		t.Logf("%s of work by each took %s", worked, took)
		if took < worked*3/2 {
			t.Errorf("%s of work took %s", worked, took)
		}
		drawn := strings.Split(screen.String(), "\r")
		reached := 0
		for _, line := range drawn[1 : len(drawn)-1] {
			var part int
			if _, err := fmt.Sscanf(line[strings.LastIndex(line, "]")+1:], "%d %%", &part); err != nil || !strings.HasPrefix(line, "watch [") || part < reached {
				t.Errorf("it draws %q after %d %%", line, reached)
			}
			reached = part
		}
		if len(drawn) < 5 || reached < 80 || drawn[len(drawn)-1] != "\x1b[K" {
			t.Errorf("it draws %q", drawn)
		}
	})
}

// However a file changes its place or its form, what it tells is told once.
func TestAFileThatChangesIsTheSameRun(t *testing.T) {
	pack := func(text []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(r *watchRoom, path string){
		"half a line": func(r *watchRoom, path string) {
			line := answers("c")
			r.writes(path, line[:40])
			aMoment()
			r.writes(path, line[40:])
		},
		"written anew, with more": func(r *watchRoom, path string) {
			r.rewrites(path, append(readFileOf(r.T, path), answers("c")...))
		},
		"written anew, in another order of keys": func(r *watchRoom, path string) {
			text := bytes.Replace(readFileOf(r.T, path), []byte(`{"parentUuid":null,"isSidechain":false,`), []byte(`{"isSidechain":false,"parentUuid":null,`), 1)
			r.rewrites(path, append(text, answers("c")...))
		},
		"cut off, and filled again": func(r *watchRoom, path string) {
			text := readFileOf(r.T, path)
			r.rewrites(path, text[:len(text)/2])
			aMoment()
			r.rewrites(path, append(text, answers("c")...))
		},
		"emptied, and filled again": func(r *watchRoom, path string) {
			text := readFileOf(r.T, path)
			r.rewrites(path, nil)
			aMoment()
			r.rewrites(path, append(text, answers("c")...))
		},
		"replaced by another file": func(r *watchRoom, path string) {
			r.rewrites(path+".new", append(readFileOf(r.T, path), answers("c")...))
			must(os.Rename(path+".new", path))
		},
		"moved": func(r *watchRoom, path string) {
			to := filepath.Join(filepath.Dir(filepath.Dir(path)), "-srv-other", filepath.Base(path))
			must(os.MkdirAll(filepath.Dir(to), 0o700))
			must(os.Rename(path, to))
			aMoment()
			r.writes(to, answers("c"))
		},
		"moved with more": func(r *watchRoom, path string) {
			to := filepath.Join(filepath.Dir(filepath.Dir(path)), "-srv-other", filepath.Base(path))
			must(os.MkdirAll(filepath.Dir(to), 0o700))
			r.writes(path, answers("c"))
			must(os.Rename(path, to))
		},
		"packed": func(r *watchRoom, path string) {
			r.rewrites(path+".gz", pack(append(readFileOf(r.T, path), answers("c")...)))
			must(os.Remove(path))
		},
		"packed, and goes on": func(r *watchRoom, path string) {
			r.rewrites(path+".gz", pack(readFileOf(r.T, path)))
			aMoment()
			r.writes(path, answers("c"))
		},
		"copied": func(r *watchRoom, path string) {
			r.rewrites(filepath.Join(filepath.Dir(filepath.Dir(path)), "-copy", filepath.Base(path)), readFileOf(r.T, path))
			aMoment()
			r.writes(path, answers("c"))
		},
		"removed at once": func(r *watchRoom, path string) {
			r.writes(path, answers("c"))
			aMoment()
			must(os.Remove(path))
		},
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarts=%t", name, restarts), func(t *testing.T) {
				inRoom(t, func(r *watchRoom) {
					path := r.claudeFile()
					if restarts {
						r.watch(func() { r.writes(path, asks("a"), answers("b")); aMoment() })
						r.watch(func() { change(r, path); aMoment() })
						r.watch(func() { aRest() })
					} else {
						r.watch(func() {
							r.writes(path, asks("a"), answers("b"))
							aMoment()
							change(r, path)
							aRest()
						})
					}
					sessions := r.want(aTask, "a | b | c")
					if len(sessions) == 1 && !sessions[0].Sealed() {
						r.Error("the session is open")
					}
					wantFiles(t, r.spool, "watch.seen")
				})
			})
		}
	}
}

func contentOf(data []byte) string {
	var d struct{ Content string }
	_ = json.Unmarshal(data, &d)
	return d.Content
}

// aRest is longer than an agent rests in one session.
func aRest() { time.Sleep(5*time.Minute + 137*time.Millisecond) }

// An agent that says that it ends is not waited for, and one that goes on begins another
// session.
func TestASessionEndsWhenItsAgentSaysSo(t *testing.T) {
	inRoom(t, func(r *watchRoom) {
		r.agents = []string{"copilot"}
		path := filepath.Join(r.home, ".copilot", "session-state", "cp-1", "events.jsonl")
		n := 0
		tells := func(kind, data string) {
			n++
			r.writes(path, fmt.Sprintf(`{"type":%q,"data":%s,"id":"e-%d","timestamp":%q,"parentId":null}`+"\n", kind, data, n, time.Now().UTC().Format(eventlog.TimeFormat)))
		}
		const works = `{"sessionId":"cp-1","version":1,"copilotVersion":"1.0.77","context":{"cwd":"/srv/app"}}`
		r.watch(func() {
			tells("session.start", works)
			tells("user.message", `{"content":"a"}`)
			tells("assistant.message", `{"messageId":"m-1","content":"b"}`)
			aMoment()
			aMoment()
			if s := r.want("copilot-cli-cp-1", "a | b"); s[0].Sealed() {
				t.Error("the session of an agent that rests for a moment has ended")
			}
			tells("session.shutdown", `{"shutdownType":"routine","modelMetrics":{}}`)
			aMoment()
			aMoment()
			if s := r.want("copilot-cli-cp-1", "a | b"); s[0].Status != eventlog.Succeeded {
				t.Errorf("the session of an agent that has ended is %s", s[0].Status)
			}
			tells("session.resume", works)
			tells("user.message", `{"content":"c"}`)
			aMoment()
			aMoment()
			if s := r.want("copilot-cli-cp-1", "a | b", "c"); len(s) == 2 && s[1].Sealed() {
				t.Error("the session of an agent that goes on has ended")
			}
		})
	})
}
