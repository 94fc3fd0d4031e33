package eventlog

import (
	"errors"
	"sync"
)

// damages remembers what was found damaged: readers meet the same record again and
// again, and each is told once. The zero value is ready.
type damages struct {
	mu  sync.Mutex
	met map[string]bool // by bucket and key; true if the log has named it
}

// maxDamages is how many damaged records are told apart. What is wrong with a store
// that has more needs no further line.
const maxDamages = 10_000

// meet notes an error of damage. isNew says that it was not met before, and toName that
// the log has not named it before and is to do so.
func (d *damages) meet(err error, name bool) (isNew, toName bool) {
	place := err.Error()
	if damage, ok := errors.AsType[*DamageError](err); ok {
		place = string(damage.Bucket) + "\x00" + string(damage.Key)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	named, known := d.met[place]
	if !known && len(d.met) == maxDamages {
		return false, false
	}
	if d.met == nil {
		d.met = map[string]bool{}
	}
	d.met[place] = named || name
	return !known, name && !named
}

// damaged tells the trace of an error, if it is one of damage: somebody else is told,
// or nobody needs to be.
func (l *Log) damaged(err error) { l.meetDamage(err, false) }

// passOver names damage in the log that keeps nothing else from going on.
func (l *Log) passOver(err error) {
	if l.meetDamage(err, true) {
		l.o.Logger.Error("something is damaged, and was passed over", "error", err)
	}
}

func (l *Log) meetDamage(err error, name bool) (toName bool) {
	damage, is := errors.AsType[*DamageError](err)
	if !is && !name {
		return false
	}
	isNew, toName := l.damages.meet(err, name)
	if is && isNew && l.trace.Damaged != nil {
		l.trace.Damaged(damage)
	}
	return toName
}
