package transcript

import "fmt"

// codexAccount adds up what a thread has cost. Codex tells the running total of the
// thread, wherever it tells anything: at each response or turn, again when a thread is
// resumed, and a fork goes on counting from what its parent had. Newer files also have
// what each response alone has cost.
type codexAccount struct {
	thread  string
	fork    bool // the total goes on from the parent's
	based   bool // and base is known
	base    usage
	before  usage // what was counted before the total started again
	last    usage // the last total
	seen    recent[usage]
	largest usage // of what was told
	members usage // the sum over all responses that were told
	each    recent[usage]
}

// codexUsage converts amounts of tokens. What was read from the cache or written to it
// is a part of the input, and reasoning of the output.
func codexUsage(o object) usage {
	u := usage{
		output:     o.amount("output_tokens", "outputTokens"),
		cacheRead:  o.amount("cached_input_tokens", "cachedInputTokens"),
		cacheWrite: o.amount("cache_write_input_tokens", "cacheWriteInputTokens"),
	}
	u.input = o.amount("input_tokens", "inputTokens") - u.cacheRead - u.cacheWrite
	return u.clamped()
}

// inherited takes a total that is the parent's: what the fork repeats of it.
func (a *codexAccount) inherited(total usage) {
	a.base, a.based, a.last = total, true, total
	a.seen.put(total.key(), total)
}

// total takes the running total of the thread, and what the last response has added to
// it, if that is known.
func (a *codexAccount) total(total, added usage, out *output) {
	if total == (usage{}) && added == (usage{}) {
		return
	}
	if a.fork && !a.based {
		a.base, a.based = total.since(added), true
	}
	if from, anew := a.begunAnew(total, added); anew {
		a.before = a.before.plus(a.last).since(from)
	}
	a.last = total
	a.seen.put(total.key(), total)
	sum := a.before.plus(total).since(a.base)
	if a.members.most(sum) == a.members {
		return // the responses tell it
	}
	if a.thread == "" {
		out.cost(out.origin.Model, delta, sum.since(a.largest), nil)
	} else {
		out.cumulates(a.thread, out.origin.Model, sum)
	}
	a.largest = a.largest.most(sum)
}

// begunAnew reports whether a total does not go on from the last one, and what it goes
// on from: nothing, after the conversation was compacted, or what it was once, after
// the last turns were taken back.
func (a *codexAccount) begunAnew(total, added usage) (from usage, anew bool) {
	if total == a.last {
		return usage{}, false
	}
	if added != (usage{}) {
		from = total.since(added)
		_, known := a.seen.get(from.key())
		if known || from == (usage{}) {
			return from, from != a.last
		}
	}
	return usage{}, total.most(a.last) != total
}

// response takes what one response has cost. Those of another thread, which a fork may
// repeat, are counted where they belong.
func (a *codexAccount) response(thread, id string, u usage, out *output) {
	if a.thread == "" {
		a.thread = thread
	}
	if id == "" || thread != "" && thread != a.thread || a.thread == "" {
		return
	}
	// Only providers promise that ids are unique, and only some do.
	id = a.thread + "/" + id
	was, _ := a.each.get(id)
	now := was.most(u)
	a.each.put(id, now)
	a.members = a.members.plus(now.since(was))
	out.member(id, a.thread, out.origin.Model, u)
}

// key makes a name of amounts.
func (u usage) key() string { return fmt.Sprint(u) }
