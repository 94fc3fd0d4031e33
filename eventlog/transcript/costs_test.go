package transcript_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// costSum is what costs add up to.
type costSum struct {
	usd, input, output, cacheRead, cacheWrite float64
}

func (s costSum) plus(o costSum) costSum {
	return costSum{s.usd + o.usd, s.input + o.input, s.output + o.output, s.cacheRead + o.cacheRead, s.cacheWrite + o.cacheWrite}
}

func (s costSum) most(o costSum) costSum {
	return costSum{max(s.usd, o.usd), max(s.input, o.input), max(s.output, o.output), max(s.cacheRead, o.cacheRead), max(s.cacheWrite, o.cacheWrite)}
}

// costAccount is what was said of one account: as a whole, and of its members.
type costAccount struct {
	whole   costSum
	members map[string]costSum
}

// sumOf adds up the costs of sessions in the order of their recording, by the rules of
// the log: of each account the larger one of what was said of it as a whole and of the
// sum of its members, of each of these the largest value. Costs without an id count as
// they come, or by how much they grow.
func sumOf(t testing.TB, sessions ...[]eventlog.Event) costSum {
	t.Helper()
	var sum costSum
	accounts := map[string]*costAccount{}
	for _, events := range sessions {
		var agent string
		grown := map[string]costSum{}
		for _, e := range events {
			var d struct {
				Agent  string  `json:"agent"`
				ID     string  `json:"id"`
				PartOf string  `json:"part_of"`
				Scope  string  `json:"scope"`
				Model  string  `json:"model"`
				USD    float64 `json:"usd"`
				In     float64 `json:"input_tokens"`
				Out    float64 `json:"output_tokens"`
				Read   float64 `json:"cache_read_tokens"`
				Write  float64 `json:"cache_write_tokens"`
			}
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			if e.Type == transcript.TypeSession && d.Agent != "" {
				agent = d.Agent
			}
			if e.Type != eventlog.TypeCost {
				continue
			}
			u := costSum{d.USD, d.In, d.Out, d.Read, d.Write}
			switch {
			case d.ID != "":
				name := d.PartOf
				if name == "" {
					name = d.ID
				}
				a := accounts[agent+"\x00"+name]
				if a == nil {
					a = &costAccount{members: map[string]costSum{}}
					accounts[agent+"\x00"+name] = a
				}
				if d.PartOf == "" {
					a.whole = a.whole.most(u)
				} else {
					a.members[d.ID] = a.members[d.ID].most(u)
				}
			case d.Scope == "cumulative":
				grown[d.Model] = grown[d.Model].most(u)
			default:
				sum = sum.plus(u)
			}
		}
		for _, u := range grown {
			sum = sum.plus(u)
		}
	}
	for _, a := range accounts {
		var members costSum
		for _, u := range a.members {
			members = members.plus(u)
		}
		sum = sum.plus(a.whole.most(members))
	}
	return sum
}

// sumOfFiles converts files, each as one session, and adds up their costs.
func sumOfFiles(t testing.TB, files ...string) costSum {
	t.Helper()
	var sessions [][]eventlog.Event
	for _, file := range files {
		sessions = append(sessions, feed(converter(t, transcript.Auto, nil), []byte(file), 0))
	}
	return sumOf(t, sessions...)
}

// codexUsed is the usage of one response, as Codex writes it.
type codexUsed struct{ input, cached, written, output int }

func (u codexUsed) plus(o codexUsed) codexUsed {
	return codexUsed{u.input + o.input, u.cached + o.cached, u.written + o.written, u.output + o.output}
}

func (u codexUsed) json() string {
	return fmt.Sprintf(`{"input_tokens":%d,"cached_input_tokens":%d,"cache_write_input_tokens":%d,"output_tokens":%d,"total_tokens":%d}`,
		u.input, u.cached, u.written, u.output, u.input+u.output)
}

func (u codexUsed) sum() costSum {
	return costSum{input: float64(u.input - u.cached - u.written), output: float64(u.output), cacheRead: float64(u.cached), cacheWrite: float64(u.written)}
}

// codexThread writes the files of a thread that never was.
type codexThread struct {
	id      string
	clock   int // milliseconds
	lines   []string
	total   codexUsed
	truth   codexUsed
	answers int
}

func (c *codexThread) line(kind, payload string) {
	c.lines = append(c.lines, fmt.Sprintf(`{"timestamp":"2026-09-01T10:%02d:%02d.%03dZ","type":%q,"payload":%s}`,
		c.clock/60000%60, c.clock/1000%60, c.clock%1000, kind, payload))
}

