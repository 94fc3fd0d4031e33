package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog/dbfile"
)

// killRun is a task that many append to and many follow, while its server is
// killed, or loses its disk, and is started again.
type killRun struct {
	task     string
	padding  int  // bytes in each event, so that the file grows
	mayBreak bool // the storage may fail before the server is killed

	mu           sync.Mutex
	changed      sync.Cond // of what follows
	life         int       // how often the server has started
	dark         bool      // the power is being cut: what comes now, nobody would hear
	url          string    // of this life
	client       *http.Client
	last         bool              // this life is the last one: nobody appends anything new
	sent         map[string]bool   // contents
	acknowledged map[uint64]string // by sequence
	session      string
	replayed     int
	round        int // appends that were acknowledged since the last kill
}

func newKillRun(task string) *killRun {
	r := &killRun{task: task, sent: map[string]bool{}, acknowledged: map[uint64]string{}}
	r.changed.L = &r.mu
	return r
}

// started says that the server lives at a new address.
func (r *killRun) started(url string, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life, r.url, r.last, r.round, r.dark = r.life+1, url, last, 0, false
	// Connections of the last life are dead, and to find that out is not the test.
	r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	r.changed.Broadcast()
}

// darken makes everybody deaf until the server lives again. A machine without power answers
// nothing. But a file system that is shut down in the middle of a sync may say that the sync
// has succeeded, and the server, which still runs, would answer.
func (r *killRun) darken() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dark = true
}

func (r *killRun) isDark() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dark
}

// next waits for a life after one. ok is false if there will be none.
func (r *killRun) next(after int) (life int, url string, client *http.Client, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.life <= after && !r.last {
		r.changed.Wait()
	}
	return r.life, r.url, r.client, r.life > after
}

// waitFor waits until so many appends were acknowledged in this life.
func (r *killRun) waitFor(appends int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.round < appends {
		r.changed.Wait()
	}
}

// write appends batches of two events, one after the other, until the last life.
// What is not answered is asked again with the same key, in the next life.
func (r *killRun) write(t *testing.T, writer int) {
	for n := 0; ; n++ {
		var batch [2]string
		for i := range batch {
			batch[i] = fmt.Sprintf("writer %d append %d event %d", writer, n, i)
		}
		if !r.send(batch[:]) {
			return
		}
		life := 0
		for {
			var url string
			var client *http.Client
			var ok bool
			if life, url, client, ok = r.next(life); !ok {
				t.Errorf("%q was never answered", batch)
				return
			}
			answer, err := r.append(client, url, batch[:])
			if errors.Is(err, errRefused) {
				t.Error(err)
				return
			}
			if err != nil {
				continue
			}
			heard, err := r.acknowledge(answer, batch[:])
			if err != nil {
				t.Error(err)
			}
			if heard {
				break
			}
		}
	}
}

// send notes what is about to be sent, unless there is no more to be sent.
func (r *killRun) send(batch []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last {
		return false
	}
	for _, content := range batch {
		r.sent[content] = true
	}
	return true
}

var errRefused = errors.New("refused")

type killAnswer struct {
	appended
	replayed bool
}

// append sends a batch under a key of its own.
func (r *killRun) append(client *http.Client, url string, batch []string) (answer killAnswer, err error) {
	var body strings.Builder // NDJSON
	for _, content := range batch {
		fmt.Fprintf(&body, `{"type":"assistant","data":{"content":%q,"padding":%q}}`+"\n", content, strings.Repeat("x", r.padding))
	}
	req, err := http.NewRequest(http.MethodPost, url+"/tasks/"+r.task+"/events", strings.NewReader(body.String()))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", strings.ReplaceAll(batch[0], " ", "-"))
	res, err := client.Do(req)
	if err != nil {
		return answer, err
	}
	defer res.Body.Close()
	if r.mayBreak && res.StatusCode == http.StatusServiceUnavailable {
		return answer, errors.New(res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("%w: %s", errRefused, res.Status)
	}
	answer.replayed = res.Header.Get("Idempotency-Replayed") == "true"
	return answer, json.NewDecoder(res.Body).Decode(&answer.appended)
}

func (r *killRun) acknowledge(answer killAnswer, batch []string) (heard bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dark {
		return false, nil
	}
	defer r.changed.Broadcast()
	r.round++
	if answer.replayed {
		r.replayed++
	}
	if r.session == "" {
		r.session = answer.Session
	}
	if answer.Session != r.session || answer.Last-answer.First+1 != uint64(len(batch)) {
		return true, fmt.Errorf("%q was acknowledged as %+v in session %s", batch, answer, r.session)
	}
	for i, content := range batch {
		sequence := answer.First + uint64(i)
		if was, taken := r.acknowledged[sequence]; taken {
			return true, fmt.Errorf("sequence %d was acknowledged for %q and for %q", sequence, was, content)
		}
		r.acknowledged[sequence] = content
	}
	return true, nil
}

// check compares what was sent and acknowledged with what is stored.
func (r *killRun) check(stored []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for sequence, content := range r.acknowledged {
		if sequence > uint64(len(stored)) || stored[sequence-1] != content {
			return fmt.Errorf("event %d %q was acknowledged and is gone", sequence, content)
		}
	}
	there := map[string]bool{}
	for i, content := range stored {
		if !r.sent[content] {
			return fmt.Errorf("event %d %q was never sent", i+1, content)
		}
		if there[content] {
			return fmt.Errorf("event %d %q is there twice", i+1, content)
		}
		there[content] = true
	}
	return nil
}

// follow reads the stream until the session's end, over all lives, resuming as
// an EventSource does, and returns what it saw.
func (r *killRun) follow(t *testing.T) (seen []string) {
	life, cursor := 0, ""
	for {
		var url string
		var client *http.Client
		var ok bool
		if life, url, client, ok = r.next(life); !ok {
			t.Errorf("a stream ended before the session, after %d events", len(seen))
			return seen
		}
		req, err := http.NewRequest(http.MethodGet, url+"/tasks/"+r.task+"/events/stream", nil)
		if err != nil {
			t.Error(err)
			return seen
		}
		if cursor != "" {
			req.Header.Set("Last-Event-ID", cursor)
		}
		res, err := client.Do(req)
		if err != nil {
			continue // in the next life
		}
		if res.StatusCode != http.StatusOK {
			t.Errorf("stream after %q: %s", cursor, res.Status)
		}
		dark := false
		end := r.frames(t, res, func(id, typ, data string) (goOn bool) {
			if id == "" && typ != "" {
				t.Errorf("after %q came %s %s", cursor, typ, data)
			}
			if id == "" {
				return true
			}
			if dark = dark || r.isDark(); dark { // and stays so for what is left of this connection
				return true
			}
			if cursor = id; typ == "complete" {
				return false
			}
			var event struct{ Content string }
			if err := json.Unmarshal([]byte(data), &event); err != nil {
				t.Errorf("data of %s: %v", id, err)
			}
			seen = append(seen, event.Content)
			return true
		})
		res.Body.Close()
		if end || t.Failed() {
			return seen
		}
	}
}

// frames hands on the whole frames of a stream, until one is the end. It reports
// whether that came: what the kill cut off is not a frame.
func (r *killRun) frames(t *testing.T, res *http.Response, each func(id, typ, data string) (goOn bool)) (end bool) {
	lines := bufio.NewReader(res.Body)
	var id, typ, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			typ = value
		case "data":
			data = value
		case "":
			if !each(id, typ, data) {
				return true
			}
			id, typ, data = "", "", ""
		case "retry":
		default:
			t.Errorf("a line of the stream is %q", line)
		}
	}
}

