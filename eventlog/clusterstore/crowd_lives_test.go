package clusterstore_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// A life is that of one task: clients start sessions, which end those before, append, complete,
// delete sessions and the task, read, and repeat with its key what they have asked before, all
// at the same time. Then the next one begins.
const (
	crowdLives       = 2 // at a time
	crowdLifeClients = 3
	crowdLifeCalls   = 8 // of each client
	// lifeRepeats is from when on a replica may have asked the writer twice to make a change that
	// has a key. A deletion in between takes the key with it, and then it is made twice.
	lifeRepeats = 200 * time.Millisecond
)

// lifeCall is what a client asks for.
type lifeCall struct {
	life    int
	kind    lifeKind
	session string
	key     string // also the agent of a session that starts, and the content of an event
}

type lifeKind int

const (
	lifeStarts lifeKind = iota
	lifeAppends
	lifeCompletes
	lifeDeletesSession
	lifeDeletesTask
	lifeLists
	lifeReads
)

// String implements [fmt.Stringer].
func (k lifeKind) String() string {
	return [...]string{"starts", "appends", "completes", "deletes a session", "deletes a task", "lists", "reads"}[k]
}

func (k lifeKind) keyed() bool { return k <= lifeCompletes }

// changes reports whether a call that got no answer may have done something, or may yet do it.
func (k lifeKind) changes() bool { return k < lifeLists }

// lifeAnswer is the answer.
type lifeAnswer struct {
	status   int // 0: none, and what became of it is not known
	replayed bool
	session  string        // that was started
	first    int           // of an append
	sessions []lifeSession // of a list, the newest first
	contents []string      // of a read
}

// lifeSession is a session as a list shows it.
type lifeSession struct {
	ID, Agent, Status string
	Head              int
}

// lived is a session of a task. Its id is empty as long as nobody has been told it.
type lived struct {
	id, agent, status string
	contents          []string
	completed         string // by the call with that key
}

// life is the state of a task. The zero value is one that is not there.
type life struct {
	there    bool
	sessions []lived   // the oldest first
	starts   []started // that the task knows, also of sessions that were deleted
}

type started struct{ key, id string }

func (l life) clone() life {
	l.sessions, l.starts = slices.Clone(l.sessions), slices.Clone(l.starts)
	for i := range l.sessions {
		l.sessions[i].contents = slices.Clip(l.sessions[i].contents)
	}
	return l
}

func (l life) equal(other life) bool {
	same := func(a, b lived) bool {
		return a.id == b.id && a.agent == b.agent && a.status == b.status && a.completed == b.completed && slices.Equal(a.contents, b.contents)
	}
	return l.there == other.there && slices.Equal(l.starts, other.starts) && slices.EqualFunc(l.sessions, other.sessions, same)
}

// step says whether an answer is right when a call is made now, and what is there afterwards.
// If there was no answer, any is.
func (l life) step(in lifeCall, out lifeAnswer) (right bool, after life) {
	l = l.clone()
	at := slices.IndexFunc(l.sessions, func(s lived) bool { return s.id != "" && s.id == in.session })
	var s *lived
	if at >= 0 {
		s = &l.sessions[at]
	}
	status := 0
	switch in.kind {
	case lifeStarts:
		status, right = http.StatusCreated, l.start(in.key, out)
	case lifeAppends:
		status, right = s.change(in.key, slices.Contains(s.all(), in.key), func() { s.contents = append(s.contents, in.key) })
		if status == http.StatusOK {
			right = out.first == slices.Index(s.contents, in.key)+1
		}
	case lifeCompletes:
		status, right = s.change(in.key, s != nil && s.completed == in.key, func() { s.end("succeeded", in.key) })
	case lifeDeletesSession:
		if status, right = http.StatusNotFound, true; s != nil {
			status, l.sessions = http.StatusNoContent, slices.Delete(l.sessions, at, at+1)
		}
	case lifeDeletesTask:
		if status, right = http.StatusNotFound, true; l.there {
			status, l = http.StatusNoContent, life{}
		}
	case lifeLists:
		if status, right = http.StatusNotFound, true; l.there {
			status, right = http.StatusOK, l.shows(out.sessions)
		}
	case lifeReads:
		if status, right = http.StatusNotFound, true; s != nil {
			status, right = http.StatusOK, slices.Equal(out.contents, s.contents)
		}
	}
	return out.status == 0 || right && out.status == status, l
}

func (s *lived) all() []string {
	if s == nil {
		return nil
	}
	return s.contents
}

// change changes a session that is open, unless the key has done it already.
func (s *lived) change(key string, done bool, do func()) (status int, right bool) {
	switch {
	case s == nil:
		return http.StatusNotFound, true
	case done:
	case s.status != "open":
		return http.StatusConflict, true
	default:
		do()
	}
	return http.StatusOK, true
}

