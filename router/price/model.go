package price

import (
	"regexp"
	"slices"
	"strings"
)

// Price returns the price of a model, by the name that an agent gives it. What the
// table has by that name counts. Otherwise these are other names for the same model:
//
//   - with the provider, router or cloud before it: anthropic/claude-opus-4-5,
//     openrouter/openai/gpt-5, models/gemini-2.5-pro, us.anthropic.claude-opus-4-5;
//   - with the version of a cloud behind it: claude-opus-4-5-20251101-v1:0 of Bedrock,
//     claude-opus-4-5@20251101 of Vertex AI;
//   - a dated snapshot or an alias for the latest one: claude-opus-4-5-20251101,
//     gpt-5-2025-08-07, gemini-2.5-flash-preview-09-2025, kimi-k2-0905,
//     codestral-latest;
//   - with the size of the context or the effort that was asked for: claude-opus-4-6[1m],
//     gpt-5.2-codex-high, claude-sonnet-4-5-thinking;
//   - with Claude's version written with a dot, or before the family:
//     claude-opus-4.5, claude-4.5-sonnet.
//
// Any other name is unknown, however much of it is known.
func (t *Table) Price(model string) (p Price, known bool) {
	if t == nil {
		return Price{}, false
	}
	name := strings.ToLower(strings.TrimSpace(model))
	if p, known = t.models[name]; known {
		return p, true
	}
	for name = withoutCloud(name); ; {
		if p, known = t.find(name); known {
			return p, true
		}
		shorter := mode.ReplaceAllString(name, "")
		if shorter == name {
			return Price{}, false
		}
		name = shorter
	}
}

// find looks for a name and for what it is a snapshot of: the more exact one first.
func (t *Table) find(name string) (p Price, known bool) {
	for {
		dashed := claudeVersion.ReplaceAllString(name, "$1-$2")
		for _, spelling := range []string{name, dashed, familyBehind.ReplaceAllString(dashed, "claude-$2-$1")} {
			if p, known = t.models[spelling]; known {
				return p, true
			}
		}
		shorter := snapshot.ReplaceAllString(name, "")
		if shorter == name {
			return Price{}, false
		}
		name = shorter
	}
}

// vendors make models, and stand before the name as "anthropic/" or "anthropic.".
var vendors = []string{
	"anthropic", "openai", "google", "xai", "x-ai", "mistral", "mistralai", "deepseek", "deepseek-ai", "qwen", "alibaba",
	"dashscope", "moonshot", "moonshotai", "kimi", "zai", "z-ai", "zai-org", "zhipuai",
}

// sellers pass on models of others at their list prices.
var sellers = []string{
	"openrouter", "litellm", "gemini", "vertex", "vertex_ai", "google-vertex", "google-vertex-anthropic", "bedrock", "converse",
	"amazon-bedrock", "azure", "opencode", "github-copilot", "copilot", "models", "publishers", "vercel",
}

var (
	snapshot      = regexp.MustCompile(`-(?:latest|preview|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4}|\d{3})$`)
	contextSize   = regexp.MustCompile(`\[\d+[km]\]$`)
	mode          = regexp.MustCompile(`(?:-(?:minimal|low|medium|high|xhigh)|[-:]thinking)$`)
	bedrockARN    = regexp.MustCompile(`^arn:aws[a-z-]*:bedrock:[^/]*/`)
	region        = regexp.MustCompile(`^(?:us|eu|apac|jp|au|ca|us-gov|global)\.`)
	cloudVersion  = regexp.MustCompile(`(?:-v\d+(?::\d+)?|@(?:\d{8}|default|latest))$`)
	claudeVersion = regexp.MustCompile(`^(claude-.*\d)\.(\d)`)
	familyBehind  = regexp.MustCompile(`^claude-(\d+(?:-\d)?)-(opus|sonnet|haiku)`)
)

// withoutCloud takes away who serves a model, the version that a cloud gives it, and
// how much context was asked for.
func withoutCloud(name string) string {
	name = bedrockARN.ReplaceAllString(contextSize.ReplaceAllString(name, ""), "")
	for {
		before, rest, found := strings.Cut(name, "/")
		if !found || !slices.Contains(vendors, before) && !slices.Contains(sellers, before) {
			break
		}
		name = rest
	}
	name = region.ReplaceAllString(name, "")
	if before, rest, found := strings.Cut(name, "."); found && slices.Contains(vendors, before) {
		name = rest
	}
	return cloudVersion.ReplaceAllString(name, "")
}
