package eventlogtest

import (
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/store"
)

// Open opens the store in dir, which is an empty folder at first. If it is opened again
// after its Close, the store has what was written to it. A store that cannot do that must
// call t.Skip when Open is called for the same dir a second time. Open registers no
// clean-up: the tests close what it opens.
type Open func(t testing.TB, dir string) store.Store

// TestStore runs the tests that every [store.Store] must pass. The name of each subtest is
// the rule; a failure says how the store broke it.
func TestStore(t *testing.T, open Open) {
	for _, c := range append(storeCases, logCases...) {
		t.Run(c.rule, func(t *testing.T) {
			s := &subject{T: t, dir: t.TempDir(), openDir: open}
			t.Cleanup(s.close)
			c.check(s)
		})
	}
}

type testCase struct {
	rule  string
	check func(*subject)
}

// subject is the store, or the log on it, that a case tests.
type subject struct {
	*testing.T
	dir     string
	openDir Open
	store   store.Store // open, and not owned by a log
	log     *eventlog.Log
}

// close closes the store or the log.
func (s *subject) close() {
	s.Helper()
	var err error
	switch {
	case s.log != nil:
		err = s.log.Close()
	case s.store != nil:
		err = s.store.Close()
	}
	s.store, s.log = nil, nil
	if err != nil {
		s.Errorf("Close failed: %v", err)
	}
}

// reopen closes everything, and opens the store.
func (s *subject) reopen() store.Store {
	s.Helper()
	s.close()
	s.store = s.openDir(s.T, s.dir)
	return s.store
}

// reopenLog closes everything, and opens a log on the store.
func (s *subject) reopenLog(o *eventlog.Options) *eventlog.Log {
	s.Helper()
	log, err := eventlog.New(s.reopen(), o)
	if err != nil {
		s.Fatalf("A log cannot be opened on the store: %v", err)
	}
	s.log = log
	return log
}

// put writes keys, each with its own name as value.
func (s *subject) put(b store.Bucket, keys ...string) {
	s.Helper()
	s.update(func(tx store.Tx) error {
		for _, key := range keys {
			tx.Put(b, []byte(key), []byte(key))
		}
		return nil
	})
}

func (s *subject) update(fn func(store.Tx) error) {
	s.Helper()
	if err := s.store.Update(s.Context(), fn); err != nil {
		s.Fatalf("Update failed: %v", err)
	}
}

func (s *subject) view(fn func(store.Reader)) {
	s.Helper()
	err := s.store.View(s.Context(), func(r store.Reader) error {
		fn(r)
		return nil
	})
	if err != nil {
		s.Fatalf("View failed: %v", err)
	}
}
