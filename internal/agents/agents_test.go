//go:build agents

package agents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
)

var (
	bin      = flag.String("agents", "", "the folder node_modules with the agents")
	jrweb    = flag.String("jrweb", "", "the jrweb program")
	report   = flag.String("report", "", "write the tables of what was played into this page")
	fixtures = flag.String("fixtures", "", "write fixtures made of what the agents print and leave into this folder")
	captures = flag.String("captures", "", "write what the agents print and leave into this folder")
)

// TestMain is also the MCP server that the agents start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve-mcp" {
		if err := agents.ServeMCP(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if *bin == "" || *jrweb == "" {
		fmt.Fprintln(os.Stderr, "run it with make test-agents: it needs -agents and -jrweb")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func TestAgentsAreRecordedAsTheScriptSays(t *testing.T) {
	r := startRecorders(t, *jrweb)
	table := agents.NewReport()
	t.Cleanup(func() {
		versions := func(a *agents.Agent) string { return version(t, a) }
		t.Log("\n" + table.Markdown(versions))
		if *report != "" {
			writeReport(t, *report, table, versions)
		}
	})
	for _, a := range agents.All() {
		for _, s := range agents.Scenarios() {
			t.Run(a.Name+"/"+s.Name, func(t *testing.T) {
				t.Parallel()
				if why := a.Can(s); why != "" {
					for _, way := range agents.Ways {
						table.Add(a, s, way, agents.Cell{Impossible: why})
					}
					return
				}
				newCase(t, r, a, s).check(table)
			})
		}
	}
}

// writeReport puts the report into a page.
func writeReport(t *testing.T, path string, table *agents.Report, versions func(*agents.Agent) string) {
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := table.Update(string(page), versions)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// version is that of an installed agent.
func version(t *testing.T, a *agents.Agent) string {
	data, err := os.ReadFile(filepath.Join(*bin, a.Package, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Version string }
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o.Version
}

// testCase is an agent that plays a scenario.
type testCase struct {
	*testing.T
	recorders recorders
	agent     *agents.Agent
	scenario  agents.Scenario
	place     agents.Place
	dir       string
	model     *model.Server
	ended     []*agents.Ended
	answers   [][]model.Answer
}

func newCase(t *testing.T, r recorders, a *agents.Agent, s agents.Scenario) *testCase {
	c := &testCase{T: t, recorders: r, agent: a, scenario: s, dir: t.TempDir(), model: model.Serve(a.Name + "-" + s.Name)}
	t.Cleanup(c.model.Close)
	c.place = agents.Place{Bin: *bin, Home: filepath.Join(c.dir, "home"), Work: filepath.Join(c.dir, "work"), Model: c.model.URL}
	if s.Tools {
		self, err := os.Executable()
		c.must(err)
		c.place.MCP = []string{self, "serve-mcp"}
	}
	c.must(a.Prepare(c.place, s))
	return c
}

func (c *testCase) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// task is the task of a way in.
func (c *testCase) task(way agents.Way) string {
	return fmt.Sprintf("%s.%s.%s", c.agent.Name, c.scenario.Name, way)
}

func (c *testCase) check(table *agents.Report) {
	stop := c.follow()
	for _, r := range c.scenario.Runs {
		if r.Long && c.agent.Lags {
			c.model.Before = c.written
		}
		e, err := c.agent.Play(c.Context(), c.place, r, c.model,
			*jrweb, "run", "-url", c.recorders[agents.ByRun].url, "-task", c.task(agents.ByRun), "-spool", filepath.Join(c.dir, "spool"), "--")
		c.must(err)
		if e.TimedOut {
			c.Errorf("it did not end:\n%s\n%s", tail(e.Stdout), tail(e.Stderr))
		}
		for _, a := range c.model.Answers() {
			if a.Surplus && !c.agent.GoesOn {
				c.Errorf("the script had no turn %d of %q", a.Number, a.Thread)
			}
		}
		c.place.Session = e.Session
		c.ended, c.answers = append(c.ended, e), append(c.answers, c.model.Answers())
	}
	stop()
	var sessions []string
	for _, e := range c.ended {
		sessions = append(sessions, e.Session)
	}
	files, err := c.agent.Left(c.place, sessions...)
	c.must(err)
	c.capture(files)
	c.fixture(files)
	for _, way := range agents.Ways {
		from := agents.Disk
		if way == agents.ByRun {
			from = agents.Stdout
		}
		if why := c.agent.NoWay[way]; why != "" {
			table.Add(c.agent, c.scenario, way, agents.Cell{Impossible: why})
			continue
		}
		if way != agents.ByRun {
			c.recorders[way].must(c.T, append([]string{"import", "-task", c.task(way), "-spool", filepath.Join(c.dir, "spool-"+string(way))}, files...)...)
		}
		want := c.agent.Want(c.place, c.scenario, from, c.answers)
		differences := agents.Compare(want, c.recorders[way].task(c.T, c.task(way)))
		for _, d := range differences {
			c.Errorf("%s: %s", way, d)
		}
		table.Add(c.agent, c.scenario, way, agents.Cell{Differences: differences, Hidden: want.Hidden})
	}
	if c.agent.Database != "" {
		c.watched()
	}
}

// watched watches the agent's database, and compares each thread in it with what was
// imported of its export.
func (c *testCase) watched() {
	to := c.recorders[agents.ByFollow] // an own log: what an import has recorded is not watched
	to.must(c.T, "watch", "-once", "-redact=false", "-spool", filepath.Join(c.dir, "spool-watch"),
		"-root", c.agent.Name+"="+filepath.Join(c.place.Home, c.agent.Database))
	imported := c.recorders[agents.ByImport].told(c.T, c.task(agents.ByImport))
	if len(imported) == 0 {
		c.Error("nothing was imported")
	}
	for thread, want := range imported {
		if got := to.told(c.T, c.agent.Name+"-"+thread)[thread]; !slices.Equal(got, want) {
			c.Errorf("watched, %s has\n%s\nimported\n%s", thread, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func tail(text []byte) []byte { return text[max(0, len(text)-2000):] }

// follow follows the newest file of a main thread, from when it appears until there is
// another thread, or until it is told to stop. A file more of a thread that is followed is
// none: Gemini CLI makes one when it resumes a chat, and goes on in the first.
func (c *testCase) follow() (stop func()) {
	if c.agent.NoWay[agents.ByFollow] != "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(c.Context())
	followed, threads, done := map[string]bool{}, map[string]bool{}, make(chan struct{})
	var cmd *exec.Cmd
	end := func() {
		if cmd == nil {
			return
		}
		_ = cmd.Process.Signal(os.Interrupt)
		err := cmd.Wait()
		exit, exited := errors.AsType[*exec.ExitError](err)
		if exited && exit.Sys().(syscall.WaitStatus).Signal() == os.Interrupt {
			return // it had not begun: another file of the case has been followed
		}
		if err != nil {
			c.Errorf("follow %s: %v", cmd.Args[len(cmd.Args)-1], err)
		}
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			files, _ := c.agent.Left(c.place)
			for _, path := range files {
				if main, err := c.agent.Main(c.place, path); followed[path] || !main || err != nil {
					continue
				}
				thread, begun := threadOf(path)
				if !begun {
					continue
				}
				if thread != "" && threads[thread] {
					followed[path] = true
					continue
				}
				threads[thread] = true
				end()
				cmd = nil
				next := c.recorders[agents.ByFollow].command(c.T, "import", "-follow", "-task", c.task(agents.ByFollow),
					"-spool", filepath.Join(c.dir, "spool-"+string(agents.ByFollow)), path)
				next.Stderr = c.Output()
				if err := next.Start(); err != nil {
					c.Error(err)
					return
				}
				followed[path], cmd = true, next
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() {
		cancel()
		<-done
		c.untilFollowed()
		end()
	}
}

// threadName is how the first line of a file names its thread, for some agents.
var threadName = regexp.MustCompile(`"sessionId":"([^"]+)"`)

// threadOf is the thread that a file is of, "" if its first line does not tell. Not begun:
// there is no whole line yet.
func threadOf(path string) (thread string, begun bool) {
	data, err := os.ReadFile(path)
	line, _, begun := bytes.Cut(data, []byte("\n"))
	if err != nil || !begun {
		return "", false
	}
	if name := threadName.FindSubmatch(line); name != nil {
		return string(name[1]), true
	}
	return "", true
}

// mostWait is for what takes seconds where nothing else runs.
const mostWait = 5 * time.Minute

// untilFollowed waits until something of the case was recorded while it was followed: a
// short run may be over before the program that follows it has begun.
func (c *testCase) untilFollowed() {
	last := time.After(mostWait)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, s := range c.recorders[agents.ByFollow].task(c.T, c.task(agents.ByFollow)).Sessions {
			if len(s.Events) > 0 {
				return
			}
		}
		select {
		case <-tick.C:
		case <-last:
			c.Errorf("nothing was recorded by following")
			return
		}
	}
}

// written waits until the agent has written what it was told two answers before, or for a
// while if it never does.
func (c *testCase) written(a *model.Answer) {
	turns, before := c.scenario.Runs[0].Threads[a.Thread], a.Number-3
	if before < 0 || before >= len(turns) {
		return
	}
	text := turns[before].Text
	last := time.After(mostLag)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		files, _ := c.agent.Left(c.place)
		for _, path := range files {
			if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(text)) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-last:
			return
		case <-c.Context().Done():
			return
		}
	}
}

// mostLag is how long the model waits for an agent's file.
const mostLag = 10 * time.Second

// capture keeps what the agent printed and left.
func (c *testCase) capture(files []string) {
	if *captures == "" {
		return
	}
	dir := filepath.Join(*captures, c.agent.Name+"-"+version(c.T, c.agent), c.scenario.Name)
	c.must(os.RemoveAll(dir))
	keep := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		c.must(os.MkdirAll(filepath.Dir(path), 0o755))
		c.must(os.WriteFile(path, data, 0o644))
	}
	for i, e := range c.ended {
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprintf("-%d", i+1)
		}
		keep("stdout"+suffix+".jsonl", e.Stdout)
		keep("stderr"+suffix+".txt", e.Stderr)
		var b bytes.Buffer
		fmt.Fprintf(&b, "exit %d, session %s, %s\n", e.Code, e.Session, e.Took)
		sum := model.Tokens{}
		for _, a := range c.answers[i] {
			turn, err := json.Marshal(a.Turn)
			c.must(err)
			fmt.Fprintf(&b, "%s thread=%q turn=%d surplus=%t %s\n", a.Path, a.Thread, a.Number, a.Surplus, turn)
			if a.Turn.Fail == nil && !a.Turn.Stall {
				sum = sum.Plus(a.Turn.Tokens)
			}
			if i == 0 && a.Number == 1 || a.Thread == model.Summary {
				keep(fmt.Sprintf("request%s-%s-%d.json", suffix, a.Thread, a.Number), a.Body)
			}
		}
		fmt.Fprintf(&b, "sum %+v\n", sum)
		keep("model"+suffix+".txt", b.Bytes())
	}
	for _, path := range files {
		name, err := filepath.Rel(c.place.Home, path)
		c.must(err)
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		c.must(err)
		keep(filepath.Join("disk", name), data)
	}
}

// fixture makes fixtures of what the agent printed and left. The long one would be too
// large. Where it left more than the files of its main threads, they stay in their
// folders, whose names tell what belongs to what.
func (c *testCase) fixture(files []string) {
	few := agents.FewFixtures[c.agent.Name]
	if *fixtures == "" || c.scenario.Name == "long" || few != nil && !slices.Contains(few, c.scenario.Name) {
		return
	}
	cutter := agents.NewCutter(c.place, c.agent.Name+"/"+c.scenario.Name, c.scenario)
	keep := func(name string, data []byte) {
		path := filepath.Join(*fixtures, c.agent.Name+"-"+version(c.T, c.agent), c.scenario.Name+"."+cutter.Rename(name))
		c.must(os.MkdirAll(filepath.Dir(path), 0o755))
		c.must(os.WriteFile(path, cutter.Cut(data), 0o644))
	}
	number := func(i int) string {
		if i == 0 {
			return ""
		}
		return fmt.Sprintf("-%d", i+1)
	}
	var played []agents.Played
	for i, e := range c.ended {
		keep("stdout"+number(i)+".jsonl", e.Stdout)
		one := agents.Played{Code: e.Code}
		for _, a := range c.answers[i] {
			one.Answers = append(one.Answers, agents.Told{Thread: a.Thread, Turn: a.Number})
		}
		played = append(played, one)
	}
	text, err := json.Marshal(played)
	c.must(err)
	keep("played.json", append(text, '\n'))
	folders := slices.ContainsFunc(files, func(path string) bool {
		main, err := c.agent.Main(c.place, path)
		c.must(err)
		return !main
	})
	for i, path := range files {
		name := "disk" + number(i) + ".jsonl"
		if folders {
			below, err := filepath.Rel(c.place.Home, path)
			c.must(err)
			name = filepath.Join("disk", below)
		}
		data, err := os.ReadFile(path)
		c.must(err)
		keep(name, data)
	}
}

// told are the events of a task's threads, except their ends.
func (r recorder) told(t *testing.T, task string) map[string][]string {
	t.Helper()
	var sessions struct {
		Sessions []struct {
			ID         string
			ExternalID string `json:"external_id"`
		}
	}
	r.get(t, "/tasks/"+task+"/sessions", &sessions)
	told := map[string][]string{}
	for _, s := range slices.Backward(sessions.Sessions) {
		var page struct {
			Events []struct {
				Type string
				Data json.RawMessage
			}
		}
		r.get(t, "/tasks/"+task+"/events?limit=10000&session="+s.ID, &page)
		for _, e := range page.Events {
			if e.Type != eventlog.TypeComplete {
				told[s.ExternalID] = append(told[s.ExternalID], e.Type+" "+string(e.Data))
			}
		}
	}
	return told
}
