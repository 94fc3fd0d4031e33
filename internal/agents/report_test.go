package agents_test

import (
	"strings"
	"testing"

	"jrweb/internal/agents"
)

// played is a report of scenarios by their names: an agent, the name and a cell.
func played(t *testing.T, agent string, cells map[string]agents.Cell) *agents.Report {
	t.Helper()
	r := agents.NewReport()
	for _, a := range agents.All() {
		for _, s := range agents.Scenarios() {
			if c, ok := cells[s.Name]; ok && a.Name == agent {
				for _, way := range agents.Ways {
					r.Add(a, s, way, c)
				}
			}
		}
	}
	return r
}

func TestTheReportIsATableForEachAgent(t *testing.T) {
	r := agents.NewReport()
	all, scenarios := agents.All(), agents.Scenarios()
	r.Add(all[0], scenarios[0], agents.ByRun, agents.Cell{Differences: []string{"words: a", "words: b", "end: c"}, Hidden: []string{"it is quiet"}})
	r.Add(all[0], scenarios[0], agents.ByImport, agents.Cell{})
	r.Add(all[0], scenarios[0], agents.ByFollow, agents.Cell{Impossible: "it cannot"})
	got := r.Markdown(func(*agents.Agent) string { return "1.2" })
	wanted := "### Claude Code (@anthropic-ai/claude-code 1.2)\n\n| | run | import | import -follow |\n|---|---|---|---|\n" +
		"| words | differs: words, end [1] | ok | – [2] |\n\n1. it is quiet\n2. it cannot\n"
	if got != wanted {
		t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
	}
}

func TestAPageKeepsWhatWasPlayedAtAnotherTime(t *testing.T) {
	page := "# Formats\n\n<!-- make test-agents writes what follows -->\n\n<!-- make test-agents wrote this -->\n\n## How fast\n"
	play := func(agent, version string, cells map[string]agents.Cell) {
		t.Helper()
		r := played(t, agent, cells)
		for range 2 { // the second time changes nothing
			next, err := r.Update(page, func(*agents.Agent) string { return version })
			if err != nil {
				t.Fatal(err)
			}
			page = next
		}
	}
	whispers, shouts := agents.Cell{Hidden: []string{"it whispers"}}, agents.Cell{Differences: []string{"end: x"}, Hidden: []string{"it shouts", "it whispers"}}
	play("codex-tools", "7", map[string]agents.Cell{"words": whispers})
	play("codex", "7", map[string]agents.Cell{"words": whispers, "edit": shouts})
	play("codex", "7", map[string]agents.Cell{"words": {}, "patch": {Impossible: "it cannot"}})
	play("pi", "1", map[string]agents.Cell{"words": {}, "edit": {}})
	play("pi", "2", map[string]agents.Cell{"words": whispers})
	const head = "| | run | import | import -follow |\n|---|---|---|---|\n"
	want := "# Formats\n\n<!-- make test-agents writes what follows -->\n" +
		"\n### Codex (@openai/codex 7)\n\n" + head +
		"| words | ok | ok | ok |\n| edit | differs: end [1, 2] | differs: end [1, 2] | differs: end [1, 2] |\n| patch | – [3] | – [3] | – [3] |\n" +
		"\n1. it shouts\n2. it whispers\n3. it cannot\n" +
		"\n### Codex with a model that calls tools one by one (@openai/codex 7)\n\n" + head + "| words | ok [1] | ok [1] | ok [1] |\n\n1. it whispers\n" +
		"\n### pi (@mariozechner/pi-coding-agent 2)\n\n" + head + "| words | ok [1] | ok [1] | ok [1] |\n\n1. it whispers\n" +
		"\n<!-- make test-agents wrote this -->\n\n## How fast\n"
	if page != want {
		t.Errorf("got:\n%s\nwant:\n%s", page, want)
	}
	if _, err := agents.NewReport().Update(strings.ReplaceAll(page, "wrote", ""), nil); err == nil {
		t.Error("a page without a place for it takes the report")
	}
}
