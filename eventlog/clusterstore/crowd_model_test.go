package clusterstore_test

import (
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
}
