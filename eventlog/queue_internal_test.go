package eventlog

import (
	"errors"
	"slices"
	"testing"
)

func TestAQueueIsTakenInOrderInGroupsOfLimitedSize(t *testing.T) {
	q := newQueue()
	var all []*op
	add := func(o *op) {
		t.Helper()
		all = append(all, o)
		if err := q.add(o); err != nil {
			t.Fatal(err)
		}
	}
	for range maxGroupOps + 1 {
		add(&op{})
	}
	add(&op{bytes: maxGroupBytes})
	add(&op{})
	all[1].state.Store(opGivenUp)
	for i, want := range [][]*op{
		slices.Concat(all[:1], all[2:maxGroupOps+1]), all[maxGroupOps+1 : maxGroupOps+2], all[maxGroupOps+2:], nil,
	} {
		got := q.take()
		if !slices.Equal(got, want) {
			t.Errorf("group %d has %d, want %d", i, len(got), len(want))
		}
		for _, o := range got {
			if o.state.Load() != opTaken {
				t.Errorf("group %d has one that is not marked as taken", i)
			}
		}
	}
	q.stop()
	if err := q.add(&op{}); !errors.Is(err, ErrClosed) {
		t.Errorf("add after the end returned %v", err)
	}
}

func TestAGroupWithoutAnyWhoWaitIsTheEndOfTheQueue(t *testing.T) {
	q := newQueue()
	for range maxGroupOps + 1 {
		o := &op{}
		o.state.Store(opGivenUp)
		if err := q.add(o); err != nil {
			t.Fatal(err)
		}
	}
	if got := q.take(); len(got) > 0 || q.length.Load() > 0 {
		t.Errorf("took %d, left %d", len(got), q.length.Load())
	}
}