func (s *lived) end(status, by string) {
	s.status, s.completed, s.contents = status, by, append(s.contents, status)
}

// start starts a session, unless the key has done so.
func (l *life) start(key string, out lifeAnswer) (right bool) {
	if i := slices.IndexFunc(l.starts, func(s started) bool { return s.key == key }); i >= 0 {
		return l.bind(i, out.session)
	}
	for i := range l.sessions {
		if l.sessions[i].status == "open" {
			l.sessions[i].end("interrupted", "")
		}
	}
	for _, s := range l.starts {
		if out.session != "" && out.session <= s.id {
			return false // it must be greater than all before it
		}
	}
	l.there = true
	l.sessions = append(l.sessions, lived{id: out.session, agent: key, status: "open"})
	l.starts = append(l.starts, started{key, out.session})
	return true
}

// bind notes the id of a session that somebody has been told, if it was not known.
func (l *life) bind(start int, id string) (right bool) {
	s := &l.starts[start]
	if s.id == "" && id != "" {
		s.id = id
		for i := range l.sessions {
			if l.sessions[i].agent == s.key && l.sessions[i].id == "" {
				l.sessions[i].id = id
			}
		}
	}
	return s.id == id
}

// shows reports whether a list is right.
func (l *life) shows(list []lifeSession) bool {
	if len(list) != len(l.sessions) {
		return false
	}
	for i, shown := range list {
		s := l.sessions[len(list)-1-i]
		start := slices.IndexFunc(l.starts, func(begun started) bool { return begun.key == s.agent })
		if shown.Agent != s.agent || shown.Status != s.status || shown.Head != len(s.contents) || !l.bind(start, shown.ID) {
			return false
		}
	}
	return true
}

// lifeModel says what a task does when one call follows another.
var lifeModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var lives [][]porcupine.Operation
		for _, o := range history {
			n := o.Input.(lifeCall).life
			for len(lives) <= n {
				lives = append(lives, nil)
			}
			lives[n] = append(lives[n], o)
		}
		return slices.DeleteFunc(lives, func(l []porcupine.Operation) bool { return len(l) == 0 })
	},
	Init: func() any { return life{} },
	Step: func(state, input, output any) (bool, any) {
		return state.(life).step(input.(lifeCall), output.(lifeAnswer))
	},
	Equal: func(a, b any) bool { return a.(life).equal(b.(life)) },
}

// live has clients live one life after the other, until stop is closed.
func (c *crowd) live(n int, stop <-chan struct{}) {
	for ; !c.Failed(); n += crowdLives {
		select {
		case <-stop:
			return
		default:
		}
		l := &living{crowd: c, life: n, path: fmt.Sprintf("/tasks/life-%d", n)}
		var clients sync.WaitGroup
		for client := range crowdLifeClients {
			clients.Go(func() { l.client(client) })
		}
		clients.Wait()
	}
}

// living is a life under way.
type living struct {
	*crowd
	life int
	path string

	mu       sync.Mutex
	sessions []string // that somebody has been told of
	keyed    []lifeCall
}

func (l *living) client(client int) {
	tick := time.NewTicker(crowdPause)
	defer tick.Stop()
	for n := range crowdLifeCalls {
		<-tick.C
		in := l.next(fmt.Sprintf("%d-%d-%d", l.life, client, n))
		began, from := time.Now(), l.clock.Add(1)
		for ; !l.ask(client, in); time.Sleep(crowdPause) {
			if l.Failed() {
				return
			}
			if time.Since(began) > crowdPatience {
				l.Errorf("%v gets no answer", in)
				return
			}
		}
		if in.kind.keyed() && time.Since(began) > lifeRepeats {
			l.add(client, in, from, lifeAnswer{}, math.MaxInt64)
		}
	}
}

// next draws what a client asks for.
func (l *living) next(key string) lifeCall {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := lifeCall{life: l.life, kind: lifeStarts, key: key}
	if len(l.sessions) > 0 {
		in.kind = []lifeKind{
			lifeStarts, lifeStarts, lifeAppends, lifeAppends, lifeAppends, lifeAppends, lifeAppends, lifeCompletes, lifeCompletes,
			lifeDeletesSession, lifeDeletesTask, lifeLists, lifeLists, lifeLists, lifeReads, lifeReads,
		}[rand.IntN(16)]
		in.session = l.sessions[len(l.sessions)-1]
		if rand.IntN(3) == 0 {
			in.session = l.sessions[rand.IntN(len(l.sessions))]
		}
		if rand.IntN(4) == 0 {
			in = l.keyed[rand.IntN(len(l.keyed))]
		}
	}
	if in.kind.keyed() {
		l.keyed = append(l.keyed, in)
	}
	return in
}

