package price_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/router/price"
)

// TestNamesOfModelsFindTheirPrice has the ids that providers, clouds and routers
// document, and the row of the table that is meant.
func TestNamesOfModelsFindTheirPrice(t *testing.T) {
	for name, row := range map[string]string{
		// Anthropic
		"claude-opus-5-5":             "claude-opus-5-5",
		"claude-opus-4-5":             "claude-opus-4-5",
		"claude-opus-4-5-20251101":    "claude-opus-4-5",
		"claude-opus-4-1-20250805":    "claude-opus-4-1",
		"claude-opus-4-20250514":      "claude-opus-4",
		"claude-sonnet-4-5-20250929":  "claude-sonnet-4-5",
		"claude-sonnet-4-20250514":    "claude-sonnet-4",
		"claude-haiku-4-5-20251001":   "claude-haiku-4-5",
		"claude-3-7-sonnet-latest":    "claude-3-7-sonnet",
		"claude-3-5-haiku-20241022":   "claude-3-5-haiku",
		"Claude-Opus-4-5":             "claude-opus-4-5",
		"claude-opus-4-6[1m]":         "claude-opus-4-6",
		"claude-sonnet-5-5[1m]":       "claude-sonnet-5-5",
		"claude-opus-4-5-thinking":    "claude-opus-4-5",
		"anthropic/claude-opus-4.5":   "claude-opus-4-5",
		"anthropic/claude-3.5-sonnet": "claude-3-5-sonnet",
		"claude-sonnet-4.5":           "claude-sonnet-4-5",
		"claude-4.5-sonnet":           "claude-sonnet-4-5",
		"claude-4-sonnet":             "claude-sonnet-4",
		"claude-4.5-opus-high":        "claude-opus-4-5",
		"claude-4-opus-20250514":      "claude-opus-4",
		// Amazon Bedrock
		"anthropic.claude-haiku-5-5":                                                                          "claude-haiku-5-5",
		"anthropic.claude-opus-4-5-20251101-v1:0":                                                             "claude-opus-4-5",
		"us.anthropic.claude-opus-4-5-20251101-v1:0":                                                          "claude-opus-4-5",
		"global.anthropic.claude-sonnet-4-5-20250929-v1:0":                                                    "claude-sonnet-4-5",
		"eu.anthropic.claude-3-7-sonnet-20250219-v1:0":                                                        "claude-3-7-sonnet",
		"apac.anthropic.claude-sonnet-4-20250514-v1:0":                                                        "claude-sonnet-4",
		"anthropic.claude-3-5-sonnet-20241022-v2:0":                                                           "claude-3-5-sonnet",
		"bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0":                                                 "claude-haiku-4-5",
		"amazon-bedrock/anthropic.claude-opus-4-6-v1":                                                         "claude-opus-4-6",
		"us.anthropic.claude-opus-4-6-v1[1m]":                                                                 "claude-opus-4-6",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0": "claude-opus-4-5",
		"moonshot.kimi-k2-thinking":                                                                           "kimi-k2-thinking",
		// Vertex AI
		"claude-opus-4-5@20251101":                               "claude-opus-4-5",
		"claude-sonnet-4-5@default":                              "claude-sonnet-4-5",
		"vertex_ai/claude-haiku-4-5@20251001":                    "claude-haiku-4-5",
		"publishers/anthropic/models/claude-sonnet-4-5@20250929": "claude-sonnet-4-5",
		"google-vertex-anthropic/claude-opus-4-5@20251101":       "claude-opus-4-5",
		"publishers/google/models/gemini-2.5-pro":                "gemini-2.5-pro",
		// OpenAI
		"gpt-6.2-sol":                   "gpt-6.2-sol",
		"gpt-5.5-2026-04-23":            "gpt-5.5",
		"gpt-5-2025-08-07":              "gpt-5",
		"gpt-5-mini-2025-08-07":         "gpt-5-mini",
		"gpt-5-codex":                   "gpt-5-codex",
		"gpt-5.1-codex-max":             "gpt-5.1-codex-max",
		"gpt-5.1-codex-max-xhigh":       "gpt-5.1-codex-max",
		"gpt-5.2-codex-high":            "gpt-5.2-codex",
		"gpt-5.3-chat-latest":           "gpt-5.3-chat",
		"gpt-4o-2024-05-13":             "gpt-4o-2024-05-13",
		"gpt-4o-2024-11-20":             "gpt-4o",
		"openai/gpt-5.6-sol":            "gpt-5.6-sol",
		"openrouter/openai/gpt-5-codex": "gpt-5-codex",
		"azure/gpt-5.2":                 "gpt-5.2",
		"codex-mini-latest":             "codex-mini",
		"o3-2025-04-16":                 "o3",
		// Google
		"gemini-2.5-pro":                       "gemini-2.5-pro",
		"models/gemini-2.5-flash":              "gemini-2.5-flash",
		"gemini-3-pro-preview":                 "gemini-3-pro",
		"gemini-3.1-pro-preview-customtools":   "gemini-3.1-pro-preview-customtools",
		"gemini-2.5-flash-preview-09-2025":     "gemini-2.5-flash",
		"gemini-2.5-pro-preview-06-05":         "gemini-2.5-pro",
		"gemini-2.0-flash-001":                 "gemini-2.0-flash",
		"google/gemini-3.1-flash-lite-preview": "gemini-3.1-flash-lite",
		// xAI, Mistral, DeepSeek, Qwen, Kimi, GLM
		"grok-code-fast-1":            "grok-code-fast-1",
		"x-ai/grok-4.6":               "grok-4.6",
		"grok-4-0709":                 "grok-4",
		"grok-4.20-0309-reasoning":    "grok-4.20-0309-reasoning",
		"mistral-medium-latest":       "mistral-medium",
		"mistral-large-2512":          "mistral-large",
		"mistral-large-2411":          "mistral-large-2411",
		"devstral-medium-2507":        "devstral-medium",
		"devstral-2512":               "devstral",
		"mistralai/devstral-small":    "devstral-small",
		"codestral-latest":            "codestral",
		"deepseek/deepseek-v4-pro":    "deepseek-v4-pro",
		"deepseek-v4-flash-0731":      "deepseek-v4-flash",
		"deepseek-chat":               "deepseek-chat",
		"qwen3-coder-plus":            "qwen3-coder-plus",
		"qwen3-coder-plus-2025-09-23": "qwen3-coder-plus",
		"qwen/qwen3-coder-plus":       "qwen3-coder-plus",
		"qwen3-max-2026-01-23":        "qwen3-max",
		"kimi-k2-0905-preview":        "kimi-k2",
		"kimi-k2-turbo-preview":       "kimi-k2-turbo",
		"moonshotai/kimi-k2.6":        "kimi-k2.6",
		"z-ai/glm-4.6":                "glm-4.6",
		"zai-org/GLM-5.2":             "glm-5.2",
	} {
		want, there := price.Default().Price(row)
		if !there {
			t.Errorf("the table has no row %s", row)
		}
		got, known := price.Default().Price(name)
		if !known || got != want {
			t.Errorf("%s is priced %v (%v), want as %s: %v", name, got, known, row, want)
		}
	}
}

