package dbfile

import (
	"maps"
	"slices"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// checkActivity checks that each task is listed under its last change, and that every other
// entry was replaced and waits for its removal.
func (c *relations) checkActivity() error {
	replaced, all, err := c.replaced()
	if err != nil {
		return err
	}
	err = c.each(store.Activity, func(key, _ []byte) error {
		if len(key) != 8 {
			c.wrong(store.Activity, key, "is no number of a change")
			return nil
		}
		task, _, err := record.DecodeActivity(key, c.Get(store.Activity, key))
		if err != nil {
			return c.malformed(store.Activity, key, err)
		}
		t, change := c.tasks[task], record.ParseNumber(key)
		switch {
		case t == nil:
			c.wrong(store.Activity, key, "names task %q, which does not exist", task)
		case t.record == nil || t.unknown:
			t.active = true // its last change cannot be known
		case change == t.change:
			t.active = true
		case change > t.change || all && !replaced[change] && !slices.Contains(t.changes, change):
			c.wrong(store.Activity, key, "names task %s, whose last change is %d", task, t.change)
		}
		return nil
	}, c.activityDamaged)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.tasks)) {
		if t := c.tasks[id]; t.record != nil && !t.active {
			c.wrong(store.Tasks, []byte(id), "is not listed under its last change, %d", t.change)
		}
	}
	return nil
}

// replaced finds the entries that were replaced since the last sweep. all is false if some
// cannot be known because of damage, which was reported already.
func (c *relations) replaced() (found map[uint64]bool, all bool, err error) {
	found, all = map[uint64]bool{}, true
	var swept uint64
	if raw := c.Get(store.Meta, record.KeyLastSweep); raw != nil {
		payload, err := record.Decode(store.Meta, record.KeyLastSweep, raw)
		all = err == nil
		swept = record.ParseNumber(payload)
	}
	for key, raw := range c.Ascend(store.Activity, record.ChangeKey(swept+1), nil) {
		if err := c.ctx.Err(); err != nil {
			return nil, false, err
		}
		_, changes, err := record.DecodeActivity(key, raw)
		all = all && err == nil
		for _, change := range changes {
			found[change] = true
		}
	}
	return found, all, nil
}

// activityDamaged prevents a second finding about the task of a damaged entry.
func (c *relations) activityDamaged(key []byte) {
	for _, t := range c.tasks {
		if t.record != nil && len(key) == 8 && t.change == record.ParseNumber(key) {
			t.active = true
		}
	}
}