// ask makes a call once, at any server, and records it. It reports whether that was enough: a
// call with a key and one that only reads are made until there is an answer.
func (l *living) ask(client int, in lifeCall) (enough bool) {
	method, path, key, body := "POST", l.path, in.key, "{}"
	session := "/sessions/" + in.session
	switch in.kind {
	case lifeStarts:
		path, body = path+"/sessions", fmt.Sprintf(`{"agent":%q}`, in.key)
	case lifeAppends:
		path, body = path+session+"/events", fmt.Sprintf(`{"type":"assistant","data":{"content":%q}}`, in.key)
	case lifeCompletes:
		path += session + "/complete"
	case lifeDeletesSession:
		method, path, key, body = "DELETE", path+session, "", ""
	case lifeDeletesTask:
		method, key, body = "DELETE", "", ""
	case lifeLists:
		method, path, key, body = "GET", "/sure"+path+"/sessions?limit=100", "", ""
	case lifeReads:
		method, path, key, body = "GET", "/sure"+path+"/events?limit=10000&session="+in.session, "", ""
	}
	from := l.clock.Add(1)
	got, err := l.once(l.any(), method, path, key, body)
	to := l.clock.Add(1)
	if sent, is := errors.AsType[*net.OpError](err); is && sent.Op == "dial" {
		return false // nobody was asked
	}
	out, err := readLife(in.kind, got, err)
	if err != nil {
		l.Errorf("%s %s: %d %s: %v", method, path, got.status, got.data, err)
	}
	if out.status == 0 {
		if !in.kind.changes() {
			return false
		}
		to = math.MaxInt64 // it may be made at any time
	}
	l.told(out)
	l.add(client, in, from, out, to)
	return out.status != 0 || key == ""
}

func (l *living) add(client int, in lifeCall, from int64, out lifeAnswer, to int64) {
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	l.lived = append(l.lived, porcupine.Operation{ClientId: client, Input: in, Call: from, Output: out, Return: to})
}

// readLife reads an answer. An error says that it cannot be understood.
func readLife(kind lifeKind, got reply, failed error) (out lifeAnswer, err error) {
	if failed != nil || got.status >= 500 {
		return out, nil
	}
	out.status, out.replayed = got.status, got.replayed
	if got.status >= 300 {
		return out, nil
	}
	var said struct {
		ID       string
		First    int
		Sessions []lifeSession
		Events   []struct {
			Data struct{ Content, Status string }
		}
	}
	if len(got.data) > 0 {
		err = json.Unmarshal(got.data, &said)
	}
	if kind == lifeStarts {
		out.session = said.ID
	}
	out.first, out.sessions = said.First, said.Sessions
	for _, e := range said.Events {
		out.contents = append(out.contents, e.Data.Content+e.Data.Status)
	}
	return out, err
}

// told notes the sessions that an answer names.
func (l *living) told(out lifeAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := []string{out.session}
	for _, s := range out.sessions {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if id != "" && !slices.Contains(l.sessions, id) {
			l.sessions = append(l.sessions, id)
		}
	}
	slices.Sort(l.sessions)
}

// lifeText is a life for people.
func lifeText(l []porcupine.Operation) string {
	var text strings.Builder
	slices.SortFunc(l, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for _, o := range l {
		in, out := o.Input.(lifeCall), o.Output.(lifeAnswer)
		fmt.Fprintf(&text, "client %d, from %d to %d: %s %s %s: %+v\n", o.ClientId, o.Call, o.Return, in.kind, in.session, in.key, out)
	}
	return text.String()
}

// wantLives checks that an order of the calls explains the answers, and that enough was asked.
func (c *crowd) wantLives() {
	c.Helper()
	for _, l := range lifeModel.Partition(c.lived) {
		if result := porcupine.CheckOperationsTimeout(lifeModel, l, crowdPatience); result != porcupine.Ok {
			c.Errorf("%s: no order of what was asked of a task explains the answers:\n%s", result, lifeText(l))
		}
	}
	count := map[string]int{}
	for _, o := range c.lived {
		in, out := o.Input.(lifeCall), o.Output.(lifeAnswer)
		what := in.kind.String()
		switch {
		case out.replayed:
			count["repeated"]++
			what += ", repeated"
		case out.status == 0:
			what += ", no answer"
		case out.status >= 300:
			what += fmt.Sprintf(", %d", out.status)
		}
		count[what]++
		for _, s := range out.sessions {
			if s.Status == "interrupted" {
				count["superseded sessions in lists"]++
			}
		}
	}
	c.Logf("of tasks was asked: %v", count)
	for _, what := range []string{
		"starts", "appends", "deletes a session", "deletes a task", "lists", "reads", "superseded sessions in lists",
		"appends, 404", "appends, 409", "repeated",
	} {
		if count[what] == 0 {
			c.Errorf("%s: none, this proves nothing", what)
		}
	}
}
