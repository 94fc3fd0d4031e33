package eventlog_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// A commit that a store tries again and again, as that of a cluster does while other replicas
// are faster, uses its memory again.
func TestACommitThatIsTriedAgainTakesNoMoreMemory(t *testing.T) {
	synctest.Test(t, testACommitThatIsTriedAgain)
}

func testACommitThatIsTriedAgain(t *testing.T) {
	db := &spy{Store: eventlogtest.NewStore()}
	f := on(t, db, nil)
	synctest.Wait() // the purger has looked for trash
	s := f.start("t-1")
	content := strings.Repeat("x", 500_000)
	took := func(more int) uint64 {
		overtaken := errors.New("another replica was faster")
		db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
			for range more {
				err := next(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), overtaken) })
				if !errors.Is(err, overtaken) {
					return err
				}
			}
			return next(ctx, fn)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Append(t.Context(), says(content))
		f.ok(err)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	took(0) // what this one takes is used by the later ones
	// The store in memory copies what is put, each time. The log adds little to that.
	once, often := took(0), took(20)
	if most := once + 20*600_000; often > most {
		t.Errorf("20 more tries took %d bytes, want at most %d", often, most)
	}
}