func TestAModelThatNobodyKnowsStaysUnknown(t *testing.T) {
	for _, name := range []string{
		"", " ", "-", "auto", "Composer", "<synthetic>", "other", "m-1", "gpt", "claude", "latest", "-latest", "20251101",
		"claude-opus", "claude-opus-9", "claude-opus-4-5-custom", "my-claude-opus-4-5", "claude-opus-4-5-mini", "claude-2.1",
		"gpt-5.9", "gpt-5.2-ultra", "my/gpt-5", "gpt-5.1-codex-max-ultra", "gpt-5-fast", "gpt-5.7-max", "xgpt-5",
		"gemini-9-pro", "gemini-2.5-pro-tts", "grok-9", "qwen3-coder:30b", "qwen3.6-max",
		// Those who serve others' models at prices of their own.
		"ollama/qwen3-coder-plus", "accounts/fireworks/models/glm-5", "groq/kimi-k2", "openrouter/z-ai/glm-4.6:free",
		"us.claude-opus-4-5.anthropic", "anthropic.anthropic.claude-opus-4-5",
	} {
		if p, known := price.Default().Price(name); known {
			t.Errorf("%q is priced %v", name, p)
		}
	}
	var none *price.Table
	if _, known := none.Price("gpt-5"); known || none.Date() != "" {
		t.Error("the nil table knows something")
	}
}

func TestTheBuiltInTableIsInItself(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, price.Default().Date()); err != nil {
		t.Error(err)
	}
	// A price of each provider, so that no column is in another's place.
	for name, want := range map[string]price.Price{
		"claude-opus-4-5":  {Input: 5, Cached: 0.5, CacheWrite: 6.25, Output: 25},
		"gpt-5":            {Input: 1.25, Cached: 0.125, CacheWrite: 1.25, Output: 10},
		"gpt-6.2-sol":      {Input: 2, Cached: 0.1, CacheWrite: 2.5, Output: 10},
		"gemini-2.5-pro":   {Input: 1.25, Cached: 0.125, CacheWrite: 1.25, Output: 10},
		"grok-4.6":         {Input: 2, Cached: 0.5, CacheWrite: 2, Output: 6},
		"codestral":        {Input: 0.3, Cached: 0.3, CacheWrite: 0.3, Output: 0.9},
		"deepseek-v4-pro":  {Input: 0.66, Cached: 0.022, CacheWrite: 0.66, Output: 1.98},
		"qwen3-coder-plus": {Input: 1, Cached: 0.2, CacheWrite: 1, Output: 5},
		"kimi-k3":          {Input: 3, Cached: 0.3, CacheWrite: 3, Output: 15},
		"glm-4.6":          {Input: 0.6, Cached: 0.11, CacheWrite: 0.6, Output: 2.2},
	} {
		if got, _ := price.Default().Price(name); got != want {
			t.Errorf("%s costs %+v, want %+v", name, got, want)
		}
	}
}

