package eventlog_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"jrweb/eventlog"
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// overheard is a store that finds out of each commit what it has changed, as another replica
// would, and compares that with what the log knows of it.
type overheard struct {
	store.Store
	log     atomic.Pointer[eventlog.Log] // nil: not yet
	differs func(string)
}

// Update implements [store.Store].
func (o *overheard) Update(ctx context.Context, fn func(store.Tx) error) error {
	var ops []store.Op
	err := o.Store.Update(ctx, func(tx store.Tx) error {
		ops = nil
		return fn(&recordingTx{Tx: tx, ops: &ops})
	})
	log := o.log.Load()
	if err != nil || log == nil || eventlog.Committing(log) == nil {
		return err
	}
	heard, damage := record.Heard(asDelta(ops), func(string) bool { return true })
	if damage != nil {
		o.differs(damage.Error())
	}
	knows := *eventlog.Committing(log)
	if got, want := tell(heard), tell(&knows); got != want {
		o.differs(fmt.Sprintf("of a commit another replica hears\n%s\nand the log knows\n%s", got, want))
	}
	return nil
}

type recordingTx struct {
	store.Tx
	ops *[]store.Op
}

func (t *recordingTx) Put(b store.Bucket, key, value []byte) {
	*t.ops = append(*t.ops, store.Op{Bucket: b, Key: bytes.Clone(key), Value: bytes.Clone(value)})
	t.Tx.Put(b, key, value)
}

func (t *recordingTx) Delete(b store.Bucket, key []byte) {
	*t.ops = append(*t.ops, store.Op{Bucket: b, Key: bytes.Clone(key), Delete: true})
	t.Tx.Delete(b, key)
}

// asDelta yields ops as a store reports them: sorted, of each key the last one.
func asDelta(ops []store.Op) func(yield func(store.Op) bool) {
	buckets := store.Buckets()
	slices.SortStableFunc(ops, func(a, b store.Op) int {
		return cmp.Or(cmp.Compare(slices.Index(buckets, a.Bucket), slices.Index(buckets, b.Bucket)), bytes.Compare(a.Key, b.Key))
	})
	return func(yield func(store.Op) bool) {
		for i, op := range ops {
			last := i == len(ops)-1 || ops[i+1].Bucket != op.Bucket || !bytes.Equal(ops[i+1].Key, op.Key)
			if last && !yield(op) {
				return
			}
		}
	}
}

// tell writes down what readers must know of a commit.
func tell(o *record.Outcome) string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for task := range o.Touched {
		say("touched %s", task)
	}
	ended := map[eventlog.SessionID]bool{}
	for _, s := range o.Ended {
		ended[s.ID] = true
		say("ended %s/%s", s.Task, s.ID)
	}
	for _, s := range o.Started {
		if !ended[s.ID] { // else nobody else ever knows that it was open
			say("started %s/%s %v %d", s.Task, s.ID, s.Lease, s.Head)
		}
	}
	for _, a := range o.Appended {
		say("appended %s/%s to %d %s: %s", a.Task, a.Session, a.Record.Head, a.Record.Status, events(a.Events))
	}
	for _, d := range o.Dropped {
		say("dropped %s/%s", d.Task, d.Session)
	}
	for _, r := range o.Removed {
		say("removed %s by change %d", r.Task, r.Change)
	}
	if len(o.Touched)+len(o.Removed) > 0 {
		say("change %d", o.Change)
	}
	slices.Sort(all)
	return fmt.Sprint(slices.Compact(all))
}

func events(all []record.Prepared) (said []string) {
	for _, e := range all {
		said = append(said, fmt.Sprintf("%d %v %s %s %s %d", e.Sequence, e.Time, e.Type, e.Actor, e.Data, e.Change))
	}
	return said
}