// A process that is killed in the middle of appends has every event that it
// acknowledged. What is asked again is there once, and a client that follows the stream over all
// the kills sees exactly what is there.
func TestKilledServerKeepsEveryAcknowledgedEvent(t *testing.T) {
	rounds := 6
	if torture() {
		rounds = 500
	}
	s := serve(t)
	r := newKillRun("t-kill")
	r.survive(t, s, rounds, func() {
		_ = s.signal(syscall.SIGKILL) // its exit says that it was killed
	})
	if torture() && r.replayed == 0 {
		t.Error("no answer was ever lost: this shows nothing of repeats")
	}
}

// survive lets writers and readers work on a server that runs, and that is ended
// by crash again and again. It checks what each crash has left, and in the end
// that everybody got and saw what is there.
func (r *killRun) survive(t *testing.T, s *server, rounds int, crash func()) {
	const writers, readers = 8, 3
	s.append(r.task, says("the first")) // so that there is a task to follow
	r.sent["the first"] = true
	r.started(s.url, false)

	var writing, reading sync.WaitGroup
	for writer := range writers {
		writing.Go(func() { r.write(t, writer) })
	}
	var seen [readers][]string
	for reader := range readers {
		reading.Go(func() { seen[reader] = r.follow(t) })
	}
	var stored []string
	for round := range rounds {
		r.waitFor(1 + rand.IntN(40))
		<-time.After(rand.N(2 * time.Millisecond)) // any moment of a commit
		crash()

		s.addr = "" // nobody knows the server yet: what is there is what the crash has left
		s.start()
		session := ""
		if len(stored) > 0 {
			session = r.session
		}
		stored = append(stored, s.eventsAfter(r.task, session, uint64(len(stored)))...)
		if err := r.check(stored); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		r.started(s.url, round == rounds-1)
	}
	writing.Wait()
	s.complete(r.task, r.session)
	reading.Wait()
	all := s.events(r.task)
	all = all[:len(all)-1] // without complete
	if err := r.check(all); err != nil {
		t.Error(err)
	}
	if len(all) != len(r.sent) || !slices.Equal(all[:len(stored)], stored) {
		t.Errorf("%d events are stored, and %d were sent and answered", len(all), len(r.sent))
	}
	for reader, seen := range seen {
		if !slices.Equal(seen, all) {
			t.Errorf("reader %d saw %d events, not exactly the %d that are stored", reader, len(seen), len(all))
		}
	}
	s.stop()
	if _, err := dbfile.Check(t.Context(), s.db, nil); err != nil {
		t.Errorf("the file after all that: %v", err)
	}
	t.Logf("%d crashes, %d events, %d appends committed and not answered before one", rounds, len(all), r.replayed)
}

// The check of the tests above notices each kind of loss.
func TestALossAfterAKillIsNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		stored []string
		good   bool
	}{
		"what was acknowledged is there":        {[]string{"a", "b"}, true},
		"what was not answered may be there":    {[]string{"a", "b", "c"}, true},
		"an acknowledged event is gone":         {[]string{"a"}, false},
		"another stands in its place":           {[]string{"a", "c"}, false},
		"a repeat appended again":               {[]string{"a", "b", "a"}, false},
		"there is something that nobody sent":   {[]string{"a", "b", "d"}, false},
		"the events changed places":             {[]string{"b", "a"}, false},
		"an event that was not answered, twice": {[]string{"a", "b", "c", "c"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newKillRun("t-kill")
			r.sent = map[string]bool{"a": true, "b": true, "c": true}
			r.acknowledged = map[uint64]string{1: "a", 2: "b"}
			if err := r.check(test.stored); (err == nil) != test.good {
				t.Errorf("check says %v", err)
			}
		})
	}
}
