package clusterstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"jrweb/internal/natstest"
)

// fault does harm to one process, and takes it back.
type fault struct {
	name     string
	do, undo func()
}

// suffering is what can happen to a process.
type suffering interface {
	Kill()
	Restart()
	Stop()
	Continue()
}

// victim is a process to which harm is done.
type victim struct {
	suffering
	name  string
	place natstest.Place
}

func (v victim) killed() fault { return fault{v.name + " is killed", v.Kill, v.Restart} }

func (v victim) standsStill() fault { return fault{v.name + " stands still", v.Stop, v.Continue} }

// isCutOff takes the process off the network. Without a network there is nothing to do.
func (v victim) isCutOff() fault {
	if v.place.Address == "" {
		return fault{}
	}
	return fault{v.name + " is cut off", func() { v.place.Cut() }, v.place.Mend}
}

// crowd is writers and readers on several servers, each with a replica, while processes die,
// stand still and are cut off.
type crowd struct {
	*testing.T
	servers []*natstest.Server
	logs    []*process
	tasks   [crowdTasks]crowdTask

	clock    atomic.Int64
	mu       sync.Mutex
	calls    []porcupine.Operation // by clock
	lived    []porcupine.Operation // of lives
	lasting  []keyed
	sessions int
	moved    atomic.Int64 // how often a reader has gone on at another server
	acked    atomic.Int64
}

const (
	crowdTasks     = 4
	crowdWriters   = 8
	crowdReaders   = 100
	crowdRound     = 12 // appends of each writer to a session
	crowdPause     = 50 * time.Millisecond
	crowdCheckers  = 2
	crowdPatience  = 2 * time.Minute
	crowdFinalWord = "the last word"
)

// crowdTask is a task with two writers.
type crowdTask struct {
	id    string
	order []string // all events in their order, as they are at the end
}

// An append is acknowledged once it is in the stream, each is there once, all readers see the
// same, and all replicas are the same, no matter who is killed, stands still or is cut off.
func TestACrowdOnAClusterSeesEverythingOnce(t *testing.T) {
	for _, replicas := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d replicas", replicas), func(t *testing.T) {
			disturb := eachKind
			if os.Getenv("JRWEB_TORTURE") != "" {
				disturb = random(time.Duration(replicas) * 4 * time.Minute)
			}
			newCrowd(t, replicas).run(disturb)
		})
	}
}

// eachKind does harm of each kind, to those on whom most depends at that moment.
func eachKind(c *crowd) {
	still, cut := c.writer, c.leader
	if len(c.logs) > 2 {
		still, cut = cut, still
	}
	for _, f := range []struct {
		what func(victim) fault
		who  func() victim
		d    time.Duration
	}{
		{victim.killed, c.writer, 4 * time.Second}, // another one takes over
		{victim.killed, c.follower, time.Second},
		{victim.killed, c.leader, 2 * time.Second},
		{victim.standsStill, still, 2 * time.Second},
		{victim.isCutOff, cut, 2 * time.Second},
	} {
		if harm := f.what(f.who()); harm.do != nil && !c.Failed() {
			c.harm(harm, f.d)
			c.wantProgress()
		}
	}
	c.wantNothingOfOneServer(2 * time.Second)
}

// random does harm at random, for a time.
func random(d time.Duration) func(*crowd) {
	return func(c *crowd) {
		c.wantNothingOfOneServer(5 * time.Second)
		faults := c.faults()
		for end := time.Now().Add(d); time.Now().Before(end) && !c.Failed(); {
			c.harm(faults[rand.IntN(len(faults))], rand.N(12*time.Second))
			if rand.IntN(3) > 0 { // else the next one comes at once
				c.wantProgress()
			}
			if rand.IntN(20) == 0 {
				c.wantNothingOfOneServer(5 * time.Second)
			}
		}
	}
}

func newCrowd(t *testing.T, replicas int) *crowd {
	network := natstest.NewNetwork(t)
	if network == nil {
		t.Run("who is cut off", func(t *testing.T) { t.Skip("only root can take a process off the network") })
	}
	c := &crowd{T: t}
	var url string
	c.servers, url = natstest.StartClusterOn(t, network, 3)
	for range replicas {
		c.logs = append(c.logs, newProcess(t, network.Place(), url, 3))
	}
	for i := range c.tasks {
		c.tasks[i].id = fmt.Sprintf("t-%d", i)
	}
	return c
}

func (c *crowd) replica(i int) victim {
	return victim{c.logs[i], fmt.Sprintf("replica %d", i), c.logs[i].place}
}

func (c *crowd) server(i int) victim {
	return victim{c.servers[i], fmt.Sprintf("server %d", i), c.servers[i].Place}
}

// faults are what can happen.
func (c *crowd) faults() (all []fault) {
	var victims []victim
	for i := range c.logs {
		victims = append(victims, c.replica(i))
	}
	for i := range c.servers {
		victims = append(victims, c.server(i))
	}
	for _, v := range victims {
		all = append(all, v.killed(), v.standsStill())
		if cut := v.isCutOff(); cut.do != nil {
			all = append(all, cut)
		}
	}
	return all
}

