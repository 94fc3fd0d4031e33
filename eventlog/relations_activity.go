package eventlog

import (
	"maps"
	"slices"
)

// checkActivity checks that each task is listed under its last change, and that
// what else is listed was replaced and waits for its removal.
func (c *relations) checkActivity() error {
	replaced, all, err := c.replaced()
	if err != nil {
		return err
	}
	err = c.each(bucketActivity, func(key, _ []byte) error {
		if len(key) != 8 {
			c.wrong(bucketActivity, key, "is no number of a change")
			return nil
		}
		task, _, err := decodeActivity(key, c.Get(bucketActivity, key))
		if err != nil {
			return c.malformed(bucketActivity, key, err)
		}
		t, change := c.tasks[task], parseNumber(key)
		switch {
		case t == nil:
			c.wrong(bucketActivity, key, "names task %q, which does not exist", task)
		case t.record == nil || t.unknown:
			t.active = true // which change was its last cannot be known
		case change == t.change:
			t.active = true
		case change > t.change || all && !replaced[change] && !slices.Contains(t.changes, change):
			c.wrong(bucketActivity, key, "names task %s, whose last change is %d", task, t.change)
		}
		return nil
	}, c.activityDamaged)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.tasks)) {
		if t := c.tasks[id]; t.record != nil && !t.active {
			c.wrong(bucketTasks, []byte(id), "is not listed under its last change, %d", t.change)
		}
	}
	return nil
}

// replaced finds the entries that were replaced since the last sweep. all is
// false if some cannot be known, because of damage that was found already.
func (c *relations) replaced() (found map[uint64]bool, all bool, err error) {
	found, all = map[uint64]bool{}, true
	var swept uint64
	if raw := c.Get(bucketMeta, keyLastSweep); raw != nil {
		payload, err := decodeRecord(bucketMeta, keyLastSweep, raw)
		all = err == nil
		swept = parseNumber(payload)
	}
	for key, raw := range c.Ascend(bucketActivity, changeKey(swept+1), nil) {
		if err := c.ctx.Err(); err != nil {
			return nil, false, err
		}
		_, changes, err := decodeActivity(key, raw)
		all = all && err == nil
		for _, change := range changes {
			found[change] = true
		}
	}
	return found, all, nil
}

// activityDamaged keeps quiet about the task that a damaged entry stood for.
func (c *relations) activityDamaged(key []byte) {
	for _, t := range c.tasks {
		if t.record != nil && len(key) == 8 && t.change == parseNumber(key) {
			t.active = true
		}
	}
}
