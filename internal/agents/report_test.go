package agents_test

import (
	"strings"
	"testing"

	"jrweb/internal/agents"
)

func TestTheReportIsATableForEachAgent(t *testing.T) {
	r := agents.NewReport()
	all, scenarios := agents.All(), agents.Scenarios()
	r.Add(all[0], scenarios[0], agents.ByRun, agents.Cell{Differences: []string{"words: a", "words: b", "end: c"}, Hidden: []string{"it is quiet"}})
	r.Add(all[0], scenarios[0], agents.ByImport, agents.Cell{})
	r.Add(all[0], scenarios[0], agents.ByFollow, agents.Cell{Impossible: "it cannot"})
	tables := r.Tables(func(*agents.Agent) string { return "1.2" })
	if len(tables) != 1 || tables[0].Whole {
		t.Fatalf("%+v", tables)
	}
	wanted := "### Claude Code (@anthropic-ai/claude-code 1.2)\n\n| | run | import | import -follow |\n|---|---|---|---|\n" +
		"| words | differs: words, end [1] | ok | – [2] |\n\n1. it is quiet\n2. it cannot\n"
	if got := tables[0].Text; got != wanted {
		t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
	}
}

func TestTheReportKeepsWhatOtherAgentsDid(t *testing.T) {
	const page = "# Formats\n\n<!-- make test-agents writes what follows -->\n\n### Codex (old 1)\n\n| a |\n\n1. old\n\n" +
		"### Codex with a model that calls tools one by one (old 2)\n\n| b |\n\n### pi (old 3)\n\n| c |\n\n<!-- make test-agents wrote this -->\n\n## How fast\n"
	table := agents.NewReport()
	for _, a := range agents.All() {
		for i, s := range agents.Scenarios() {
			for _, way := range agents.Ways {
				switch {
				case a.Name == "gemini" && i < 2: // its table is not whole
					table.Add(a, s, way, agents.Cell{})
				case a.Name == "codex" && s.Name == "words":
					table.Add(a, s, way, agents.Cell{Differences: []string{"words: x", "words: y", "end: z"}, Hidden: []string{"it whispers"}})
				case a.Name == "codex" && s.Name == "edit":
					table.Add(a, s, way, agents.Cell{Impossible: "it whispers"})
				case a.Name == "codex":
					table.Add(a, s, way, agents.Cell{})
				}
			}
		}
	}
	got, err := agents.Merge(page, table.Tables(func(*agents.Agent) string { return "7" }))
	if err != nil {
		t.Fatal(err)
	}
	again, err := agents.Merge(got, table.Tables(func(*agents.Agent) string { return "7" }))
	if err != nil || again != got {
		t.Errorf("a second time it is %s, %v", again, err)
	}
	for _, want := range []string{
		"# Formats\n\n<!-- make",
		"\n\n### Codex (@openai/codex 7)\n\n| | run | import | import -follow |\n",
		"| words | differs: words, end [1] | differs: words, end [1] | differs: words, end [1] |\n",
		"| edit | – [1] |",
		"| ok |\n\n1. it whispers\n\n### Codex with a model that calls tools one by one (old 2)\n\n| b |\n\n### pi (old 3)\n\n| c |\n\n<!-- make test-agents wrote this -->\n\n## How fast\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	for _, gone := range []string{"old 1", "1. old", "Gemini"} {
		if strings.Contains(got, gone) {
			t.Errorf("%q is in %s", gone, got)
		}
	}
	if _, err := agents.Merge("# Formats\n", nil); err == nil {
		t.Error("a page without a place for it takes the report")
	}
}
