package eventlog_test

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"jrweb/eventlog"
	"jrweb/eventlog/eventlogtest"
	"jrweb/eventlog/store"
)

// model is the expected content of a log, in slices.
type model struct {
	tasks    []string        // the newest activity last
	sessions []*modelSession // by their start, without deleted ones
	dead     []*modelSession // deleted
	title    map[string]string
	commits  int
}

type modelSession struct {
	task     string
	id       eventlog.SessionID
	contents []string
	commits  []int // of each content, the commit that it came with
	trimmed  int
	status   eventlog.Status
	external string // the id, according to the last session event
	costs    []costSaid
}

func (m *model) touch(task string) {
	m.tasks = append(slices.DeleteFunc(m.tasks, func(t string) bool { return t == task }), task)
}

func (m *model) of(task string) (sessions []*modelSession) {
	for _, s := range m.sessions {
		if s.task == task {
			sessions = append(sessions, s)
		}
	}
	return sessions
}

func (m *model) start(task string, id eventlog.SessionID, concurrent bool) *modelSession {
	for _, s := range m.of(task) {
		if s.status == eventlog.StatusOpen && !concurrent {
			s.seal(eventlog.Interrupted, "superseded")
		}
	}
	s := &modelSession{task: task, id: id, status: eventlog.StatusOpen}
	m.sessions = append(m.sessions, s)
	m.touch(task)
	return s
}

func (s *modelSession) seal(status eventlog.Status, reason string) {
	s.status = status
	s.contents = append(s.contents, fmt.Sprintf(`complete{"status":"%s","reason":"%s"}`, status, reason))
}

func (m *model) remove(gone func(*modelSession) bool) {
	m.sessions = slices.DeleteFunc(m.sessions, func(s *modelSession) bool {
		if gone(s) {
			m.dead = append(m.dead, s)
		}
		return gone(s)
	})
}

// make torture says how many histories it tries; a usual run tries fewer than rapid would by
// itself.
func init() {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
}

func TestALogHoldsWhatAModelHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx := t.Context()
		store := &overheard{Store: eventlogtest.NewStore(), differs: func(how string) { t.Error(how) }}
		dir, onDisk := "", rapid.IntRange(0, 7).Draw(r, "on disk") == 0 // which takes longer
		if onDisk {
			dir = t.TempDir()
		}
		options := &eventlog.Options{TailBytes: rapid.SampledFrom([]int{1, 1000, 1 << 20}).Draw(r, "tail")}
		var log *eventlog.Log
		open := func() {
			var err error
			store.log.Store(nil)
			if onDisk {
				store.Store = openStore(t, filepath.Join(dir, "jr.db"))
			}
			if log, err = eventlog.New(store, options); err != nil {
				r.Fatal(err)
			}
			store.log.Store(log)
		}
		open()
		defer func() { log.Close() }()
		m := &model{title: map[string]string{}}
		ok := func(err error) {
			if err != nil {
				r.Fatal(err)
			}
		}
		aTask := rapid.SampledFrom([]string{"t", "t-1", "t-10"})
		aSession := func() *modelSession {
			if len(m.sessions) == 0 {
				r.Skip("there is no session")
			}
			return rapid.SampledFrom(m.sessions).Draw(r, "session")
		}
		said := 0
		newEvents := func() (events []eventlog.Event, texts []string) {
			for range rapid.IntRange(1, 5).Draw(r, "events") {
				said++
				texts = append(texts, fmt.Sprint(said))
				events = append(events, says(fmt.Sprint(said)))
			}
			return events, texts
		}
		followers := map[eventlog.SessionID]*eventlog.Watch{}

		r.Repeat(map[string]func(*rapid.T){
			"start": func(r *rapid.T) {
				task, concurrent := aTask.Draw(r, "task"), rapid.Bool().Draw(r, "concurrent")
				s, err := log.Start(ctx, task, &eventlog.StartOptions{Concurrent: concurrent})
				ok(err)
				m.start(task, s.ID(), concurrent)
			},
			"append": func(r *rapid.T) {
				s := aSession()
				events, texts := newEvents()
				last, err := log.Session(s.task, s.id).Append(ctx, events...)
				if s.status != eventlog.StatusOpen {
					wantErr(r, "append to a sealed session", err, eventlog.ErrSealed)
					return
				}
				ok(err)
				s.contents = append(s.contents, texts...)
				wantEqual(r, "last", last, uint64(len(s.contents)))
				m.touch(s.task)
			},
			"append to the latest": func(r *rapid.T) {
				task := aTask.Draw(r, "task")
				events, texts := newEvents()
				answer, err := log.Append(ctx, &eventlog.Batch{Task: task, Events: events})
				ok(err)
				var s *modelSession
				if all := m.of(task); len(all) > 0 && all[len(all)-1].status == eventlog.StatusOpen {
					s = all[len(all)-1]
				} else {
					s = m.start(task, answer.Session, false)
				}
				wantEqual(r, "session", answer.Session, s.id)
				s.contents = append(s.contents, texts...)
				m.touch(task)
			},
			"complete": func(r *rapid.T) {
				s := aSession()
				err := log.Session(s.task, s.id).Complete(ctx, eventlog.Failed, "r")
				if s.status != eventlog.StatusOpen {
					wantErr(r, "second end", err, eventlog.ErrSealed)
					return
				}
				ok(err)
				s.seal(eventlog.Failed, "r")
				m.touch(s.task)
			},
			"trim": func(r *rapid.T) {
				s := aSession()
				through := rapid.IntRange(0, len(s.contents)+1).Draw(r, "through")
				ok(log.Trim(ctx, s.task, s.id, uint64(through)))
				most := len(s.contents)
				if s.status != eventlog.StatusOpen {
					most--
				}
				s.trimmed = max(s.trimmed, min(through, most))
			},
			"cost": func(r *rapid.T) {
				s := aSession()
				cost := costSaid{member: rapid.IntRange(0, 2).Draw(r, "member"), amount: rapid.Uint64Range(0, 20).Draw(r, "amount")}
				_, err := log.Session(s.task, s.id).Append(ctx, cost.event())
				if s.status != eventlog.StatusOpen {
					wantErr(r, "cost in a sealed session", err, eventlog.ErrSealed)
					return
				}
				ok(err)
				s.contents = append(s.contents, content(cost.event()))
				s.costs = append(s.costs, cost)
				m.touch(s.task)
			},
			"say what runs": func(r *rapid.T) {
				s := aSession()
				external := rapid.SampledFrom([]string{"x", "y"}).Draw(r, "external id")
				about := event("session", fmt.Sprintf(`{"external_id":%q,"title":%q}`, external, external))
				_, err := log.Session(s.task, s.id).Append(ctx, about)
				if s.status != eventlog.StatusOpen {
					wantErr(r, "session event in a sealed session", err, eventlog.ErrSealed)
					return
				}
				ok(err)
				s.contents = append(s.contents, content(about))
				s.external = external
				m.touch(s.task)
				m.title[s.task] = external
			},
			"follow": func(r *rapid.T) {
				if s := aSession(); followers[s.id] == nil {
					followers[s.id] = log.Watch(s.task)
				}
			},
			"delete session": func(r *rapid.T) {
				s := aSession()
				ok(log.DeleteSession(ctx, s.task, s.id))
				m.remove(func(o *modelSession) bool { return o == s })
				m.touch(s.task)
			},
			"delete task": func(r *rapid.T) {
				task := aTask.Draw(r, "task")
				err := log.DeleteTask(ctx, task)
				if !slices.Contains(m.tasks, task) {
					wantErr(r, "deletion of no task", err, eventlog.ErrTaskNotFound)
					return
				}
				ok(err)
				m.remove(func(s *modelSession) bool { return s.task == task })
				m.tasks = slices.DeleteFunc(m.tasks, func(t string) bool { return t == task })
				delete(m.title, task)
			},
			"checkpoint": func(r *rapid.T) {
				if onDisk {
					ok(store.Store.(checkpoints).Checkpoint(ctx))
				}
			},
			"reopen": func(r *rapid.T) {
				ok(log.Close())
				open()
				clear(followers)
				slices.Sort(m.tasks) // only the order of those with open sessions changes, checked below
				for _, s := range m.sessions {
					if s.status == eventlog.StatusOpen {
						s.seal(eventlog.Interrupted, "process ended")
					}
				}
				// Take over the order of activity: the order in which sessions were sealed
				// is not promised.
				tasks, err := log.Tasks(ctx, 0, 100)
				ok(err)
				m.tasks = sameSet(r, m.tasks, tasks)
			},
			"": func(r *rapid.T) { m.check(r, t, store, log, followers) },
		})
	})
}

// sameSet checks that the tasks are those of the model, and returns them in
// the order of their activity.
func sameSet(r *rapid.T, want []string, tasks []eventlog.Task) (inOrder []string) {
	for _, task := range slices.Backward(tasks) {
		inOrder = append(inOrder, task.ID)
	}
	wantSlice(r, "tasks after a reopen", slices.Sorted(slices.Values(inOrder)), want)
	return inOrder
}

// costs are the statements of the remaining sessions.
func (m *model) costs() (said []costSaid) {
	for _, s := range m.sessions {
		said = append(said, s.costs...)
	}
	return said
}

