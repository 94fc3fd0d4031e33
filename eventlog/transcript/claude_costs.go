package transcript

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// syntheticModel is the model of messages that Claude Code itself writes.
const syntheticModel = "<synthetic>"

// claudeCosts tells what messages and turns cost. There is an account for each model
// of a session: its members are the messages, which stand in the stream and in the
// files. All lines of a message repeat its usage, and in the stream the output is what
// was known when the message began. What a turn cost in truth, with subagents and
// requests that nobody sees, is in its result.
type claudeCosts struct {
	spent  map[string]claudeSpending // by message id, since the last result
	models map[string]struct{}       // that messages named, as claudeModel
	last   map[string]usage          // by model: what the result before came to
	total  float64                   // the money of the result before
	main   string                    // the account of the agent itself, the latest
}

type claudeSpending struct {
	account, model string
	usage          usage
}

// message tells what a message has cost so far. Amp's messages may have no id: what
// they say is as good.
func (c *claudeCosts) message(agent, session string, m object, model string, u usage, out *output) {
	if u.clamped() == (usage{}) {
		return
	}
	id := m.text("id")
	if id == "" && session != "" {
		sum := sha256.Sum256(m.value("content"))
		id = session + "/" + hex.EncodeToString(sum[:8])
	}
	name := claudeModel(model)
	account := claudeAccount(agent, session, name)
	if !out.nested() {
		c.main = account
	}
	if id != "" && len(c.spent) < remembered {
		if c.spent == nil {
			c.spent = map[string]claudeSpending{}
		}
		c.spent[id] = claudeSpending{account, model, c.spent[id].usage.most(u)}
	}
	if c.models == nil {
		c.models = map[string]struct{}{}
	}
	if len(c.models) < 100 {
		c.models[name] = struct{}{}
	}
	out.member(id, account, model, u)
}

// grow tells what a message cost that was reported before.
func (c *claudeCosts) grow(id string, u usage, out *output) {
	if was, known := c.spent[id]; known {
		was.usage = was.usage.most(u)
		c.spent[id] = was
		out.member(id, was.account, was.model, was.usage)
	}
}

// result tells what a turn cost. Money and modelUsage are running sums of the process,
// subagents included, and usage is of the turn, without them. Up to 2.1.197 the sums
// of a resumed session begin at 0. Newer ones go on from the session's, and in a fork
// from its parent's, which it does not name: their results have the turn's own part
// besides, in model_usage_since_last_result.
func (c *claudeCosts) result(agent, session string, o object, out *output) {
	turn := cmp.Or(o.text("uuid"), fmt.Sprintf("%s/%g/%g/%g", session, o.amount("num_turns"), o.amount("duration_ms"), o.amount("total_cost_usd")))
	total := o.amount("total_cost_usd")
	models := c.byModel(o.object("modelUsage"))
	since := c.byModel(o.object("model_usage_since_last_result"))
	sum := 0.0
	for _, model := range slices.Sorted(maps.Keys(models)) {
		u, account := models[model].usage, claudeAccount(agent, session, model)
		name := models[model].model
		sum += u.usd
		if since != nil {
			out.turn(account, turn, name, since[model].usage)
			continue
		}
		own, exact := c.own(account, u, c.last[model], o)
		if !exact {
			out.cumulates(account, name, u)
		}
		out.turn(account, turn, name, own)
	}
	switch {
	case len(models) == 0:
		c.withoutModels(agent, session, turn, total, o, out)
	case total-sum > 1e-6: // more than a rounding error
		out.cumulates(claudeAccount(agent, session, ""), "", usage{usd: total - sum})
	}
	c.last = map[string]usage{}
	for model, s := range models {
		c.last[model] = s.usage
	}
	c.total = max(c.total, total)
	c.spent = nil
}

