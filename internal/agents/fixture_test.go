package agents_test

import (
	"strings"
	"testing"

	"jrweb/internal/agents"
)

func TestAFixtureKeepsTheScriptAndCutsTheRest(t *testing.T) {
	place := agents.Place{Home: "/tmp/x1/home", Work: "/tmp/x1/work", Bin: "/srv/.agents/node_modules"}
	scenario := agents.Scenario{Runs: []agents.Run{{Prompt: "Go on. [main]"}}}
	long := strings.Repeat("You are an agent. ", 100)
	for _, c := range []struct{ name, in, want string }{
		{"words stay", `{"b":"I <look> at it.","a":[1,2.50,null,true]}`, `{"b":"I <look> at it.","a":[1,2.50,null,true]}`},
		{"paths are those of one machine", `{"cwd":"/tmp/x1/work","dir":"-tmp-x1-work"}`, `{"cwd":"/home/dev/project","dir":"-home-dev-project"}`},
		{"ids are the same in each run", `{"id":"7311ac87-239c-48eb-9eef-77b3fb5a986e","of":["7311ac87-239c-48eb-9eef-77b3fb5a986e"]}`,
			`{"id":"d701c046-0edc-7110-817e-084932ee965a","of":["d701c046-0edc-7110-817e-084932ee965a"]}`},
		{"long texts are cut", `{"text":"` + long + `"}`, `{"text":"` + long[:80] + `… (1720 bytes cut)"}`},
		{"long texts with words of the script are not", `{"text":"` + long + `Go on. [main]"}`, `{"text":"` + long + `Go on. [main]"}`},
		{"lists of tools are cut", `{"tools":["a","b",{"e":1}],"schema":{"f":1,"g":{}},"calls":[1,2,3,4,5]}`, `{"tools":["a"],"schema":{},"calls":[1,2,3,4,5]}`},
		{"what is no JSON stays", `{"text":"broken`, `{"text":"broken`},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The second line makes it a file of lines.
			got, rest, _ := strings.Cut(string(agents.NewCutter(place, "test", scenario).Cut([]byte(c.in+"\n{}\n"))), "\n")
			if got != c.want || rest != "{}\n" {
				t.Errorf("got %s and %q, want %s", got, rest, c.want)
			}
		})
	}
}
