package clusterstore_test

import (
	"math"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
)

// crowdCall is an append to a session, or a read of all of it; crowdAnswer is the answer.
type (
	crowdCall struct {
		session int
		append  string // "": a read
	}
	crowdAnswer struct {
		first    int
		contents []string
	}
)

func (c *crowd) record(client int, in crowdCall, do func() crowdAnswer) {
	from := c.clock.Add(1)
	out := do()
	to := c.clock.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, porcupine.Operation{ClientId: client, Input: in, Call: from, Output: out, Return: to})
}

// crowdModel says what a session does when one call follows another.
var crowdModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var sessions [][]porcupine.Operation
		for _, o := range history {
			n := o.Input.(crowdCall).session
			for len(sessions) <= n {
				sessions = append(sessions, nil)
			}
			sessions[n] = append(sessions[n], o)
		}
		return sessions
	},
	Init: func() any { return []string(nil) },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.([]string), input.(crowdCall), output.(crowdAnswer)
		if in.append == "" {
			return slices.Equal(out.contents, s), s
		}
		return out.first == len(s)+1, append(slices.Clone(s), in.append)
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]string), b.([]string)) },
}

// The control: what must not happen in a crowd is noticed.
func TestWhatACrowdMustNotSeeIsNoticed(t *testing.T) {
	for _, c := range []struct {
		before, after string
		good          bool
	}{
		{"", "A:1", true}, {"A:1", "A:2", true}, {"A:2", "B:1", true},
		{"", "A:2", false}, {"A:1", "A:1", false}, {"A:1", "A:3", false}, {"A:2", "B:2", false}, {"B:2", "A:1", false},
	} {
		if err := follows(c.before, c.after); (err == nil) != c.good {
			t.Errorf("%q after %q: %v", c.after, c.before, err)
		}
	}
	appends := func(from, to int64, content string, first int) porcupine.Operation {
		return porcupine.Operation{Input: crowdCall{append: content}, Call: from, Output: crowdAnswer{first: first}, Return: to}
	}
	reads := func(from, to int64, contents ...string) porcupine.Operation {
		return porcupine.Operation{Input: crowdCall{}, Call: from, Output: crowdAnswer{contents: contents}, Return: to}
	}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		good    bool
	}{
		"in order":                       {[]porcupine.Operation{appends(1, 2, "a", 1), appends(3, 4, "b", 2), reads(5, 6, "a", "b")}, true},
		"what was acknowledged is gone":  {[]porcupine.Operation{appends(1, 2, "a", 1), reads(3, 4)}, false},
		"an append is there twice":       {[]porcupine.Operation{appends(1, 2, "a", 1), reads(3, 4, "a", "a")}, false},
		"two appends have one place":     {[]porcupine.Operation{appends(1, 3, "a", 1), appends(2, 4, "b", 1)}, false},
		"what was read is gone":          {[]porcupine.Operation{appends(1, 8, "a", 1), reads(2, 3, "a"), reads(4, 5)}, false},
		"an older append comes later":    {[]porcupine.Operation{appends(1, 2, "a", 2), appends(3, 4, "b", 1)}, false},
		"a read is older than an append": {[]porcupine.Operation{appends(1, 2, "a", 1), appends(3, 4, "b", 2), reads(5, 6, "a")}, false},
	} {
		if got := porcupine.CheckOperations(crowdModel, c.history); got != c.good {
			t.Errorf("%s: %v", name, got)
		}
	}
	k := keyed{first: reply{data: []byte("1"), status: 200}}
	for name, c := range map[string]struct {
		again reply
		good  bool
	}{
		"the first answer again": {reply{[]byte("1"), 200, true}, true},
		"another answer":         {reply{[]byte("2"), 200, true}, false},
		"another status":         {reply{[]byte("1"), 409, true}, false},
		"made once more":         {reply{[]byte("1"), 200, false}, false},
	} {
		if err := k.repeats(c.again); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The control: what must not become of a task is noticed.
func TestLivesThatTasksMustNotHaveAreNoticed(t *testing.T) {
	var now int64
	does := func(kind lifeKind, session, key string, out lifeAnswer) porcupine.Operation {
		now += 2
		return porcupine.Operation{Input: lifeCall{kind: kind, session: session, key: key}, Call: now, Output: out, Return: now + 1}
	}
	starts := func(key, id string) porcupine.Operation {
		return does(lifeStarts, "", key, lifeAnswer{status: 201, session: id})
	}
	lost := func(kind lifeKind, session, key string) porcupine.Operation {
		o := does(kind, session, key, lifeAnswer{})
		o.Return = math.MaxInt64
		return o
	}
	appends := func(session, key string, status, first int) porcupine.Operation {
		return does(lifeAppends, session, key, lifeAnswer{status: status, first: first})
	}
	completes := func(session, key string, status int) porcupine.Operation {
		return does(lifeCompletes, session, key, lifeAnswer{status: status})
	}
	deletes := func(session string, status int) porcupine.Operation {
		return does(lifeDeletesSession, session, "", lifeAnswer{status: status})
	}
	ends := func(status int) porcupine.Operation { return does(lifeDeletesTask, "", "", lifeAnswer{status: status}) }
	reads := func(session string, contents ...string) porcupine.Operation {
		return does(lifeReads, session, "", lifeAnswer{status: 200, contents: contents})
	}
	lists := func(sessions ...lifeSession) porcupine.Operation {
		return does(lifeLists, "", "", lifeAnswer{status: 200, sessions: sessions})
	}
	type history = []porcupine.Operation
	for name, c := range map[string]struct {
		history history
		good    bool
	}{
		"a session ends the one before":           {history{starts("a", "1"), appends("1", "x", 200, 1), starts("b", "2"), reads("1", "x", "interrupted"), appends("1", "y", 409, 0)}, true},
		"it does not":                             {history{starts("a", "1"), starts("b", "2"), appends("1", "y", 200, 1)}, false},
		"two are open":                            {history{starts("a", "1"), starts("b", "2"), lists(lifeSession{"2", "b", "open", 0}, lifeSession{"1", "a", "open", 0})}, false},
		"one is, the newest first":                {history{starts("a", "1"), starts("b", "2"), lists(lifeSession{"2", "b", "open", 0}, lifeSession{"1", "a", "interrupted", 1})}, true},
		"the oldest first":                        {history{starts("a", "1"), starts("b", "2"), lists(lifeSession{"1", "a", "interrupted", 1}, lifeSession{"2", "b", "open", 0})}, false},
		"a start that is repeated":                {history{starts("a", "1"), starts("b", "2"), starts("a", "1"), appends("2", "x", 200, 1)}, true},
		"starts once more":                        {history{starts("a", "1"), starts("b", "2"), starts("a", "3")}, false},
		"a lower id than before":                  {history{starts("a", "2"), starts("b", "1")}, false},
		"a start without an answer was made":      {history{lost(lifeStarts, "", "a"), lists(lifeSession{"1", "a", "open", 0}), starts("a", "1")}, true},
		"was made, and once more":                 {history{lost(lifeStarts, "", "a"), lists(lifeSession{"1", "a", "open", 0}), starts("a", "2")}, false},
		"was not made":                            {history{lost(lifeStarts, "", "a"), starts("b", "1"), appends("1", "x", 200, 1)}, true},
		"an append that is repeated after an end": {history{starts("a", "1"), appends("1", "x", 200, 1), completes("1", "e", 200), appends("1", "x", 200, 1), reads("1", "x", "succeeded")}, true},
		"appends once more":                       {history{starts("a", "1"), appends("1", "x", 200, 1), appends("1", "x", 200, 2)}, false},
		"an append after an end":                  {history{starts("a", "1"), completes("1", "e", 200), appends("1", "x", 200, 2)}, false},
		"an end that is repeated":                 {history{starts("a", "1"), completes("1", "e", 200), completes("1", "e", 200), completes("1", "f", 409)}, true},
		"two ends":                                {history{starts("a", "1"), completes("1", "e", 200), completes("1", "f", 200)}, false},
		"an end of what was superseded":           {history{starts("a", "1"), starts("b", "2"), completes("1", "e", 200)}, false},
		"a session that is deleted":               {history{starts("a", "1"), deletes("1", 204), deletes("1", 404), appends("1", "x", 404, 0), lists()}, true},
		"comes back":                              {history{starts("a", "1"), deletes("1", 204), lists(lifeSession{"1", "a", "open", 0})}, false},
		"is denied before":                        {history{starts("a", "1"), appends("1", "x", 404, 0), deletes("1", 204)}, false},
		"a deletion without an answer was made":   {history{starts("a", "1"), lost(lifeDeletesSession, "1", ""), appends("1", "x", 404, 0)}, true},
		"and was not, after it was seen":          {history{starts("a", "1"), lost(lifeDeletesSession, "1", ""), appends("1", "x", 404, 0), reads("1")}, false},
		"a task that is deleted begins anew":      {history{starts("a", "1"), starts("b", "2"), ends(204), ends(404), starts("a", "3"), lists(lifeSession{"3", "a", "open", 0})}, true},
		"keeps its sessions":                      {history{starts("a", "1"), ends(204), starts("a", "3"), lists(lifeSession{"3", "a", "open", 0}, lifeSession{"1", "a", "open", 0})}, false},
	} {
		if got := porcupine.CheckOperations(lifeModel, c.history); got != c.good {
			t.Errorf("%s: %v", name, got)
		}
	}
}
