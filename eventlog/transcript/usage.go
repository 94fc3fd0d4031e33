package transcript

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"jrweb/eventlog"
)

// usage is what an agent tells of money and tokens. The kinds of tokens do not
// overlap: input is without what was read from or written to a cache. Output is
// with what was spent on reasoning.
type usage struct {
	usd, input, output, cacheRead, cacheWrite float64
}

// The largest amounts that the log takes.
const (
	mostUSD    = 1e12
	mostTokens = 1e12
)

func (u usage) clamped() usage {
	for _, n := range []*float64{&u.input, &u.output, &u.cacheRead, &u.cacheWrite} {
		*n = math.Trunc(min(max(*n, 0), mostTokens))
	}
	u.usd = min(max(u.usd, 0), mostUSD)
	return u
}

func (u usage) plus(o usage) usage {
	return usage{u.usd + o.usd, u.input + o.input, u.output + o.output, u.cacheRead + o.cacheRead, u.cacheWrite + o.cacheWrite}
}

// since returns how much u exceeds last, in each amount on its own.
func (u usage) since(last usage) usage {
	return usage{
		max(0, u.usd-last.usd), max(0, u.input-last.input), max(0, u.output-last.output),
		max(0, u.cacheRead-last.cacheRead), max(0, u.cacheWrite-last.cacheWrite),
	}
}

// most returns the larger one of each amount.
func (u usage) most(o usage) usage {
	return usage{
		max(u.usd, o.usd), max(u.input, o.input), max(u.output, o.output),
		max(u.cacheRead, o.cacheRead), max(u.cacheWrite, o.cacheWrite),
	}
}

const (
	delta      = "delta"
	cumulative = "cumulative"
)

// cost adds what was spent, unless that is nothing.
func (out *output) cost(model, scope string, u usage, more data) {
	u = u.clamped()
	if u == (usage{}) {
		return
	}
	d := data(nil)
	if u.usd > 0 {
		d = d.number("usd", u.usd)
	}
	d = d.number("input_tokens", u.input).number("output_tokens", u.output).
		number("cache_read_tokens", u.cacheRead).number("cache_write_tokens", u.cacheWrite).
		some("model", beginning(model, 1<<10)).text("scope", scope)
	if len(more) > 0 {
		d = append(append(d, ','), more...)
	}
	out.add(eventlog.TypeCost, "", d)
}

// cumulates adds what an account has come to: a session, a thread, a model of a run.
// The log counts the largest value that is said of an id, wherever it is said, so
// that no split, repetition or order of files makes tokens count twice.
func (out *output) cumulates(id, model string, u usage) {
	out.identified(id, "", "", model, cumulative, u)
}

// turn adds what a turn of an account has cost, where the agent tells of turns. The log
// counts the largest value that is said of a turn, and the account is worth what its
// turns add up to, if that is more than what its members do and than what
// [output.cumulates] said of it.
func (out *output) turn(account, turn, model string, u usage) {
	out.identified(account, "", turn, model, cumulative, u)
}

// member adds what a message or a response has cost so far, of an account: the log
// counts the largest value that is said of the message, and the account is worth
// what its members add up to, or what [output.cumulates] said of it if that is more.
// An empty account stands for the message alone. A message without an id counts as
// it comes.
func (out *output) member(id, account, model string, u usage) {
	out.identified(id, account, "", model, delta, u)
}

// identified adds a cost with an id. What counts is the id: the scope tells a reader
// whether it is of one message, or what something has come to.
func (out *output) identified(id, account, turn, model, scope string, u usage) {
	u = u.clamped()
	if id == "" {
		out.cost(model, delta, u, nil)
		return
	}
	id = hashedID(id)
	key := id
	if turn != "" {
		key += "\x00" + turn
	}
	was, _ := out.counted.get(key)
	if u = u.most(was); u == was {
		return
	}
	out.counted.put(key, u)
	d := data(nil).text("id", id)
	if turn != "" {
		d = d.text("turn", hashedID(turn))
	}
	if account != "" {
		d = d.text("part_of", hashedID(account))
	}
	out.cost(model, scope, u, d)
}

// idOf makes an id of a cost from its names, without the unknown ones.
func idOf(names ...string) string {
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "" }), "/")
}

// hashedID bounds an id of a cost: the log takes at most 256 bytes.
func hashedID(id string) string {
	if len(id) <= 256 {
		return strings.ToValidUTF8(id, "\uFFFD")
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
