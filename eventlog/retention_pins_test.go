package eventlog_test

import (
	"testing"
	"testing/synctest"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

// pin pins a task or ends that.
func (f *fixture) pin(task string, pinned bool) {
	f.Helper()
	_, _, err := f.PutTask(f.T.Context(), task, eventlog.TaskChange{Pinned: &pinned})
	f.ok(err)
}

func TestAPinnedTaskIsKeptWhateverItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{RetainAge: time.Hour})
		pinned, other := f.run("pinned", 1), f.run("other", 1)
		f.pin("pinned", true)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		wantSlice(t, "kept", f.kept(pinned, other), []int{0})
		f.pin("pinned", false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantSlice(t, "kept without the pin", f.kept(pinned, other), nil)
	})
}

func TestAPinnedTaskKeepsAnyNumberOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := inMemory(t, &eventlog.Options{RetainSessions: 1})
		f.pin("pinned", true)
		pinned := []*eventlog.Session{f.run("pinned", 1), f.run("pinned", 1), f.run("pinned", 1)}
		other := []*eventlog.Session{f.run("other", 1), f.run("other", 1)}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantSlice(t, "kept of the pinned task", f.kept(pinned...), []int{0, 1, 2})
		wantSlice(t, "kept of another", f.kept(other...), []int{1})
		f.pin("pinned", false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantSlice(t, "kept without the pin", f.kept(pinned...), []int{2})
	})
}

// Without room even open sessions lose their front, but not those of pinned tasks.
func TestAPinnedTaskIsKeptWhateverItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func() func() store.Store {
			db := sizedStore{newPurgedStore()}
			return func() store.Store { return db }
		}(), &eventlog.Options{RetainBytes: 1})
		f.pin("pinned", true)
		pinned := f.run("pinned", 500)
		open := f.start("pinned")
		f.append(open, repeated(says("x"), 500)...)
		other := f.run("other", 500)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantSlice(t, "kept", f.kept(pinned, other), []int{0})
		wantEqual(t, "events of the open session of the pinned task", len(f.events(open, 0)), 500)
		wantEqual(t, "first event", f.info(open).First, 1)
	})
}
