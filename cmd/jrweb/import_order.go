package main

import (
	"cmp"
	"slices"
)

// inOrder are runs in the order of their sessions: that in which they began, and those
// at the end that tell no time, which are of now. A subagent's run that lies within the
// run of its caller goes before it: the latest session of a task is the agent's own.
func inOrder(runs []*oldRun) []*oldRun {
	slices.SortStableFunc(runs, func(a, b *oldRun) int {
		if a.first.IsZero() || b.first.IsZero() {
			return boolCompare(a.first.IsZero(), b.first.IsZero())
		}
		return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last)) // a fork may begin as its parent does
	})
	byParent := map[string][]*oldRun{}
	for _, r := range runs {
		if parent := r.origin.Parent; parent != "" {
			byParent[parent] = append(byParent[parent], r)
		}
	}
	var ordered []*oldRun
	seen := map[*oldRun]bool{}
	var add func(*oldRun)
	add = func(r *oldRun) {
		if seen[r] {
			return
		}
		seen[r] = true
		for _, other := range byParent[r.origin.Session] {
			if other.within(r) {
				add(other)
			}
		}
		ordered = append(ordered, r)
	}
	for _, r := range runs {
		add(r)
	}
	return ordered
}

// within reports whether a run is of a subagent of another one, which it did not outlive.
// A fork may name a parent as well, and goes on after it.
func (r *oldRun) within(caller *oldRun) bool {
	return r.task == caller.task && r.origin.Agent == caller.origin.Agent &&
		!r.last.IsZero() && !r.first.Before(caller.first) && !r.last.After(caller.last)
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