func (c *codexThread) meta(more string) {
	c.line("session_meta", fmt.Sprintf(`{"id":%q%s}`, c.id, more))
}

// answer adds a turn of one response. Newer versions write a record of it, too.
func (c *codexThread) answer(r *rand.Rand, recorded bool) {
	u := codexUsed{input: 200 + r.IntN(900), output: r.IntN(90)}
	u.cached, u.written = r.IntN(u.input/2), r.IntN(u.input/4)
	c.clock += 2000
	c.answers++
	c.line("event_msg", `{"type":"task_started"}`)
	c.line("response_item", fmt.Sprintf(`{"type":"message","role":"user","content":[{"type":"input_text","text":"Question %d"}]}`, c.answers))
	c.clock += 1500
	c.line("response_item", fmt.Sprintf(`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Answer %d"}]}`, c.answers))
	c.total, c.truth = c.total.plus(u), c.truth.plus(u)
	if recorded {
		c.line("token_usage_record", fmt.Sprintf(`{"thread_id":%q,"response_id":"resp_%d","usage":%s,"thread_token_usage":%s}`, c.id, c.answers, u.json(), c.total.json()))
	}
	for range 1 + r.IntN(2) { // it is often told twice
		c.line("event_msg", fmt.Sprintf(`{"type":"token_count","info":{"total_token_usage":%s,"last_token_usage":%s}}`, c.total.json(), u.json()))
	}
	c.line("event_msg", `{"type":"task_complete","last_agent_message":"Answer"}`)
}

// turnsOfExec is what exec --json prints of some turns, of which it only tells the sum.
func (c *codexThread) turnsOfExec() string {
	return fmt.Sprintf("{\"type\":\"thread.started\",\"thread_id\":%q}\n{\"type\":\"turn.started\"}\n{\"type\":\"turn.completed\",\"usage\":%s}\n", c.id, c.total.json())
}

func (c *codexThread) file() string { return strings.Join(c.lines, "\n") + "\n" }

// fork begins a thread that goes on from another one: its lines are repeated, or only
// pointed to.
func (c *codexThread) fork(id string, repeated bool) *codexThread {
	f := &codexThread{id: id, clock: c.clock + 60_000, total: c.total, answers: c.answers}
	if !repeated {
		f.meta(fmt.Sprintf(`,"forked_from_id":%q,"history_base":{"thread_id":%q,"end_ordinal_exclusive":9},"history_mode":"paginated"`, c.id, c.id))
		return f
	}
	f.meta(fmt.Sprintf(`,"forked_from_id":%q`, c.id))
	for _, line := range c.lines { // rewritten, all at the same time
		var l struct {
			Type    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			panic(err)
		}
		f.line(l.Type, string(l.Payload))
		f.clock++
	}
	return f
}

// What is imported, and in which order, changes nothing about the sum: files that have
// grown since, the same file again, a fork without or before its parent, and runs that
// were recorded while they went on.
func TestCodexTokensCountOnceWhateverIsImported(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		recordedFrom := r.IntN(8) // later versions record each response
		thread := &codexThread{id: "thread-1"}
		thread.meta("")
		var files []string
		restarts := r.IntN(2) == 0
		for i := range 1 + r.IntN(5) {
			if restarts && i > 0 && r.IntN(3) == 0 {
				thread.line("compacted", `{"message":"So far."}`)
				thread.total = codexUsed{}
			}
			thread.answer(r, i >= recordedFrom)
			if !restarts {
				files = append(files, thread.turnsOfExec())
			}
		}
		fork := thread.fork("thread-2", r.IntN(2) == 0)
		for i := range r.IntN(4) {
			fork.answer(r, i >= recordedFrom)
		}
		files = append(files, thread.file(), fork.file())

		var imports []string
		for range r.IntN(6) {
			lines := bytes.SplitAfter([]byte(files[r.IntN(len(files))]), []byte("\n"))
			imports = append(imports, string(bytes.Join(lines[:r.IntN(len(lines))+1], nil)))
		}
		r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		imports = append(imports, files...)

		want := thread.truth.plus(fork.truth).sum()
		if got := sumOfFiles(t, imports...); got != want {
			t.Fatalf("seed %d: got %+v, want %+v of\n%s", seed, got, want, strings.Join(imports, "--\n"))
		}
		want = fork.truth.sum()
		if got := sumOfFiles(t, fork.file()); got != want {
			t.Fatalf("seed %d: the fork alone: got %+v, want %+v of\n%s", seed, got, want, fork.file())
		}
	}
}
