package agents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"jrweb/internal/agents/model"
)

// Where the agents of fixtures live.
const (
	FixtureHome = "/home/dev"
	FixtureWork = "/home/dev/project"
)

// Cutter makes fixtures of what an agent printed and left: long texts, which are the
// agent's own, are cut out, and what is different in each run gets the same name in
// each file.
type Cutter struct {
	place  Place
	name   string
	script []string // texts that are not cut
	names  map[string]string
	kinds  map[string]int
}

// NewCutter cuts what came of a scenario at a place. Ids follow from a name.
func NewCutter(p Place, name string, s Scenario) *Cutter {
	return &Cutter{place: p, name: name, script: s.texts(), names: map[string]string{}, kinds: map[string]int{}}
}

const (
	// mostText is how long a text is at most of which nothing is the script's.
	mostText = 160
	// mostScript is how long one is at most that holds words of the script.
	mostScript = 4000
)

// own are the names of what has nothing to do with the script: lists of which one
// entry stays, and objects of which nothing stays.
var own = map[string]bool{
	"tools": true, "slash_commands": true, "terminal_slash_commands": true, "skills": true, "agents": true, "plugins": true,
	"addedNames": true, "addedLines": true, "addedTypes": true, "dynamic_tools": true, "betas": true, "systemPrompt": true,
	"system": true, "input_schema": true, "schema": true, "params": true, "partial": true,
	"internal_chat_message_metadata_passthrough": true,
}

// FewFixtures are the scenarios of which fixtures are kept of an agent that differs from
// another in its calls alone.
var FewFixtures = map[string][]string{"codex-tools": {"failing-command", "patch", "parallel", "image", "mcp"}}

// texts are the texts of a scenario.
func (s Scenario) texts() (all []string) {
	add := func(texts ...string) {
		for _, text := range texts {
			if len(text) > 3 { // shorter ones are anywhere
				all = append(all, text)
			}
		}
	}
	for _, r := range s.Runs {
		add(r.Prompt)
		for _, turns := range r.Threads {
			for _, t := range turns {
				add(t.Thought, t.Text)
				if t.Fail != nil {
					add(t.Fail.Message)
				}
				for _, c := range t.Calls {
					add(c.Command, c.Path, c.Old, c.Output, c.Prompt, strings.TrimSpace(c.New))
				}
			}
		}
	}
	return all
}

// ours reports whether a text holds words of the script.
func (c *Cutter) ours(text string) bool {
	return slices.ContainsFunc(c.script, func(word string) bool { return strings.Contains(text, word) })
}

// random are what is different in each run, by kind.
var random = []struct {
	kind    string
	pattern *regexp.Regexp
	name    func(hash, old string) string
}{
	{"uuid", regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`),
		func(hash, _ string) string {
			return strings.Join([]string{hash[:8], hash[8:12], "7" + hash[12:15], "8" + hash[15:18], hash[18:30]}, "-")
		}},
	{"opencode", regexp.MustCompile(`\b(ses|msg|prt)_[0-9a-f]{12}[0-9A-Za-z]{14}\b`),
		func(hash, old string) string { return old[:4] + hash[:26] }},
	{"port", regexp.MustCompile(`127\.0\.0\.1:\d+`), func(string, string) string { return "127.0.0.1:8080" }},
	{"kernel", regexp.MustCompile(`Linux \d+\.[-\w.]+`), func(string, string) string { return "Linux 6.12.0" }},
}

// Cut makes a fixture of a file: of each line if it has several, of all if it is one
// document.
func (c *Cutter) Cut(file []byte) []byte {
	file = []byte(c.Rename(string(file)))
	if json.Valid(file) {
		return append(c.cut(file), '\n')
	}
	var b bytes.Buffer
	for line := range bytes.Lines(file) {
		text := bytes.TrimRight(line, "\n")
		b.Write(c.cut(text))
		b.Write(line[len(text):])
	}
	return b.Bytes()
}

// Rename replaces what is different in each run.
func (c *Cutter) Rename(text string) string {
	encoded := func(path string) string { return regexp.MustCompile(`[^A-Za-z0-9]`).ReplaceAllString(path, "-") }
	text = strings.NewReplacer(
		c.place.Work, FixtureWork, encoded(c.place.Work), encoded(FixtureWork),
		strings.TrimPrefix(c.place.Work, "/"), strings.TrimPrefix(FixtureWork, "/"),
		c.place.Home, FixtureHome, encoded(c.place.Home), encoded(FixtureHome),
		c.place.temp(), "/tmp/dev", encoded(c.place.temp()), encoded("/tmp/dev"),
		c.place.Bin, "/usr/lib/node_modules",
	).Replace(text)
	for _, r := range random {
		text = r.pattern.ReplaceAllStringFunc(text, func(old string) string {
			name, ok := c.names[old]
			if !ok {
				c.kinds[r.kind]++
				hash := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", c.name, r.kind, c.kinds[r.kind]))
				name = r.name(hex.EncodeToString(hash[:]), old)
				c.names[old] = name
			}
			return name
		})
	}
	return text
}

// cut shortens the texts and lists of a JSON value. What is not JSON stays as it is.
func (c *Cutter) cut(value []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var b bytes.Buffer
	if err := c.cutValue(d, &b, ""); err != nil || d.More() {
		return value
	}
	return b.Bytes()
}

// cutValue copies the next value, which stands under a name.
func (c *Cutter) cutValue(d *json.Decoder, b *bytes.Buffer, name string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		return c.cutMany(d, b, name, v)
	case string:
		if len(v) > mostScript || len(v) > mostText && !c.ours(v) {
			v = strings.ToValidUTF8(v[:mostText/2], "") + fmt.Sprintf("… (%d bytes cut)", len(v)-mostText/2)
		}
		return quote(b, v)
	default:
		data, err := json.Marshal(v)
		b.Write(data)
		return err
	}
}

func quote(b *bytes.Buffer, text string) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // its line end
	return nil
}

// cutMany copies an object, or a list.
func (c *Cutter) cutMany(d *json.Decoder, b *bytes.Buffer, name string, open json.Delim) error {
	b.WriteString(open.String())
	for n := 0; d.More(); n++ {
		into, key := b, name
		if own[name] && (open == '{' || n > 0) {
			into = &bytes.Buffer{} // left out
		} else if n > 0 {
			b.WriteByte(',')
		}
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return err
			}
			key = token.(string)
			if err := quote(into, key); err != nil {
				return err
			}
			into.WriteByte(':')
		}
		if err := c.cutValue(d, into, key); err != nil {
			return err
		}
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	b.WriteString(token.(json.Delim).String())
	return nil
}

// Played is what a fixture knows of a run beside what the agent printed and left.
type Played struct {
	Code    int
	Answers []Told
}

// Told is an answer of the model: which turn of which thread, "" for a chore.
type Told struct {
	Thread string
	Turn   int
}

// Answers are the answers of the model to the runs of a scenario, as a fixture knows
// them.
func (a *Agent) Answers(p Place, s Scenario, played []Played) (all [][]model.Answer) {
	for i, r := range s.Runs {
		script := a.Script(p, r)
		var answers []model.Answer
		for _, told := range played[i].Answers {
			answer := model.Answer{Thread: told.Thread, Number: told.Turn, Turn: model.Turn{Tokens: model.Chore}}
			if turns := script[told.Thread]; told.Turn <= len(turns) {
				answer.Turn = turns[told.Turn-1]
			}
			answers = append(answers, answer)
		}
		all = append(all, answers)
	}
	return all
}
