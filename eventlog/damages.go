package eventlog

import (
	"errors"
	"sync"
)

// damages remembers the damage that was found. Readers meet the same record again and
// again, and each record is reported once. The zero value is ready.
type damages struct {
	mu  sync.Mutex
	met map[string]bool // by bucket and key; true once the log has named it
}

// maxDamages is how many damaged records are remembered. A store with more needs no further
// lines in the log.
const maxDamages = 10_000

// meet notes an error of damage. isNew says that it is the first for its record. toName
// says that the caller must log it, because nothing has logged it before.
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

// damaged reports an error to the trace if it is one of damage. It does not log it: the
// caller returns the error, or nobody needs it.
func (l *Log) damaged(err error) { l.meetDamage(err, false) }

// passOver logs damage that does not stop anything else.
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