// writer is the replica that is the writer.
func (c *crowd) writer() victim {
	writer, _ := c.roles()
	v := c.replica(writer)
	v.name += ", the writer,"
	return v
}

// follower is a replica that is not the writer.
func (c *crowd) follower() victim {
	writer, _ := c.roles()
	return c.replica((writer + 1) % len(c.logs))
}

// leader is the server that leads the stream.
func (c *crowd) leader() victim {
	_, leader := c.roles()
	v := c.server(leader)
	v.name += ", the leader,"
	return v
}

// roles asks who is who until it is known.
func (c *crowd) roles() (writer, leader int) {
	c.Helper()
	for began := time.Now(); time.Since(began) < crowdPatience; time.Sleep(crowdPause) {
		for i, p := range c.logs {
			got, err := c.once(p, "GET", "/roles", "", "")
			var said roles
			if err != nil || got.status != http.StatusOK || json.Unmarshal(got.data, &said) != nil || !said.Writer {
				continue
			}
			if _, err := fmt.Sscanf(said.Leader, "n%d", &leader); err == nil {
				return i, leader
			}
		}
	}
	c.Fatal("nobody is the writer, or nobody leads the stream")
	return 0, 0
}

func (c *crowd) harm(f fault, d time.Duration) {
	began, before := time.Now(), c.acked.Load()
	f.do()
	time.Sleep(d)
	meanwhile := c.acked.Load() - before
	f.undo()
	c.Logf("%s for %v: %d acknowledged meanwhile", f.name, time.Since(began).Round(time.Millisecond), meanwhile)
}

// wantProgress waits until every writer has been answered again.
func (c *crowd) wantProgress() {
	c.Helper()
	before, began := c.acked.Load(), time.Now()
	for c.acked.Load() < before+3*crowdWriters && !c.Failed() {
		if time.Since(began) > crowdPatience {
			c.Error("nothing is acknowledged any more")
			return
		}
		time.Sleep(crowdPause)
	}
	if took := time.Since(began); took > 2*time.Second {
		c.Logf("the writers go on after %v", took.Round(time.Millisecond))
	}
}

// wantNothingOfOneServer checks that one server of three acknowledges nothing.
func (c *crowd) wantNothingOfOneServer(d time.Duration) {
	c.Helper()
	first := rand.IntN(3)
	one, two := c.servers[first], c.servers[(first+1)%3]
	one.Kill()
	two.Kill()
	time.Sleep(time.Second) // what is under way
	before := c.acked.Load()
	time.Sleep(d)
	if n := c.acked.Load() - before; n > 0 {
		c.Errorf("one server of three has acknowledged %d appends", n)
	} else {
		c.Logf("servers %d and %d were killed: nothing was acknowledged meanwhile", first, (first+1)%3)
	}
	one.Restart()
	c.wantProgress()
	two.Restart()
	c.wantProgress()
}

func (c *crowd) run(disturb func(*crowd)) {
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for i := range c.tasks {
		c.put("/tasks/" + c.tasks[i].id)
		writing.Go(func() { c.writeTask(&c.tasks[i], stop) })
	}
	for n := range crowdLives {
		writing.Go(func() { c.live(n, stop) })
	}
	repeated := make([]int, len(c.logs))
	for i := range repeated {
		writing.Go(func() { repeated[i] = c.repeat(c.logs[i], stop) })
	}
	seen := make([][]string, crowdReaders)
	for i := range seen {
		reading.Go(func() { seen[i] = c.follow(c.tasks[i%crowdTasks].id) })
	}
	disturb(c)
	close(stop)
	writing.Wait()
	c.wantSame()
	reading.Wait()

	for i := range c.tasks {
		c.tasks[i].order = c.all("/sure/tasks/" + c.tasks[i].id + "/events?sessions=all&limit=10000")
	}
	events := 0
	for i, got := range seen {
		want := c.tasks[i%crowdTasks].order
		if !slices.Equal(got, want) {
			c.Errorf("reader %d saw %d events, %d are there, or in another order", i, len(got), len(want))
		}
		events = max(events, len(want))
	}
	if result := porcupine.CheckOperationsTimeout(crowdModel, c.calls, crowdPatience); result != porcupine.Ok {
		c.Errorf("%s: no order of the calls explains their answers", result)
	}
	c.wantLives()
	c.Logf("what was acknowledged was repeated so often at each replica: %v", repeated)
	if slices.Min(repeated) < 3 {
		c.Error("this proves nothing of keys")
	}
	c.Logf("%d appends acknowledged, %d calls, %d sessions, readers moved %d times, %d events in a task", c.acked.Load(), len(c.calls), c.sessions, c.moved.Load(), events)
	if c.moved.Load() < crowdReaders || c.acked.Load() < 100 {
		c.Error("this proves nothing")
	}
}

