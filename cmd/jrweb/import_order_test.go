package main

import (
	"path/filepath"
	"slices"
	"testing"

	"jrweb/eventlog/transcript"
)

// The latest session of a task, which its page shows, is what the agent itself did, not
// what a subagent did for it meanwhile. A fork goes on after its parent.
func TestTheSessionOfARunIsLaterThanThoseOfItsSubagents(t *testing.T) {
	const real = "../../eventlog/transcript/testdata/real"
	for name, latest := range map[string]string{
		"codex-0.171.0/subagent": "subagent.disk.jsonl",
		"codex-0.171.0/fork":     "fork.disk-2.jsonl",
		"qwen-0.24.4/fork":       "fork.disk-2.jsonl",
	} {
		files, err := filepath.Glob(filepath.Join(real, name+".disk*.jsonl"))
		if err != nil || len(files) != 2 {
			t.Fatalf("%s: the files are %q, %v", name, files, err)
		}
		for range 2 {
			slices.Reverse(files)
			bundles, err := gather(files)
			if err != nil {
				t.Fatal(err)
			}
			var runs []*oldRun
			for _, b := range bundles {
				r, err := scan(b, "t-1", transcript.Auto, nil)
				if err != nil {
					t.Fatal(err)
				}
				runs = append(runs, r)
			}
			runs = inOrder(runs)
			if got := filepath.Base(runs[len(runs)-1].name()); len(runs) != 2 || got != latest {
				t.Errorf("of %d runs in %q the latest is %s, want %s", len(runs), files, got, latest)
			}
		}
	}
}
