package transcript_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// claudeTokens is an amount of tokens, of which an answer costs 5 times as much as a question.
type claudeTokens struct{ in, out int }

func (s claudeTokens) usd() float64 { return float64(s.in)*3e-6 + float64(s.out)*15e-6 }

func (s claudeTokens) plus(o claudeTokens) claudeTokens {
	return claudeTokens{s.in + o.in, s.out + o.out}
}

// turnOf writes what a process prints of a turn: messages, of which the stream does not
// know the output, and a result. Before is what the running sum was.
type turnOf struct {
	session, init, result string
	before                claudeTokens
	messages              []claudeTokens
	since                 bool // the version tells what the turn alone cost
	subagent              int  // how many of the messages are a subagent's
}

func (u turnOf) sum() (all, main claudeTokens) {
	for i, m := range u.messages {
		all = all.plus(m)
		if i >= u.subagent {
			main = main.plus(m)
		}
	}
	return all, main
}

func modelUsage(s claudeTokens) string {
	return fmt.Sprintf(`{"claude-sonnet-4-5-20250929":{"inputTokens":%d,"outputTokens":%d,"costUSD":%g}}`, s.in, s.out, s.usd())
}

func (u turnOf) lines() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":"system","subtype":"init","session_id":%q,"uuid":%q,"model":"claude-sonnet-4-5-20250929[1m]"}`+"\n", u.session, u.init)
	for i, m := range u.messages {
		parent := "null"
		if i < u.subagent {
			parent = `"call"`
		}
		fmt.Fprintf(&b, `{"type":"assistant","session_id":%q,"uuid":"%s-%d","parent_tool_use_id":%s,"message":{"id":"%s-%d","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"%d"}],"usage":{"input_tokens":%d,"output_tokens":1}}}`+"\n",
			u.session, u.result, i, parent, u.result, i, i, m.in)
	}
	all, main := u.sum()
	since := ""
	if u.since {
		since = `,"model_usage_since_last_result":` + modelUsage(all)
	}
	now := u.before.plus(all)
	fmt.Fprintf(&b, `{"type":"result","subtype":"success","is_error":false,"session_id":%q,"uuid":%q,"result":"","total_cost_usd":%g,"usage":{"input_tokens":%d,"output_tokens":%d},"modelUsage":%s%s}`+"\n",
		u.session, u.result, now.usd(), main.in, main.out, modelUsage(now), since)
	return b.String()
}

// file writes what stands on the disk of the same turn, of which the session may be a
// copy.
func (u turnOf) file(session string) string {
	var b strings.Builder
	for i, m := range u.messages {
		copied := ""
		if session != u.session {
			copied = fmt.Sprintf(`"requestSessionId":%q,`, u.session)
		}
		fmt.Fprintf(&b, `{"type":"assistant","sessionId":%q,%s"uuid":"%s-%s-%d","message":{"id":"%s-%d","model":"claude-sonnet-4-5-20250929","stop_reason":"end_turn","content":[{"type":"text","text":"%d"}],"usage":{"input_tokens":%d,"output_tokens":%d}}}`+"\n",
			session, copied, session, u.result, i, u.result, i, i, m.in, m.out)
	}
	return b.String()
}

func costState(session string, s claudeTokens) string {
	return fmt.Sprintf(`{"type":"cost-state","sessionId":%q,"totalCostUSD":%g,"modelUsage":%s}`+"\n", session, s.usd(), modelUsage(s))
}

func TestWhatClaudeCostsCountsOnceWhateverIsRecorded(t *testing.T) {
	first := turnOf{session: "s", init: "i1", result: "r1", messages: []claudeTokens{{100, 40}, {200, 50}}}
	second := turnOf{session: "s", init: "i2", result: "r2", messages: []claudeTokens{{300, 60}}}
	a, _ := first.sum()
	b, _ := second.sum()
	both := a.plus(b)

	sameProcess := second
	sameProcess.before = a
	newer, goesOn, fork := first, sameProcess, sameProcess
	newer.since, goesOn.since, fork.since = true, true, true
	fork.session = "fork"
	subagent := first
	subagent.subagent = 1

	for name, test := range map[string]struct {
		want claudeTokens
		runs []string
	}{
		"one turn":                                       {a, []string{first.lines()}},
		"two turns of a process":                         {both, []string{first.lines() + sameProcess.lines()}},
		"two turns of a process, in two files":           {both, []string{first.lines(), sameProcess.lines()}},
		"a session resumed by an older version":          {both, []string{first.lines(), second.lines()}},
		"a session resumed by a newer version":           {both, []string{newer.lines(), goesOn.lines()}},
		"a fork":                                         {both, []string{newer.lines(), fork.lines()}},
		"a fork alone":                                   {b, []string{fork.lines()}},
		"a subagent":                                     {a, []string{subagent.lines()}},
		"a subagent and a turn more":                     {both, []string{subagent.lines(), second.lines()}},
		"a file":                                         {a, []string{first.file("s")}},
		"a file and what it came to":                     {a, []string{first.file("s") + costState("s", a)}},
		"a run and its file":                             {a, []string{first.lines(), first.file("s") + costState("s", a)}},
		"a file that has grown":                          {both, []string{first.file("s") + costState("s", a), first.file("s") + costState("s", a) + second.file("s") + costState("s", both)}},
		"a resumed run and its file":                     {both, []string{newer.lines(), goesOn.lines(), first.file("s") + second.file("s") + costState("s", both)}},
		"a run resumed by an older version and its file": {both, []string{first.lines(), second.lines(), first.file("s") + second.file("s")}},
		"a fork's file and its parent's":                 {both, []string{first.file("s") + costState("s", a), first.file("fork") + fork.file("fork") + costState("fork", both)}},
		"a fork's run, its file and its parent's":        {both, []string{fork.lines(), newer.lines(), first.file("fork") + fork.file("fork") + costState("fork", both), first.file("s") + costState("s", a)}},
	} {
		t.Run(name, func(t *testing.T) {
			usd := test.want.usd()
			switch {
			case !strings.Contains(strings.Join(test.runs, ""), "costUSD"):
				usd = 0
			case name == "a fork's file and its parent's":
				usd = a.usd() // what the fork's file says of money is of both, and not used
			}
			for range 20 {
				var runs [][]eventlog.Event
				for _, i := range rand.Perm(2 * len(test.runs)) {
					runs = append(runs, convert(t, transcript.Auto, test.runs[i%len(test.runs)]))
				}
				checkWorth(t, usd, uint64(test.want.in), uint64(test.want.out), runs...)
			}
		})
	}
}