// check compares everything that the log shows with the model.
func (m *model) check(r *rapid.T, t *testing.T, store store.Store, log *eventlog.Log, followers map[eventlog.SessionID]*eventlog.Watch) {
	// If others reported what a deleted session reported, it counts for them once the
	// purger has run.
	purged := countKeys(t, store, "trash") == 0
	tasks, err := log.Tasks(t.Context(), 0, 100)
	if err != nil {
		r.Fatal(err)
	}
	var ids []string
	var sum eventlog.Totals
	for _, task := range slices.Backward(tasks) {
		ids = append(ids, task.ID)
		all := m.of(task.ID)
		wantEqual(r, "sessions", task.Sessions, len(all))
		events, status := 0, eventlog.StatusNone
		for _, s := range all {
			events += len(s.contents)
			status = s.status
		}
		wantEqual(r, "events of the task", task.Totals.Events, uint64(events))
		wantEqual(r, "status of the task", task.Status, status)
		wantEqual(r, "title of the task", task.Title, m.title[task.ID])
		sum = sumOf(sum, task.Totals)
	}
	if purged {
		wantEqual(r, "costs", sum, worth(m.costs()))
	}
	for _, external := range []string{"x", "y"} {
		found, err := log.SessionsByExternalID(t.Context(), "", external)
		if err != nil {
			r.Fatal(err)
		}
		var got, want []eventlog.SessionID
		for _, s := range slices.Backward(found) {
			got = append(got, s.ID)
		}
		for _, s := range m.sessions {
			if s.external == external {
				want = append(want, s.id)
			}
		}
		wantSlice(r, "sessions with external id "+external, got, want)
	}
	wantSlice(r, "tasks by activity", ids, m.tasks)

	open := 0
	for _, s := range m.sessions {
		info, err := log.Session(s.task, s.id).Info(t.Context())
		if err != nil {
			r.Fatal(err)
		}
		wantEqual(r, "status", info.Status, s.status)
		wantEqual(r, "head", info.Head, uint64(len(s.contents)))
		wantEqual(r, "first", info.First, uint64(s.trimmed+1))
		if s.status == eventlog.StatusOpen {
			open++
		}
		var got []string
		for e, err := range log.Session(s.task, s.id).Events(t.Context(), 0) {
			if err != nil {
				r.Fatal(err)
			}
			got = append(got, content(e))
		}
		wantSlice(r, "contents", got, s.contents[s.trimmed:])
		if watch := followers[s.id]; watch != nil {
			page, err := readWatch(t.Context(), watch, s.id, uint64(max(s.trimmed, len(s.contents)-3)))
			if err != nil {
				r.Fatal(err)
			}
			got = nil
			for _, e := range page.Events {
				got = append(got, content(e))
			}
			wantSlice(r, "contents in memory", got, s.contents[max(s.trimmed, len(s.contents)-3):])
		}
	}
	wantEqual(r, "open sessions", log.Stats().OpenSessions, open)
	m.checkOrder(r, t, log, followers)
	for _, s := range m.dead {
		if _, err := log.Read(t.Context(), s.task, s.id, 0); !errors.Is(err, eventlog.ErrTaskNotFound) && !errors.Is(err, eventlog.ErrSessionNotFound) {
			r.Fatalf("a deleted session is served: %v", err)
		}
	}
}

// checkOrder compares the order of all events with that in which the model got them. It
// runs after each operation, so what a session has more than before came with one commit.
func (m *model) checkOrder(r *rapid.T, t *testing.T, log *eventlog.Log, followers map[eventlog.SessionID]*eventlog.Watch) {
	m.commits++
	type at struct {
		commit int
		cursor eventlog.Cursor
	}
	for _, task := range m.tasks {
		var all []at
		var watch *eventlog.Watch
		for _, s := range m.of(task) { // by their start
			for len(s.commits) < len(s.contents) {
				s.commits = append(s.commits, m.commits)
			}
			for i := s.trimmed; i < len(s.contents); i++ {
				all = append(all, at{s.commits[i], eventlog.Cursor{Session: s.id, Sequence: uint64(i + 1)}})
			}
			if followers[s.id] != nil {
				watch = followers[s.id]
			}
		}
		slices.SortStableFunc(all, func(a, b at) int { return a.commit - b.commit })
		var want []eventlog.Cursor
		for _, one := range all {
			want = append(want, one.cursor)
		}
		check := func(what string, got []eventlog.Place, err error, want []eventlog.Cursor) {
			t.Helper()
			if err != nil {
				r.Fatal(err)
			}
			var cursors []eventlog.Cursor
			for _, place := range got {
				cursors = append(cursors, place.Cursor)
			}
			wantSlice(r, what+" of task "+task, cursors, want)
		}
		got, _, err := inOrder(t.Context(), log, task, eventlog.Place{})
		check("all events", got, err, want)
		back, err := inReverse(t.Context(), log, task, eventlog.Place{})
		check("all events, backwards,", back, err, want)
		if watch == nil {
			continue
		}
		n := max(0, len(want)-3)
		after := eventlog.Place{}
		if n > 0 {
			after = got[n-1]
		}
		newest, _, err := inOrder(t.Context(), watch, task, after)
		check("the newest events in memory", newest, err, want[n:])
	}
}
