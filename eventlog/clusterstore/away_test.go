package clusterstore_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jrweb/internal/natstest"
)

// asker asks servers as clients do.
type asker struct {
	*testing.T
	servers []*process
	path    string // of the session
}

// request asks one of the servers, and returns the status and the kind of a problem.
func (a *asker) request(p *process, path, key, body string) (status int, problem string) {
	r, err := http.NewRequestWithContext(a.Context(), http.MethodPost, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		a.Error(err)
		return 0, ""
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		a.Error(err)
		return 0, ""
	}
	defer answer.Body.Close()
	var said struct{ Type string }
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		a.Error(err)
	}
	return answer.StatusCode, strings.TrimPrefix(said.Type, "urn:jrweb:problem:")
}

// read reads a stream, and tells each content of an event. It ends with the stream.
func (a *asker) read(p *process) <-chan string {
	a.Helper()
	answer, err := p.client.Get("http://localhost" + a.path[:strings.Index(a.path, "/sessions/")] + "/events/stream")
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { answer.Body.Close() })
	contents := make(chan string, 1000)
	go func() {
		defer close(contents)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				var said struct{ Content string }
				_ = json.Unmarshal([]byte(data), &said) // another event has no content
				contents <- said.Content
			}
		}
	}()
	return contents
}

// While the engine is away, a server answers 503 to what it cannot commit, and says whether that may
// be there; streams stay open. Then streams go on, what was repeated with a key is there once, what
// was not known once at most, and what was not committed is not there.
func TestStreamsGoOnAfterTheEngineWasAway(t *testing.T) {
	least := time.Duration(0) // how long it is away: each server says so once
	if os.Getenv("JRWEB_TORTURE") != "" {
		least = 30 * time.Second // a stream has a heartbeat and a client many tries
	}
	for name, away := range map[string]func(*natstest.Server) (back func()){
		"it stands still": func(s *natstest.Server) func() { s.Stop(); return s.Continue },
		"it is killed":    func(s *natstest.Server) func() { s.Kill(); return s.Restart },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			engine := natstest.Start(t)
			a := &asker{T: t}
			for range 2 {
				a.servers = append(a.servers, newProcess(t, natstest.Place{}, engine.URL, 1))
			}
			r, err := a.servers[0].client.Post("http://localhost/tasks/t-1/sessions", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			var started struct{ ID string }
			err = json.NewDecoder(r.Body).Decode(&started)
			r.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			a.path = "/tasks/t-1/sessions/" + started.ID
			say := func(p *process, content, key string) (int, string) {
				return a.request(p, a.path+"/events", key, fmt.Sprintf(`{"type":"assistant","data":{"content":%q}}`, content))
			}
			if status, problem := say(a.servers[1], "before", ""); status != http.StatusOK {
				t.Fatalf("before: %d %s", status, problem)
			}
			streams := []<-chan string{a.read(a.servers[0]), a.read(a.servers[1])}
			for _, s := range streams {
				wantEqual(t, "the first event", <-s, "before")
			}

			back := away(engine)
			began := time.Now()
			var mu sync.Mutex
			want, unknown := []string{"before"}, []string{}
			var repeating, asking sync.WaitGroup
			for i, p := range a.servers {
				repeating.Go(func() {
					content := fmt.Sprintf("repeated at %d", i)
					for until := began.Add(least + patience); ; {
						status, problem := say(p, content, fmt.Sprint("key-", i))
						switch {
						case status == http.StatusOK:
							mu.Lock()
							defer mu.Unlock()
							want = append(want, content)
							return
						case status != http.StatusServiceUnavailable || time.Now().After(until):
							t.Errorf("%s: %d %s", content, status, problem)
							return
						}
					}
				})
				asking.Go(func() {
					for n := 0; n == 0 || time.Since(began) < least; n++ {
						content := fmt.Sprintf("try %d at %d", n, i)
						status, problem := say(p, content, "")
						if status != http.StatusServiceUnavailable || problem != "unsettled" && problem != "not_committed" {
							t.Errorf("%s: %d %s", content, status, problem)
						}
						if mu.Lock(); problem == "unsettled" {
							unknown = append(unknown, content)
						}
						mu.Unlock()
					}
				})
			}
			asking.Wait()
			for i, s := range streams {
				select {
				case content, open := <-s:
					t.Errorf("meanwhile stream %d tells of %q, open: %t", i, content, open)
				default:
				}
			}
			back()
			repeating.Wait()
			for until := time.Now().Add(patience); ; {
				status, problem := say(a.servers[1], "after", "after")
				if status == http.StatusOK {
					break
				}
				if time.Now().After(until) {
					t.Fatalf("after: %d %s", status, problem)
				}
			}
			want = append(want, "after")
			var seen [2][]string
			for i, s := range streams {
				for content, open := "before", true; content != "after"; seen[i] = append(seen[i], content) {
					select {
					case content, open = <-s:
					case <-time.After(patience):
						t.Fatalf("stream %d tells nothing more after %q", i, seen[i])
					}
					if !open {
						t.Fatalf("stream %d has ended after %q", i, seen[i])
					}
				}
			}
			if !slices.Equal(seen[0], seen[1]) {
				t.Errorf("one stream told of %q, the other of %q", seen[0], seen[1])
			}
			all := append([]string{"before"}, seen[0]...)
			known := slices.DeleteFunc(slices.Clone(all), func(content string) bool { return slices.Contains(unknown, content) })
			if slices.Sort(known); !slices.Equal(known, slices.Sorted(slices.Values(want))) {
				t.Errorf("there is %q, want %q, and perhaps some of %q", all, want, unknown)
			}
			if sorted := slices.Sorted(slices.Values(all)); len(slices.Compact(sorted)) != len(all) {
				t.Errorf("something is there twice: %q", all)
			}
		})
	}
}
