package transcript_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// spent is what costs add up to, for a test's eyes.
type spent struct{ USD, Input, Output, CacheRead, CacheWrite float64 }

func asSpent(s costSum) spent { return spent{s.usd, s.input, s.output, s.cacheRead, s.cacheWrite} }

func checkSum(t testing.TB, events []eventlog.Event, want spent) {
	t.Helper()
	got := asSpent(sumOf(t, events))
	if fmt.Sprintf("%.6f", got) != fmt.Sprintf("%.6f", want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheAccountsOfTheFixturesAddUp(t *testing.T) {
	for format, want := range map[transcript.Format]spent{
		transcript.Gemini:         {Input: 50, Output: 30, CacheRead: 100},
		transcript.GeminiChat:     {Input: 60, Output: 21, CacheRead: 100},
		transcript.Qwen:           {Input: 80, Output: 20, CacheRead: 160},
		transcript.QwenSession:    {Input: 70, Output: 18, CacheRead: 100},
		transcript.OpenCode:       {USD: 0.003, Input: 60, Output: 25, CacheRead: 90, CacheWrite: 5},
		transcript.OpenCodeExport: {USD: 0.75, Input: 50 + 100, Output: 20, CacheRead: 100},
		transcript.Cursor:         {Input: 100, Output: 20, CacheRead: 50},
		transcript.Copilot:        {Input: 100, Output: 30, CacheRead: 400},
		transcript.OpenHands:      {USD: 0.04, Input: 300, Output: 65, CacheRead: 800, CacheWrite: 100},
	} {
		t.Run(string(format), func(t *testing.T) {
			checkSum(t, convert(t, format, string(fixture(t, format))), want)
		})
	}
}

// Whatever is given of the same files, in which order, how often, and how grown: the
// sum is the sum of all of them.
func TestAnySplitOrderRepetitionAndGrowthOfFilesGivesTheSameSum(t *testing.T) {
	for _, format := range []transcript.Format{
		transcript.Gemini, transcript.GeminiChat, transcript.Qwen, transcript.QwenSession, transcript.OpenCode, transcript.OpenCodeServer,
		transcript.OpenCodeExport, transcript.Cursor, transcript.Copilot, transcript.Pi, transcript.OpenHands,
	} {
		t.Run(string(format), func(t *testing.T) {
			input := fixture(t, format)
			want := asSpent(sumOf(t, convert(t, format, string(input))))
			random := rand.New(rand.NewPCG(1, 2))
			lines := slices.Collect(bytes.Lines(input))
			for range 20 {
				runs := [][]eventlog.Event{feed(converter(t, format, nil), input, 0)}
				for range random.IntN(3) {
					grown := bytes.Join(lines[:random.IntN(len(lines)+1)], nil)
					runs = append(runs, feed(converter(t, format, nil), grown, 0))
				}
				random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
				checkSum(t, slices.Concat(runs...), want)
			}
		})
	}
}

// A run that was recorded live and is imported from the agent's disk afterwards, or the
// other way round, counts once.
func TestALiveRunAndItsFileCountOnce(t *testing.T) {
	lines := func(all ...string) string { return strings.Join(all, "\n") + "\n" }
	for name, test := range map[string]struct {
		live, disk []string
		formats    [2]transcript.Format
		want       spent
	}{
		"gemini, resumed once": {
			formats: [2]transcript.Format{transcript.Gemini, transcript.GeminiChat},
			live: []string{
				lines(`{"type":"init","timestamp":"2026-11-01T10:00:00Z","session_id":"g","model":"m"}`,
					`{"type":"result","timestamp":"2026-11-01T10:00:09Z","status":"success","stats":{"models":{"m":{"total_tokens":110,"input_tokens":100,"output_tokens":10,"cached":60,"input":40}}}}`),
				lines(`{"type":"init","timestamp":"2026-11-01T11:00:00Z","session_id":"g","model":"m"}`,
					`{"type":"result","timestamp":"2026-11-01T11:00:09Z","status":"success","stats":{"models":{"m":{"total_tokens":52,"input_tokens":50,"output_tokens":2,"cached":0,"input":50}}}}`),
			},
			disk: []string{lines(`{"sessionId":"g","projectHash":"0","startTime":"2026-11-01T10:00:00Z","lastUpdated":"2026-11-01T10:00:00Z"}`,
				`{"id":"1","timestamp":"2026-11-01T10:00:08Z","type":"gemini","content":"a","model":"m","tokens":{"input":100,"output":10,"cached":60,"thoughts":0,"tool":0,"total":110}}`,
				`{"id":"2","timestamp":"2026-11-01T11:00:08Z","type":"gemini","content":"b","model":"m","tokens":{"input":50,"output":2,"cached":0,"thoughts":0,"tool":0,"total":52}}`)},
			want: spent{Input: 90, Output: 12, CacheRead: 60},
		},
		"qwen, resumed once, with a subagent": {
			formats: [2]transcript.Format{transcript.Qwen, transcript.QwenSession},
			live: []string{
				lines(`{"type":"system","subtype":"init","session_id":"q","qwen_code_version":"1","model":"m"}`,
					`{"type":"result","subtype":"success","session_id":"q","is_error":false,"result":"","usage":{"input_tokens":100,"output_tokens":10,"cache_read_input_tokens":60,"total_tokens":110}}`),
				lines(`{"type":"system","subtype":"init","session_id":"q","qwen_code_version":"1","model":"m"}`,
					`{"type":"result","subtype":"success","session_id":"q","is_error":false,"result":"","usage":{"input_tokens":150,"output_tokens":12,"cache_read_input_tokens":60,"total_tokens":162}}`),
			},
			disk: []string{
				lines(`{"uuid":"1","sessionId":"q","timestamp":"2026-11-01T10:00:00Z","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","event.timestamp":"1","response_id":"r","model":"m","input_token_count":100,"output_token_count":10,"cached_content_token_count":60,"total_token_count":110}}}`,
					`{"uuid":"2","sessionId":"q","timestamp":"2026-11-01T11:00:00Z","type":"system","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","event.timestamp":"2","response_id":"r","model":"m","input_token_count":50,"output_token_count":2,"cached_content_token_count":0,"total_token_count":52,"subagent_id":"x-c1","subagent_name":"x"}}}`),
				lines(`{"uuid":"3","sessionId":"q","timestamp":"2026-11-01T11:00:00Z","type":"assistant","isSidechain":true,"agentId":"x-c1","agentName":"x","message":{"role":"model","parts":[{"text":"b"}]},"usageMetadata":{"promptTokenCount":50,"candidatesTokenCount":2,"totalTokenCount":52}}`),
			},
			want: spent{Input: 90, Output: 12, CacheRead: 60},
		},
		"opencode": {
			formats: [2]transcript.Format{transcript.OpenCode, transcript.OpenCodeExport},
			live:    []string{lines(`{"type":"step_finish","sessionID":"s","part":{"id":"p1","messageID":"m1","reason":"stop","cost":0.5,"tokens":{"input":10,"output":2,"reasoning":1,"cache":{"read":5,"write":0}}}}`)},
			disk:    []string{lines(`{"info":{"id":"s"},"messages":[{"info":{"id":"m1","role":"assistant"},"parts":[{"id":"p1","type":"step-finish","reason":"stop","cost":0.5,"tokens":{"input":10,"output":2,"reasoning":1,"cache":{"read":5,"write":0}}}]}]}`)},
			want:    spent{USD: 0.5, Input: 10, Output: 3, CacheRead: 5},
		},
		"pi, forked": {
			formats: [2]transcript.Format{transcript.Pi, transcript.Pi},
			live: []string{lines(`{"type":"session","id":"p","timestamp":"2026-11-01T10:00:00Z","cwd":"/"}`,
				`{"type":"message_end","message":{"role":"assistant","content":[],"model":"m","responseId":"r","stopReason":"stop","timestamp":1790000000000,"usage":{"input":10,"output":2,"cacheRead":5,"cacheWrite":0,"cost":{"total":0.5}}}}`)},
			disk: []string{lines(`{"type":"session","id":"fork","timestamp":"2026-11-01T11:00:00Z","cwd":"/","parentSession":"/s/x_p.jsonl"}`,
				`{"type":"message","id":"1","parentId":null,"timestamp":"2026-11-01T10:00:00Z","message":{"role":"assistant","content":[],"model":"m","responseId":"r","stopReason":"stop","timestamp":1790000000000,"usage":{"input":10,"output":2,"cacheRead":5,"cacheWrite":0,"cost":{"total":0.5}}}}`)},
			want: spent{USD: 0.5, Input: 10, Output: 2, CacheRead: 5},
		},
		"copilot, resumed once": {
			formats: [2]transcript.Format{transcript.Copilot, transcript.Copilot},
			live: []string{
				lines(`{"type":"session.start","data":{"sessionId":"c"}}`, `{"type":"assistant.message","data":{"messageId":"m1","model":"m","content":"a","outputTokens":10}}`),
				lines(`{"type":"session.start","data":{"sessionId":"c"}}`, `{"type":"assistant.message","data":{"messageId":"m2","model":"m","content":"b","outputTokens":2}}`),
			},
			disk: []string{lines(`{"type":"session.start","data":{"sessionId":"c"}}`, `{"type":"assistant.message","data":{"messageId":"m1","model":"m","content":"a","outputTokens":10}}`,
				`{"type":"session.shutdown","data":{"shutdownType":"routine","modelMetrics":{"m":{"usage":{"inputTokens":100,"outputTokens":10,"cacheReadTokens":60}}}}}`,
				`{"type":"session.resume","data":{}}`, `{"type":"assistant.message","data":{"messageId":"m2","model":"m","content":"b","outputTokens":2}}`,
				`{"type":"session.shutdown","data":{"shutdownType":"routine","modelMetrics":{"m":{"usage":{"inputTokens":150,"outputTokens":12,"cacheReadTokens":60}}}}}`)},
			want: spent{Input: 90, Output: 12, CacheRead: 60},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var runs [][]eventlog.Event
			for i, inputs := range [][]string{test.live, test.disk} {
				for _, input := range inputs {
					runs = append(runs, convert(t, test.formats[i], input))
				}
			}
			checkSum(t, slices.Concat(runs...), test.want)
			slices.Reverse(runs)
			checkSum(t, slices.Concat(runs...), test.want)
			checkSum(t, slices.Concat(append(runs, runs...)...), test.want)
		})
	}
}
