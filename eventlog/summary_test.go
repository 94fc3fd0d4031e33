package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// fillable is a store that can be made full.
type fillable struct {
	store.Store
	full atomic.Bool
}

func (s *fillable) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.full.Load() {
		return fmt.Errorf("%w: the test says so", eventlog.ErrFull)
	}
	return s.Store.Update(ctx, fn)
}

func TestThatThereIsNoRoomIsToldOnceThenSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fillable{Store: eventlogtest.NewStore()}
		var told journal
		f := on(t, store, &eventlog.Options{KeepOpen: true, Logger: slog.New(slog.NewTextHandler(&told, nil))})
		s := f.start("t-1")
		refuse := func(n int) {
			t.Helper()
			store.full.Store(true)
			for range n {
				_, err := s.Append(t.Context(), says("x"))
				wantErr(t, "append", err, eventlog.ErrFull)
			}
			store.full.Store(false)
		}
		want := func(when string, lines ...int) {
			t.Helper()
			wantEqual(t, when+", lines", told.count("there is no room"), len(lines))
			at := 0
			for _, n := range lines {
				sum := fmt.Sprintf(" refused=%d ", n)
				next := strings.Index(told.String()[at:], sum)
				if next < 0 {
					t.Fatalf("%s: the log has no %s in its place: %s", when, sum, told.String())
				}
				at += next + len(sum)
			}
		}
		want("with room")
		refuse(100)
		want("at once", 1)
		f.append(s, says("fits"))
		refuse(20)
		time.Sleep(61 * time.Second)
		want("after a minute", 1, 119)
		refuse(3)
		want("soon after", 1, 119)
		time.Sleep(time.Minute)
		want("after two", 1, 119, 3)
		time.Sleep(time.Hour)
		refuse(2)
		want("much later", 1, 119, 3, 1)
		f.close()
		want("at the end", 1, 119, 3, 1, 1)
	})
}

// Retention may delete something after each append. One line for each would drown all other
// lines of the log.
func TestWhatRetentionDeletesIsSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told journal
		f := inMemory(t, &eventlog.Options{RetainSessions: 1, Logger: slog.New(slog.NewTextHandler(&told, nil))})
		for range 50 {
			f.append(f.start("t-1"), complete())
			synctest.Wait()
		}
		wantEqual(t, "lines at once", told.count("msg=retention"), 1)
		time.Sleep(61 * time.Second)
		wantEqual(t, "lines after a minute", told.count("msg=retention"), 2)
		wantEqual(t, "lines of one session", told.count("sessions_deleted=1 "), 1)
		wantEqual(t, "lines of the rest", told.count("sessions_deleted=48 "), 1)
	})
}
