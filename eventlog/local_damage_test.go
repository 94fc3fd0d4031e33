package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// damage flips a bit of the first record of a bucket whose key contains a text.
func damage(t *testing.T, db store.Store, b store.Bucket, in string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx store.Tx) error {
		for key, value := range tx.Ascend(b, nil, nil) {
			if !strings.Contains(string(key), in) {
				continue
			}
			damaged := slices.Clone(value)
			damaged[len(damaged)-1] ^= 1
			tx.Put(b, slices.Clone(key), damaged)
			return nil
		}
		t.Errorf("bucket %s has no such key", b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// journal collects the lines of the log.
type journal struct {
	mu sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.String()
}

func (j *journal) count(text string) int { return strings.Count(j.String(), text) }

func TestOneDamagedOpenSessionKeepsNoOtherFromBeingOpened(t *testing.T) {
	for _, bucket := range []store.Bucket{"events", "sessions", "open", "spent", "tasks"} {
		t.Run(string(bucket), func(t *testing.T) {
			store := eventlogtest.NewStore()
			var told journal
			f := on(t, store, &eventlog.Options{KeepOpen: true, Logger: slog.New(slog.NewTextHandler(&told, nil))})
			var sessions []*eventlog.Session
			for i := range 3 {
				s := f.start(fmt.Sprint("t-", i))
				f.append(s, event("cost", `{"usd":1}`))
				sessions = append(sessions, s)
			}
			f.close()
			in := "t-1"
			if id := sessions[1].ID(); bucket == "events" || bucket == "spent" {
				in = string(id[:])
			}
			if bucket == "events" {
				in += "\x00\x00\x00\x00\x00\x00\x00\x02" // its state
			}
			damage(t, store, bucket, in)
			f.options.KeepOpen = false
			f.reopen()
			for _, i := range []int{0, 2} {
				info := f.info(sessions[i])
				wantEqual(t, fmt.Sprint("session ", i), fmt.Sprint(info.Status, " ", info.Reason), "interrupted process ended")
				wantEqual(t, fmt.Sprint("events of session ", i), len(f.events(sessions[i], 0)), 2)
			}
			if told.count("damaged") == 0 {
				t.Error("nobody was told")
			}
			f.append(f.start("t-0"), says("x"))
		})
	}
}

func TestDamageInTheTrashKeepsNothingElseFromBeingRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := eventlogtest.NewStore()
		var told journal
		f := on(t, db, &eventlog.Options{KeepOpen: true, Logger: slog.New(slog.NewTextHandler(&told, nil))})
		keyed := func(task, key string) eventlog.Appended {
			answer, err := f.Append(t.Context(), &eventlog.Batch{Task: task, Events: many(1), Key: withKey(key)})
			f.ok(err)
			return answer
		}
		gone := keyed("t-1", "k-1")
		keyed("t-1", "k-2")
		damage(t, db, "keys", "k-1")
		f.ok(f.DeleteSession(t.Context(), "t-1", gone.Session))
		synctest.Wait()
		wantEqual(t, "left in the trash", countKeys(t, db, "trash"), 0)
		wantEqual(t, "idempotency keys, of which one is damaged", countKeys(t, db, "keys"), 1)

		// A key of the trash is damaged: it may name records that nobody deleted.
		err := db.Update(t.Context(), func(tx store.Tx) error {
			tx.Put("trash", []byte("events\x00"), []byte("\x01xxxx"))
			return nil
		})
		f.ok(err)
		s := f.start("t-2")
		f.append(s, many(5)...)
		f.ok(f.DeleteTask(t.Context(), "t-2"))
		f.ok(f.DeleteTask(t.Context(), "t-1"))
		synctest.Wait()
		wantEqual(t, "left in the trash", countKeys(t, db, "trash"), 1)
		wantEqual(t, "events", countKeys(t, db, "events"), 0)
		wantEqual(t, "how often each was told", told.count("msg=\"something is damaged"), 2)
	})
}

// narrow is a store in which no transaction may put more than a number of bytes into
// store.Events.
type narrow struct {
	store.Tx
	left int
}

func (n *narrow) Put(b store.Bucket, key, value []byte) {
	if b == "events" {
		n.left -= len(value)
	}
	n.Tx.Put(b, key, value)
}

func TestAnAppendThatDoesNotFitRefusesNoOther(t *testing.T) {
	for _, c := range []struct{ room, small, large int }{
		{10_000, 20, 1}, {10_000, 20, 20}, {300, 5, 3}, {10_000, 0, 5}, {10, 50, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := newGate()
			f := on(t, db, &eventlog.Options{KeepOpen: true})
			s := f.start("t-1")
			synctest.Wait()
			attempts, open := 0, db.update
			db.update = func(ctx context.Context, fn func(store.Tx) error, next updateFunc) error {
				return open(ctx, func(tx store.Tx) error {
					attempts++
					limited := &narrow{tx, c.room}
					if err := fn(limited); err != nil {
						return err
					}
					if limited.left < 0 {
						return fmt.Errorf("%w: it is narrow", eventlog.ErrFull)
					}
					return nil
				}, next)
			}
			db.closed.Store(true)
			var wg sync.WaitGroup
			wg.Go(func() { wantErr(t, "probe", f.Probe(t.Context()), nil) })
			<-db.arrived
			var mu sync.Mutex
			refused := map[int]int{} // by size
			for _, size := range append(slices.Repeat([]int{10}, c.small), slices.Repeat([]int{20_000}, c.large)...) {
				wg.Go(func() {
					if _, err := s.Append(t.Context(), says(strings.Repeat("x", size))); err != nil {
						wantErr(t, "append", err, eventlog.ErrFull)
						mu.Lock()
						defer mu.Unlock()
						refused[size]++
					}
				})
			}
			synctest.Wait()
			db.closed.Store(false)
			db.through <- struct{}{}
			wg.Wait()
			small := 0
			if c.room < 20 {
				small = c.small
				if attempts > 10 { // few fail, however many wait
					t.Errorf("a store without room was tried %d times", attempts)
				}
			}
			wantEqual(t, fmt.Sprint(c, ": large ones that were refused"), refused[20_000], c.large)
			wantEqual(t, fmt.Sprint(c, ": small ones that were refused"), refused[10], small)
			wantEqual(t, "head", f.info(s).Head, uint64(c.small-small))
		})
	}
}

func TestCloseMayBeCalledAgain(t *testing.T) {
	log, err := eventlog.New(eventlogtest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { wantErr(t, "close", log.Close(), nil) })
	}
	wg.Wait()
	wantErr(t, "close", log.Close(), nil)
}

func TestAListOfNothingIsEmpty(t *testing.T) {
	f := inMemory(t, nil)
	f.start("t-1")
	for _, limit := range []int{0, -1} {
		tasks, err := f.Tasks(t.Context(), 0, limit)
		wantEqual(t, "tasks", fmt.Sprint(len(tasks), err), "0 <nil>")
		sessions, err := f.Sessions(t.Context(), "t-1", eventlog.SessionID{}, limit)
		wantEqual(t, "sessions", fmt.Sprint(len(sessions), err), "0 <nil>")
		changes, err := f.Changes(t.Context(), eventlog.TaskCursor{}, limit)
		wantEqual(t, "changes", fmt.Sprint(len(changes.Tasks), changes.Next.Change, changes.More, err), "0 0 true <nil>")
	}
}
