//go:build agents

package agents_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jrweb/internal/agents"
	"jrweb/internal/agents/model"
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
	os.Exit(m.Run())
}

func version(bin, pkg string) string {
	var o struct{ Version string }
	data, _ := os.ReadFile(filepath.Join(bin, pkg, "package.json"))
	json.Unmarshal(data, &o)
	return o.Version
}

func TestCapture(t *testing.T) {
	bin, _ := filepath.Abs("../../.agents/pinned/node_modules")
	captures := "/work/tmp/captures"
	for _, a := range agents.All() {
		for _, s := range agents.Scenarios() {
			t.Run(a.Name+"/"+s.Name, func(t *testing.T) {
				if why := a.Can(s); why != "" {
					t.Skip(why)
				}
				m := model.Serve()
				defer m.Close()
				dir := filepath.Join("/work/tmp/play", a.Name, s.Name)
				os.RemoveAll(dir)
				p := agents.Place{Bin: bin, Home: filepath.Join(dir, "home"), Work: filepath.Join(dir, "work"), Model: m.URL}
				if s.Tools {
					self, err := os.Executable()
					if err != nil {
						t.Fatal(err)
					}
					p.MCP = []string{self, "serve-mcp"}
				}
				if err := a.Prepare(p, s); err != nil {
					t.Fatal(err)
				}
				to := filepath.Join(captures, a.Name+"-"+version(bin, a.Package), s.Name)
				os.RemoveAll(to)
				os.MkdirAll(to, 0o755)
				for i, r := range s.Runs {
					e, err := a.Play(t.Context(), p, r, m, nil, nil)
					if err != nil {
						t.Fatal(err)
					}
					p.Session = e.Session
					suffix := ""
					if i > 0 {
						suffix = fmt.Sprint("-", i+1)
					}
					os.WriteFile(filepath.Join(to, "stdout"+suffix+".jsonl"), e.Stdout, 0o644)
					os.WriteFile(filepath.Join(to, "stderr"+suffix+".txt"), e.Stderr, 0o644)
					var asked strings.Builder
					fmt.Fprintf(&asked, "exit %d signal %d timed out %v session %s took %s\n", e.Code, e.Signal, e.TimedOut, e.Session, e.Took)
					sum := model.Tokens{}
					for n, ans := range m.Answers() {
						turn, _ := json.Marshal(ans.Turn)
						fmt.Fprintf(&asked, "%s %s thread=%q turn=%d surplus=%v %s\n", ans.Path, ans.Model, ans.Thread, ans.Number, ans.Surplus, turn)
						if ans.Turn.Fail == nil && !ans.Turn.Stall {
							sum = sum.Plus(ans.Turn.Tokens)
						}
						if n < 40 {
							os.MkdirAll(filepath.Join(dir, "requests"+suffix), 0o755)
							os.WriteFile(filepath.Join(dir, "requests"+suffix, fmt.Sprintf("%03d.json", n)), ans.Body, 0o644)
						}
						if ans.Surplus {
							t.Errorf("the script had no turn %d of %q", ans.Number, ans.Thread)
						}
					}
					fmt.Fprintf(&asked, "sum %+v\n", sum)
					os.WriteFile(filepath.Join(to, "model"+suffix+".txt"), []byte(asked.String()), 0o644)
					t.Logf("%s", asked.String()[:min(3000, asked.Len())])
					if e.TimedOut {
						t.Error("timed out")
					}
				}
				left, err := a.Left(p)
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range left {
					rel, _ := filepath.Rel(p.Home, path)
					dst := filepath.Join(to, "disk", rel)
					os.MkdirAll(filepath.Dir(dst), 0o755)
					in, _ := os.Open(path)
					out, _ := os.Create(dst)
					io.Copy(out, in)
					in.Close()
					out.Close()
				}
			})
		}
	}
}