// writeTask has two writers append to one session after the other, until stop is closed.
func (c *crowd) writeTask(task *crowdTask, stop <-chan struct{}) {
	for round := 0; ; round++ {
		last := false
		select {
		case <-stop:
			last = true
		default:
		}
		var started struct{ ID string }
		c.ask("POST", "/tasks/"+task.id+"/sessions", fmt.Sprintf("start-%s-%d", task.id, round), `{"agent":"a"}`, &started)
		if c.Failed() {
			return
		}
		c.mu.Lock()
		session := c.sessions
		c.sessions++
		c.mu.Unlock()
		path := "/tasks/" + task.id + "/sessions/" + started.ID + "/events"
		var both sync.WaitGroup
		ended := make(chan struct{})
		for w := range crowdWriters / crowdTasks {
			both.Go(func() {
				tick := time.NewTicker(crowdPause)
				defer tick.Stop()
				for n := range crowdRound {
					<-tick.C
					c.append(w, session, path, fmt.Sprintf("%d.%d", w, n), fmt.Sprintf("%s-%d-%d-%d", task.id, round, w, n))
				}
			})
		}
		var checks sync.WaitGroup
		for reader := range crowdCheckers {
			checks.Go(func() {
				tick := time.NewTicker(10 * crowdPause)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
					case <-ended:
						return
					}
					call := crowdCall{session: session}
					c.record(crowdWriters+reader, call, func() crowdAnswer {
						return crowdAnswer{contents: c.contents("/sure/tasks/" + task.id + "/events?limit=10000&session=" + started.ID)}
					})
				}
			})
		}
		both.Wait()
		close(ended)
		checks.Wait()
		if last {
			c.append(0, session, path, crowdFinalWord, "last-"+task.id)
			return
		}
		c.ask("POST", "/tasks/"+task.id+"/sessions/"+started.ID+"/complete", fmt.Sprintf("end-%s-%d", task.id, round), `{}`, nil)
	}
}

func (c *crowd) append(client, session int, path, content, key string) {
	c.record(client, crowdCall{session: session, append: content}, func() crowdAnswer {
		var answer struct{ First, Last int }
		c.ask("POST", path, key, fmt.Sprintf(`{"type":"assistant","data":{"content":%q}}`, content), &answer)
		c.acked.Add(1)
		return crowdAnswer{first: answer.First}
	})
}

// any is one of the servers.
func (c *crowd) any() *process { return c.logs[rand.IntN(len(c.logs))] }

func (c *crowd) put(path string) { c.ask("PUT", path, "", "{}", nil) }

// ask asks any server, and with the same key another one, until there is an answer. What is
// not known or not there now is not an answer; that something does not exist is a wrong one.
func (c *crowd) ask(method, path, key, body string, answer any) {
	began := time.Now()
	for {
		got, err := c.once(c.any(), method, path, key, body)
		switch {
		case err == nil && got.status < 300:
			if key != "" {
				c.keep(keyed{method, path, key, body, got})
			}
			if answer == nil {
				return
			}
			if err = json.Unmarshal(got.data, answer); err != nil {
				c.Errorf("%s %s: %s: %v", method, path, got.data, err)
			}
			return
		case err == nil && got.status < 500:
			c.Errorf("%s %s with key %s: %d %s", method, path, key, got.status, got.data)
			return
		case c.Failed():
			return
		case time.Since(began) > crowdPatience:
			c.Errorf("%s %s gets no answer: %d %s %v", method, path, got.status, got.data, err)
			return
		}
		time.Sleep(crowdPause) // a server that is down refuses at once
	}
}

// reply is an answer.
type reply struct {
	data     []byte
	status   int
	replayed bool // it says that it was given before
}

func (c *crowd) once(p *process, method, path, key, body string) (got reply, err error) {
	ctx, cancel := context.WithTimeout(c.Context(), 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		return got, err
	}
	r.GetBody = nil // else a request with a key may be sent twice, and the second error hides the first
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return got, err
	}
	defer answer.Body.Close()
	got.data, err = io.ReadAll(answer.Body)
	got.status, got.replayed = answer.StatusCode, answer.Header.Get("Idempotency-Replayed") == "true"
	return got, err
}

// wantSame waits until all replicas are the same.
func (c *crowd) wantSame() {
	c.Helper()
	var hashes []string
	for began := time.Now(); time.Since(began) < crowdPatience; time.Sleep(crowdPause) {
		hashes = nil
		for _, p := range c.logs {
			got, err := c.once(p, "GET", "/hash", "", "")
			if err != nil || got.status != http.StatusOK {
				continue
			}
			hashes = append(hashes, string(got.data))
		}
		if len(hashes) == len(c.logs) && len(slices.Compact(slices.Clone(hashes))) == 1 {
			return
		}
	}
	c.Errorf("the replicas are not the same: %v", hashes)
}
