package transcript_test

import (
	"cmp"
	"math"
	"testing"

	"jrweb/eventlog"
)

// worth is what accounts have come to, by the rules of the log: an account is worth the
// most of what was said of it as a whole, of what its members add up to, and of what its
// turns do. The largest value said of each counts, each amount on its own.
type worth struct {
	said           map[string]amounts            // by account
	members, turns map[string]map[string]amounts // by account
	accountOf      map[string]string             // by member: the first that was said
	last           map[string]amounts            // by model, without ids
	sum            amounts
}

// amounts are dollars, and input, output, cache read and cache write tokens.
type amounts [5]float64

func (a amounts) most(b amounts) amounts {
	for i := range a {
		a[i] = max(a[i], b[i])
	}
	return a
}

func (a amounts) plus(b amounts) amounts {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

func (w *worth) add(t *testing.T, events []eventlog.Event) {
	t.Helper()
	if w.said == nil {
		*w = worth{said: map[string]amounts{}, members: map[string]map[string]amounts{}, turns: map[string]map[string]amounts{}, accountOf: map[string]string{}, last: map[string]amounts{}}
	}
	for _, e := range ofType(events, eventlog.TypeCost) {
		f := fields(t, e)
		var a amounts
		for i, name := range []string{"usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"} {
			a[i], _ = f[name].(float64)
		}
		text := func(name string) string { s, _ := f[name].(string); return s }
		id, account, turn, model := text("id"), text("part_of"), text("turn"), text("model")
		switch {
		case id == "" && text("scope") == "cumulative":
			for i := range a {
				w.sum[i] += max(0, a[i]-w.last[model][i])
			}
			w.last[model] = a
		case id == "":
			w.sum = w.sum.plus(a)
		case account != "":
			if w.accountOf[id] == "" {
				w.accountOf[id] = account
			}
			most(w.members, w.accountOf[id], id, a)
		case turn != "":
			most(w.turns, id, turn, a)
		default:
			w.said[id] = w.said[id].most(a)
		}
	}
}

func most(of map[string]map[string]amounts, account, id string, a amounts) {
	if of[account] == nil {
		of[account] = map[string]amounts{}
	}
	of[account][id] = of[account][id].most(a)
}

func (w *worth) total() amounts {
	sum, accounts := w.sum, map[string]bool{}
	for id := range w.said {
		accounts[id] = true
	}
	for id := range w.members {
		accounts[id] = true
	}
	for id := range w.turns {
		accounts[id] = true
	}
	for id := range accounts {
		var members, turns amounts
		for _, a := range w.members[id] {
			members = members.plus(a)
		}
		for _, a := range w.turns[id] {
			turns = turns.plus(a)
		}
		sum = sum.plus(w.said[id].most(members).most(turns))
	}
	return sum
}

// checkWorth compares what runs have cost together with the truth.
func checkWorth(t *testing.T, usd float64, input, output uint64, runs ...[]eventlog.Event) {
	t.Helper()
	var w worth
	for _, events := range runs {
		w.add(t, events)
	}
	got := w.total()
	if cmp.Compare(math.Abs(got[0]-usd), 1e-9) > 0 || got[1] != float64(input) || got[2] != float64(output) {
		t.Errorf("got $%v, %v in, %v out; want $%v, %d in, %d out", got[0], got[1], got[2], usd, input, output)
	}
}
