package eventlog

import (
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// heard makes a commit visible of which the store tells: one of this log, or of another one
// on the same store. What others did is shown to readers. It is not traced, but that something
// was spent.
func (l *Log) heard(c store.Commit) {
	l.turn.heard(l, c)
	if c.Own { // the committer waits for it, or the log is being opened
		if tx := l.committer.tx; tx != nil {
			l.committed(tx, c.Commits)
		} else {
			l.shown.set(c.Commits)
		}
		return
	}
	o, damage := record.Heard(c.Ops, l.watches.watched)
	if damage != nil {
		l.passOver(damage)
	}
	l.committer.overtaken.Store(true)
	// A session that was started and ended in one commit was never counted.
	l.open.Add(int64(len(o.Started) - l.leases.committed(o)))
	l.watches.committed(o, time.Now())
	l.shown.set(c.Commits)
	if o.Spent && l.trace.Spent != nil {
		l.trace.Spent(false)
	}
}