// own returns what a turn cost of a model whose running sum is u, and whether that is
// all of it.
func (c *claudeCosts) own(account string, u, last usage, o object) (own usage, exact bool) {
	if last != (usage{}) && u.most(last) == u {
		return u.since(last), true
	}
	// It is the first result that is seen here. Either the process has just begun, or
	// the transcript begins in the middle of it.
	var known usage
	for _, s := range c.spent {
		if s.account == account {
			known = known.plus(s.usage)
		}
	}
	if account == c.main || c.main == "" && len(o.object("modelUsage")) == 1 {
		known = known.most(claudeUsage(o.object("usage")))
	}
	if known.input == u.input && known.cacheRead == u.cacheRead && known.cacheWrite == u.cacheWrite {
		return u, true
	}
	if all := u.weight(); all > 0 {
		known.usd = u.usd * min(1, known.weight()/all)
	}
	return known, false
}

// weight returns tokens in the proportions of their prices, which are the same for all
// models of Claude.
func (u usage) weight() float64 {
	return u.input + 5*u.output + 0.1*u.cacheRead + 1.25*u.cacheWrite
}

// withoutModels tells what a turn cost where its result names no models.
func (c *claudeCosts) withoutModels(agent, session, turn string, total float64, o object, out *output) {
	u := claudeUsage(o.object("usage"))
	model := out.origin.Model
	account := cmp.Or(c.main, claudeAccount(agent, session, claudeModel(model)))
	if agent == amp {
		// Nothing says whether it is of the turn or of all. Messages tell the same.
		out.cumulates(account, model, u)
		return
	}
	u.usd = max(0, total-c.total)
	out.turn(account, turn, model, u)
	out.cumulates(account, model, usage{usd: total})
}

// state tells what a session has cost by the line that its file keeps of it.
func (c *claudeCosts) state(session string, o object, out *output) {
	models := c.byModel(o.object("modelUsage"))
	for _, model := range slices.Sorted(maps.Keys(models)) {
		out.cumulates(claudeAccount("", session, model), models[model].model, models[model].usage)
	}
}

// byModel reads usage by model. Names that differ only in what the account of a model
// does not depend on are one. It returns nil for nothing.
func (c *claudeCosts) byModel(o object) map[string]claudeSpending {
	if len(o) == 0 {
		return nil
	}
	models := map[string]claudeSpending{}
	for _, f := range o.sorted() {
		name := string(f.name)
		key := claudeModel(name)
		was := models[key]
		models[key] = claudeSpending{model: cmp.Or(was.model, name), usage: was.usage.plus(claudeUsage(parseObject(f.value)))}
	}
	// A gateway may answer with another model than was asked for. Where one name is
	// left on both sides, they are the same.
	asked, answered := "", ""
	for key := range models {
		if _, known := c.models[key]; !known {
			if asked != "" {
				return models
			}
			asked = key
		}
	}
	for key := range c.models {
		if _, known := models[key]; !known {
			if answered != "" {
				return models
			}
			answered = key
		}
	}
	if asked != "" && answered != "" {
		models[answered] = models[asked]
		delete(models, asked)
	}
	return models
}

// claudeAccount names the account of a model in a session, by what claudeModel calls it.
func claudeAccount(agent, session, model string) string {
	if agent == amp {
		return session // it tells nothing by model
	}
	return session + "/" + model
}

// What does not belong to a model's name: the size of its context, a date, a version of
// Bedrock's.
var notOfModel = regexp.MustCompile(`\[[^\]]*\]$|-v[0-9]+(:[0-9]+)?$|[-@][0-9]{8}$|-latest$`)

// claudeModel returns the name of a model without what differs between the places that
// name it: "us.anthropic.claude-sonnet-4-5-20250929-v1:0" is "claude-sonnet-4-5".
func claudeModel(name string) string {
	if i := strings.Index(name, "claude-"); i > 0 {
		name = name[i:]
	}
	for {
		short := notOfModel.ReplaceAllString(name, "")
		if short == name || short == "" {
			return name
		}
		name = short
	}
}

// claudeUsage reads the usage of a message or a result, and of modelUsage.
func claudeUsage(o object) usage {
	return usage{
		usd:        o.amount("costUSD"),
		input:      o.amount("input_tokens", "inputTokens"),
		output:     o.amount("output_tokens", "outputTokens"),
		cacheRead:  o.amount("cache_read_input_tokens", "cacheReadInputTokens"),
		cacheWrite: o.amount("cache_creation_input_tokens", "cacheCreationInputTokens"),
	}
}