func TestWhatARunCostsShowsWhileItRuns(t *testing.T) {
	input := stream(
		`{"type":"stream_event","event":{"type":"message_start","message":{"id":"m","model":"claude-opus-4-5","usage":{"input_tokens":9,"output_tokens":1}}}}`,
		`{"type":"stream_event","event":{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}}`,
		`{"type":"assistant","message":{"id":"m","model":"claude-opus-4-5","content":[{"type":"text","text":"Hi."}],"usage":{"input_tokens":9,"output_tokens":1}}}`)
	events := convert(t, transcript.Claude, input)
	if n := len(ofType(events, eventlog.TypeCost)); n != 2 {
		t.Errorf("%d costs: %s", n, lines(events))
	}
	checkWorth(t, 0, 9, 7, events)
}

func TestOneModelUnderSeveralNamesHasOneAccount(t *testing.T) {
	message := `{"type":"assistant","message":{"id":"m","model":%q,"content":[{"type":"text","text":"Hi."}],"usage":{"input_tokens":9,"output_tokens":1}}}`
	result := `{"type":"result","subtype":"success","is_error":false,"result":"","total_cost_usd":0.5,"usage":{"input_tokens":9,"output_tokens":4},"modelUsage":{%q:{"inputTokens":9,"outputTokens":4,"costUSD":0.5}}}`
	for _, names := range [][2]string{
		{"claude-opus-4-8", "claude-opus-4-8[1m]"},
		{"claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
		{"claude-sonnet-4-5-20250929", "claude-sonnet-4-5@20250929"},
		{"claude-sonnet-4-5-20250929", "claude-sonnet-4-5"},
		{"glm-5", "claude-sonnet-4-5"}, // a gateway
	} {
		checkWorth(t, 0.5, 9, 4, convert(t, transcript.Claude, stream(fmt.Sprintf(message, names[0]), fmt.Sprintf(result, names[1]))))
	}
}

func TestMoneyBeyondTheModelsCounts(t *testing.T) {
	checkWorth(t, 0.75, 9, 4, convert(t, transcript.Claude, stream(
		`{"type":"result","subtype":"success","is_error":false,"result":"","total_cost_usd":0.75,"modelUsage":{"a":{"inputTokens":9,"outputTokens":4,"costUSD":0.5}}}`)))
}

func TestAmpCountsMessagesAndResultsOnce(t *testing.T) {
	message := `{"type":"assistant","session_id":"T-1","message":{"type":"message","role":"assistant","content":[{"type":"text","text":"%s"}],"usage":{"input_tokens":10,"output_tokens":5}}}` + "\n"
	one := fmt.Sprintf(message, "a") + fmt.Sprintf(message, "b")
	result := `{"type":"result","subtype":"success","is_error":false,"session_id":"T-1","usage":{"input_tokens":20,"output_tokens":12}}` + "\n"
	checkWorth(t, 0, 20, 10, convert(t, transcript.Amp, one), convert(t, transcript.Amp, one))
	checkWorth(t, 0, 20, 12, convert(t, transcript.Amp, one+result), convert(t, transcript.Amp, one))
}

// The project's own examples of the formats.
func TestTotalsOfTheExamplesOfClaudeAndAmp(t *testing.T) {
	for format, want := range map[transcript.Format]struct {
		usd           float64
		input, output uint64
	}{
		transcript.Claude:        {0.06, 3 + 1 + 5 + 8 + 3, 61 + 70}, // messages name more input, results more output
		transcript.ClaudeSession: {0, 10 + 4 + 1, 42 + 6 + 3},
		transcript.Amp:           {0, 30, 8},
	} {
		t.Run(string(format), func(t *testing.T) {
			checkWorth(t, want.usd, want.input, want.output, feed(converter(t, format, nil), fixture(t, format), 0))
		})
	}
}
