package eventlog

import (
	"context"
	"sync/atomic"
	"time"

	"jrweb/eventlog/store"
)

// turn says whether a log makes changes itself. One that alone changes its store always does.
// Of the logs of several processes the writer does, see [store.NotifyingStore]; the writer
// alone also ends silent sessions, retains and purges. The zero value is not the writer.
type turn struct {
	term   atomic.Uint64 // of which this log is the writer; 0: of none
	proved atomic.Int64  // when a commit of this log last showed that it is, in ns since begin
}

// surely is how long a proof holds: within that time no other process takes over. If one does
// anyway, the next commit shows it.
const surely = 4 * time.Second

var begin = time.Now() // of the monotonic clock

// writes reports whether the log makes changes itself.
func (l *Log) writes() bool { return l.others == nil || l.turn.term.Load() != 0 }

// surelyWrites reports whether the log is certainly the writer, without a commit to prove it.
func (l *Log) surelyWrites() bool {
	return l.others == nil ||
		l.turn.term.Load() != 0 && time.Since(begin)-time.Duration(l.turn.proved.Load()) < surely
}

// heard notes who is the writer after a commit.
func (t *turn) heard(l *Log, c store.Commit) {
	before := t.term.Swap(c.Term)
	if c.Own || c.Term != before {
		t.proved.Store(int64(time.Since(begin)))
	}
	if c.Term != before && c.Term != 0 {
		l.leases.begun()
		l.purger.wake()
		notify(l.janitor.more)
	}
}

// check refuses a change that must be made in another term. 0 is any.
func (t *turn) check(term uint64) error {
	if term != 0 && term != t.term.Load() {
		return store.ErrNotWriter
	}
	return nil
}

type termKey struct{}

// inTerm returns a context for changes that must be made in a term.
func inTerm(ctx context.Context, term uint64) context.Context {
	return context.WithValue(ctx, termKey{}, term)
}

// termOf returns the term in which a change must be made, 0 if any will do.
func termOf(ctx context.Context) uint64 {
	term, _ := ctx.Value(termKey{}).(uint64)
	return term
}
