package eventlog

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// purgeRetry is how long the purger waits after an error: a full disk may have room then.
const purgeRetry = time.Minute

// purger removes the records of what was deleted, in transactions between those of the
// writers.
type purger struct {
	log     *Log
	more    chan struct{} // holds a token when there may be trash
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (p *purger) init() {
	p.more = make(chan struct{}, 1)
}

func (p *purger) start(l *Log) {
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.log = l
	p.wake() // the last process may have left some
	p.running.Go(func() { p.run(ctx) })
}

func (p *purger) stop() {
	p.cancel()
	p.running.Wait()
}

func (p *purger) wake() { notify(p.more) }

func (p *purger) run(ctx context.Context) {
	var again <-chan time.Time // after a failure
	for {
		select {
		case <-p.more:
		case <-again:
		case <-ctx.Done():
			return
		}
		again = nil
		for more := true; more; {
			var err error
			more, err = p.purge(ctx)
			if errors.Is(err, store.ErrNotWriter) {
				break // the writer goes on with it
			}
			if err != nil {
				if !errors.Is(err, ctx.Err()) && p.log.Err() == nil {
					p.log.o.Logger.Error("removing deleted events failed", "error", err)
				}
				again = time.After(purgeRetry)
				break
			}
		}
	}
}

// purge removes some of the records in the trash. more is false once the trash is empty.
func (p *purger) purge(ctx context.Context) (more bool, err error) {
	if !p.log.writes() {
		return false, nil
	}
	var keys [][]byte
	err = p.log.view(ctx, func(r store.Reader) error {
		for k, raw := range r.Ascend(store.Trash, nil, nil) {
			// A damaged key may name records that nobody deleted. It stays.
			if _, err := record.Decode(store.Trash, k, raw); err != nil {
				p.log.passOver(err)
				continue
			}
			if keys = append(keys, bytes.Clone(k)); len(keys) == record.PurgeKeys/2 {
				break
			}
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return false, err
	}
	return true, p.log.committer.doFreeing(ctx, func(tx *record.Txn) error {
		tx.Wrote = true
		for left, i := record.PurgeKeys, 0; left > 0 && i < len(keys); i++ {
			name, prefix, _ := bytes.Cut(keys[i], []byte{0})
			bucket := store.Bucket(name)
			if bucket == store.Said { // it reads much, so it is done alone
				if i == 0 && !tx.TakeBack(SessionID(prefix)) {
					tx.Delete(store.Trash, keys[i])
				}
				break
			}
			n := p.empty(tx, bucket, prefix, left)
			if n < left {
				tx.Delete(store.Trash, keys[i])
			}
			left -= n + 1
		}
		return nil
	})
}

// empty removes up to limit of the keys of a bucket that start with a prefix, and returns
// how many.
func (p *purger) empty(tx *record.Txn, bucket store.Bucket, prefix []byte, limit int) int {
	var found [][]byte
	for k := range tx.Ascend(bucket, prefix, record.PrefixEnd(prefix)) {
		if found = append(found, bytes.Clone(k)); len(found) == limit {
			break
		}
	}
	for _, k := range found {
		if err := tx.DeleteMentioned(bucket, k); err != nil {
			p.log.passOver(err) // the record stays, and the rest goes on
		}
		tx.Delete(bucket, k)
	}
	return len(found)
}
