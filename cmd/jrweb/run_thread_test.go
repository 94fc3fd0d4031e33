package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jrweb/router/client"
)

// kimis are what Kimi's two programs do: how the file of a run is called below the home
// directory, what stands beside it, and what they print at first and at the end.
var kimis = map[string]struct{ wire, beside, text, first, last string }{
	"Kimi Code": {
		wire: ".kimi-code/sessions/wd_app_0abc/k-1/agents/main/wire.jsonl", beside: ".kimi-code/sessions/wd_app_0abc/k-1/state.json", text: "inputs/kimi-code-wire.jsonl",
		first: `{"role":"assistant","content":"I look."}`, last: `{"role":"meta","type":"session.resume_hint","session_id":"k-1","content":"To resume: kimi -r k-1"}`,
	},
	"Kimi CLI": {
		wire: ".kimi/sessions/$MD5/k-1/wire.jsonl", beside: ".kimi/kimi.json", text: "inputs/kimi-wire.jsonl",
		first: `{"role":"assistant","content":[{"type":"text","text":"I look."}],"tool_calls":[{"type":"function","id":"t1","function":{"name":"Shell","arguments":"{}"}}]}`,
		last:  `{"role":"assistant","content":[{"type":"text","text":"Done."}]}`,
	},
}

// An agent that prints the name of its thread at its end, or never, is not recorded by a
// watch as well: neither while it runs, nor afterwards.
func TestWhatARunRecordsIsNotWatchedThoughItsAgentDoesNotSayWhoItIs(t *testing.T) {
	for name, kimi := range kimis {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			s := startServe(t)
			c, err := client.New(s.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			app := filepath.Join(home, "app")
			r := &watchRoom{inMemory: &inMemory{T: t}, home: home}
			old := agentsTranscript{path: strings.ReplaceAll(kimi.wire, "k-1", "k-0"), text: kimi.text}
			r.keeps(old, app) // of another run, which is over
			text, gate, agent := filepath.Join(home, "wire"), filepath.Join(home, "gate"), filepath.Join(home, "bin", "kimi")
			wire := r.keeps(agentsTranscript{path: kimi.wire, text: kimi.text, beside: map[string]string{
				kimi.beside: `{"workDir":"$DIR","work_dirs":[{"path":"$DIR"}]}`,
			}}, app)[0]
			write(t, text, epochs.ReplaceAllFunc(readFileOf(t, wire), func(epoch []byte) []byte {
				return fmt.Appendf(nil, "NOW%.0f", perSecond(epoch)) // when the agent runs
			}))
			if err := os.Remove(wire); err != nil {
				t.Fatal(err)
			}
			script := fmt.Sprintf("#!/bin/sh\nset -e\nmkdir -p '%s'\nsed \"s/NOW1000/$(date +%%s.%%3N)/; s/NOW1/$(date +%%s%%3N)/\" '%s' > '%s'\necho '%s'\nread line < '%s'\necho '%s'\n",
				filepath.Dir(wire), text, wire, kimi.first, gate, kimi.last)
			write(t, agent, []byte(script))
			if err := os.Chmod(agent, 0o700); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "mkfifo", gate).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			open, err := os.OpenFile(gate, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer open.Close() // ends the agent, also of a run that was killed
			if err := os.MkdirAll(app, 0o700); err != nil {
				t.Fatal(err)
			}
			jrweb := func(args ...string) *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), "jrweb", args...)
				cmd.Dir = app
				cmd.Env = append(os.Environ(), "HOME="+home, "PWD="+app, "JRWEB_URL="+s.url, "JRWEB_SPOOL="+filepath.Join(home, "spool"), "KIMI_SHARE_DIR=", "KIMI_CODE_HOME=")
				cmd.Stderr = t.Output()
				return cmd
			}
			watchOnce := func() string {
				t.Helper()
				out, err := jrweb("watch", "-once").Output()
				if err != nil {
					t.Fatal(err)
				}
				return string(out)
			}
			if out := watchOnce(); !strings.Contains(out, "1 run recorded") {
				t.Errorf("before the run, the watch says %q", out)
			}
			run := jrweb("run", "-task", "mine", "--", agent, "-p", "Count.")
			if err := run.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the run does not say whose it is")
				}
				if all, err := c.SessionsByExternalID(t.Context(), name, "k-1"); err == nil && len(all) == 1 && all[0].Task == "mine" {
					break
				}
			}
			if out := watchOnce(); !strings.Contains(out, "1 run recorded by somebody else now") {
				t.Errorf("while it runs, the watch says %q", out)
			}
			if _, err := open.WriteString("\n"); err != nil {
				t.Fatal(err)
			}
			if err := run.Wait(); err != nil {
				t.Error(err)
			}
			watchOnce()
			var tasks []string
			for task, err := range c.Tasks(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				tasks = append(tasks, fmt.Sprint(task.ID, " ", task.Sessions, " ", task.Agent))
			}
			if got := strings.Join(tasks, ", "); !strings.HasPrefix(got, "mine 1 "+name+", ") || len(tasks) != 2 {
				t.Errorf("the tasks are %s", got)
			}
		})
	}
}
