package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog/transcript"
)

// foundRun is a run that would be recorded, or not.
type foundRun struct {
	waitingFile
	introduced
	why string // it is left out; "" if it is not
}

// dryRun lists what would be recorded, and why other transcripts would not. It asks no
// server.
func dryRun(c *cli.Command, set watching) error {
	to := c.String("url")
	if intoDatabase(c) {
		path, err := filepath.Abs(c.String("db"))
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		to = path
	}
	runs, recorded := set.find(readSeen(seenPath(set.spool, to)))
	out := c.Root().Writer
	sent := slices.DeleteFunc(slices.Clone(runs), func(r foundRun) bool { return r.why != "" })
	if len(sent) > 0 {
		all := func(yield func(foundRun, error) bool) {
			for _, r := range sent {
				if !yield(r, nil) {
					return
				}
			}
		}
		err := writeTable(out, terminalWidth(out), "FILE\tAGENT\tPROJECT\tCHANGED\tSIZE\tTITLE", []string{"SIZE", "CHANGED"}, all, foundRow)
		if err != nil {
			return err
		}
	}
	for _, r := range runs {
		if r.why != "" {
			fmt.Fprintf(out, "left out: %s: %s\n", visibleLine(r.path), visibleLine(r.why))
		}
	}
	fmt.Fprintf(out, "%s to record in %s; recorded already %d, left out %d\n", count(int64(len(sent)), "run"), visibleLine(to), recorded, len(runs)-len(sent))
	return nil
}

func foundRow(r foundRun) string {
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", visibleLine(r.path), cell(r.Agent), cell(projectOf(r.Dir)),
		r.changed.Format(time.DateTime), size(r.bytes), cell(r.Title))
}

// find returns the runs that are not recorded, and how many are.
func (w *watching) find(s *seen) (runs []foundRun, recorded int) {
	listed, names := map[string]bool{}, &sessionNames{}
	for _, f := range transcriptsIn(w.places) {
		b, err := bundleOf(f.path, names)
		if err != nil || b == nil || listed[b.main[0]] {
			continue // what cannot be read is not recorded, either
		}
		listed[b.main[0]] = true
		states, err := statesOf(b)
		if err != nil {
			continue
		}
		if !slices.ContainsFunc(states, func(state fileState) bool { return !s.has(state) }) {
			recorded++
			continue
		}
		in, err := introduce(b)
		if err != nil || in.first == "" || in.format == transcript.Text || in.format == transcript.Auto {
			continue
		}
		f.path = b.main[0]
		runs = append(runs, foundRun{f, in, w.why(f.path, in.Origin)})
	}
	return runs, recorded
}
