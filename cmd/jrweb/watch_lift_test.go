package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// listed are the tasks of the log in the order of its list.
func (r *watchRoom) listed() (tasks []string) {
	r.Helper()
	for task, err := range r.client.Tasks(r.Context()) {
		if err != nil {
			r.Fatal(err)
		}
		tasks = append(tasks, task.ID)
	}
	return tasks
}

// What is recorded newest first is in the list as it happened, the newest on top.
func TestABackfillLeavesTheNewestOnTop(t *testing.T) {
	for _, way := range []string{"once", "live"} {
		inRoom(t, func(r *watchRoom) {
			var want []string
			for i := range 12 {
				id := fmt.Sprintf("%08d%s", i, aSession[8:])
				path := filepath.Join(filepath.Dir(r.claudeFile()), id+".jsonl")
				r.writes(path, strings.ReplaceAll(asks("do")+answers("done"), aSession, id))
				want = append([]string{"claude-code-" + id}, want...)
				time.Sleep(7 * time.Minute)
			}
			if way == "live" {
				r.writes(r.claudeFile(), asks("now")) // at work, and on top of all
				want = append([]string{aTask}, want...)
				r.watch(aMoment)
			} else {
				aRest()
				r.once()
			}
			if got := r.listed(); !slices.Equal(got, want) {
				t.Errorf("%s: the list is %q, not %q", way, got, want)
			}
			// Who comes later leaves the list as it is.
			r.watch(aMoment)
			if got := r.listed(); !slices.Equal(got, want) {
				t.Errorf("%s: afterwards the list is %q, not %q", way, got, want)
			}
		})
	}
}

// A backfill touches as many tasks as a page of the list shows, and none once it is over.
func TestOnlyTheNewestAreLifted(t *testing.T) {
	var b backfilled
	start := time.Now()
	for i := range 1000 {
		b.add(fmt.Sprintf("t-%d", i), start.Add(time.Duration(-i)*time.Hour), start)
	}
	if got := b.due(false, start.Add(liftEvery-1)); got != nil {
		t.Errorf("after less than %s %d tasks are due", liftEvery, len(got))
	}
	got := b.due(true, start)
	if len(got) != mostLifted || got[len(got)-1] != "t-0" || got[0] != fmt.Sprintf("t-%d", mostLifted-1) {
		t.Errorf("%d tasks are due, from %s to %s", len(got), got[0], got[len(got)-1])
	}
	b.add("t-old", start, start)
	if got := b.due(true, start.Add(time.Hour)); got != nil {
		t.Errorf("after the backfill %q are due", got)
	}
}