func TestEachKindOfTokensHasItsPrice(t *testing.T) {
	p := price.Price{Input: 5, Cached: 0.5, CacheWrite: 6.25, Output: 25}
	got := p.Of(price.Tokens{Input: 1_000_000, Cached: 2_000_000, CacheWrite: 400_000, Output: 100_000})
	if want := 5 + 1 + 2.5 + 2.5; math.Abs(got-want) > 1e-9 {
		t.Errorf("it costs %v, want %v", got, want)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAFileExtendsOrReplacesTheTable(t *testing.T) {
	text := `{"date": "2027-01-02", "replace": REPLACE, "models": {
		"My-Model": {"input": 1, "output": 5},
		"gpt-5": {"input": 100, "cached": 1, "cache_write": 2, "output": 3}
	}}`
	for replace, others := range map[string]bool{"false": true, "true": false} {
		table, err := price.Load(write(t, strings.Replace(text, "REPLACE", replace, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := table.Price("my-model"); p != (price.Price{Input: 1, Cached: 1, CacheWrite: 1, Output: 5}) {
			t.Errorf("replace %s: my-model costs %v", replace, p)
		}
		if p, _ := table.Price("openai/gpt-5-2025-08-07"); p != (price.Price{Input: 100, Cached: 1, CacheWrite: 2, Output: 3}) {
			t.Errorf("replace %s: gpt-5 costs %v", replace, p)
		}
		if _, known := table.Price("claude-opus-4-5"); known != others {
			t.Errorf("replace %s: a model that is not in the file is known: %v", replace, known)
		}
		if table.Date() != "2027-01-02" {
			t.Errorf("replace %s: the date is %q", replace, table.Date())
		}
	}
	if p, _ := price.Default().Price("gpt-5"); p.Input == 100 {
		t.Error("the file changed the table that is built in")
	}
	table, err := price.Load(write(t, `{"models": {}}`))
	if err != nil || table.Date() != price.Default().Date() {
		t.Errorf("a file without a date has %q, %v", table.Date(), err)
	}
}

func TestAFileOfPricesThatIsWrongIsNamedByLineAndField(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "line 1: the file ends in the middle",
		"[]":                           "line 1: must be an object",
		"{\"models\": {\n\"m\": {":     "line 2: the file ends in the middle",
		"{\n\n\"models\": ,\n}":        "line 3: not JSON",
		"{}\n{}":                       "line 2: there is something behind the object",
		"{\"model\": {}}":              "line 1: model is not known here; known are date, sources, notes, replace and models",
		"{\"date\": 5}":                "line 1: date must be a string",
		"{\n\"date\": \"26.11.2026\"}": "line 2: date must be a day as 2026-11-26",
		"{\"replace\": \"yes\"}":       "line 1: replace must be true or false",
		"{\"sources\": \"x\"}":         "line 1: sources must be a list of strings",
		"{\"models\": []}":             "line 1: models must be an object",
		"{\"models\": {\n\"m\": 5}}":   "line 2: m must be an object",
		"{\"models\": {\n\" \": {\"input\": 1, \"output\": 1}}}":                                      "line 2: models a model needs a name",
		"{\"models\": {\n\"m\": {\"input\": 1}}}":                                                     "line 2: m.output is missing",
		"{\"models\": {\n\"m\": {\"output\": 1}}}":                                                    "line 2: m.input is missing",
		"{\"models\": {\n\"m\": {\"input\": \"1\", \"output\": 1}}}":                                  "line 2: m.input must be a number",
		"{\"models\": {\n\"m\": {\"input\": null, \"output\": 1}}}":                                   "line 2: m.input must be a number",
		"{\"models\": {\n\"m\": {\"input\": 1,\n\"output\": -1}}}":                                    "line 3: m.output must be US dollars per million tokens, from 0 to 100000",
		"{\"models\": {\n\"m\": {\"input\": 1e999, \"output\": 1}}}":                                  "line 2: m.input must be US dollars per million tokens, from 0 to 100000",
		"{\"models\": {\n\"m\": {\"input\": 1, \"output\": 1, \"in\": 2}}}":                           "line 2: m.in is not known here; known are input, cached, cache_write and output",
		"{\"models\": {\n\"m\": {\"input\": 1, \"input\": 2}}}":                                       "line 2: m.input is there twice",
		"{\"models\": {\"m\": {\"input\": 1, \"output\": 1},\n\"M\": {\"input\": 1, \"output\": 1}}}": "line 2: M is there twice",
	} {
		name := write(t, text)
		_, err := price.Load(name)
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "price: "+name+", ") || !strings.Contains(got, want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := price.Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there is taken")
	}
}
