package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"jrweb/cmd/jrweb/internal/spool"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// threadID names what an agent goes on with: its own id of it, for all who watch.
type threadID struct{ agent, thread string }

// idOf names the thread of a transcript.
func idOf(in *introduced) threadID {
	return threadID{in.Agent, cmp.Or(in.Session, in.first)}
}

// nameOfFirst names a run whose agent gives it no id by its first event.
func nameOfFirst(e *eventlog.Event) string {
	return fmt.Sprintf("first-%016x-%d", uint64(digestOf(e)), e.Time.UnixMilli())
}

// task is the id of the thread's task. It is the same on all machines.
func (id threadID) task() string { return transcript.TaskOf(id.agent, id.thread) }

// thread is a transcript that is being recorded.
type thread struct {
	*watcher
	id     threadID
	path   string // of the main file
	bundle *bundle
	cwd    string
	parent string // the thread that it is a subagent's of, if its files do not tell

	teller   teller
	cover    *coverage
	hooked   bool  // hooks have told of it
	spooled  known // events of the thread that are in spools on this disk
	current  *stretch
	joined   *stretch         // goes on with a session of hooks, once the transcript comes to its time
	pending  []eventlog.Event // that say little by themselves
	delivery *queue
	cancel   context.CancelFunc // ends the delivery
	how      transcript.Outcome
	last     time.Time // of the events so far
	changed  time.Time // what the files say of when they last changed
	active   time.Time // when they did
	events   int       // that were new
}

// read records what the files have more than before. All says that nothing more comes.
func (t *thread) read(ctx context.Context, all bool) error {
	return t.teller.round(all, func(e fedEvent) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := t.take(ctx, e)
		if e.outcome.Status != "" {
			t.how = e.outcome
		}
		return err
	})
}

// take records an event, unless it is recorded.
func (t *thread) take(ctx context.Context, e fedEvent) error {
	event, err := t.clean(ctx, e.Event)
	if err != nil {
		return err
	}
	if e.Time.After(t.last) {
		t.last = e.Time
	}
	d := digestOf(&event)
	if t.spooled.take(d) {
		t.current.touch(event.Time)
		return nil
	}
	if has, err := t.cover.has(ctx, t.to.client, &event, d); err != nil || has {
		return err
	}
	if t.cover.hooks.Take(&event) {
		if err := t.reach(event.Time); err != nil {
			return err
		}
		t.current.touch(event.Time)
		t.hooked = true
		return nil
	}
	// What hooks have told the rest of may lack nothing but its costs.
	if t.current == nil && saysLittle[event.Type] && !(t.hooked && event.Type == eventlog.TypeCost) {
		t.pending = append(t.pending, event)
		return nil
	}
	return t.record(event)
}

// record writes an event, and those that waited for it, to the session that it belongs to.
func (t *thread) record(event eventlog.Event) error {
	if event.Time.IsZero() {
		event.Time = t.active
	}
	if err := t.reach(event.Time); err != nil {
		return err
	}
	if t.current != nil && event.Time.Sub(t.current.last) > t.idle {
		// What says little opens no session, as after any rest.
		if err := t.end(t.how); err != nil {
			return err
		}
		if saysLittle[event.Type] {
			t.pending = append(t.pending, event)
			return nil
		}
	}
	if t.current == nil {
		if err := t.begin(event.Time); err != nil {
			return err
		}
	}
	events := append(t.pending, event)
	for i := range events {
		if t.pending != nil && (events[i].Time.IsZero() || event.Time.Sub(events[i].Time) > t.idle) {
			events[i].Time = event.Time
		}
	}
	t.pending = nil
	t.events += len(events)
	return t.current.append(events)
}

// begin opens a session.
func (t *thread) begin(at time.Time) error {
	run := t.run(t.teller.origin(), at)
	run.Unique = !anyHas(t.cover.own, at)
	s, err := newStretch(t.dir, t.id.task(), run)
	if err != nil {
		return err
	}
	t.current = s
	t.delivery.add(s)
	return nil
}

// run is what a session of the thread is of.
func (t *thread) run(origin transcript.Origin, started time.Time) spool.Run {
	origin.Dir, origin.Parent = cmp.Or(origin.Dir, t.cwd), cmp.Or(origin.Parent, t.parent)
	run := runOf(origin)
	run.Agent, run.ExternalID = t.id.agent, t.id.thread
	run.Task, run.To, run.Started = t.id.task(), t.to.name, started
	run.Project = projectOf(origin.Dir)
	if origin.Parent != "" && origin.Parent != t.id.thread {
		run.Parent = transcript.TaskOf(t.id.agent, origin.Parent)
	}
	return run
}

// end seals the session, with how the run stands.
func (t *thread) end(how transcript.Outcome) error {
	s := t.current
	t.current = nil
	if s == nil {
		return nil
	}
	return s.end(how)
}

// rests reports whether the run rests by now, for so long that its session is over.
func (t *thread) rests(now time.Time) bool { return now.After(t.ends()) }

// ends is when the session is over, if nothing comes until then. Files that were copied
// or restored are new, and tell of times long ago: they need not rest as long. Nor need an
// agent that says that it ends.
func (t *thread) ends() time.Time {
	if changed := t.lastChange(); t.isHistory(changed) || t.isOver() {
		return changed.Add(settling)
	}
	return t.active.Add(t.idle)
}

// isOver reports whether the agent has said that it ends.
func (t *thread) isOver() bool {
	g, growing := t.teller.(*growingTeller)
	return growing && g.files.main().feed.converter.Over()
}

// isHistory reports whether what the files tell was over long before a time.
func (t *thread) isHistory(at time.Time) bool { return !t.last.IsZero() && at.Sub(t.last) > t.idle }

// lastChange is when the files last changed, as far as their times can be believed.
func (t *thread) lastChange() time.Time {
	changed := t.changed
	if g, growing := t.teller.(interface{ changed() time.Time }); growing {
		changed = g.changed()
	} else if info, err := os.Stat(t.path); err == nil {
		changed = info.ModTime()
	}
	if !changed.Equal(t.changed) {
		t.changed, t.active = changed, changed
		if now := t.now(); changed.After(now) {
			t.active = now
		}
	}
	return t.active
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// settling is how long a file must rest that tells of times long ago, or of the agent's end:
// it is being copied, or restored, and the last lines come one by one.
const settling = 10 * time.Second

// finish records what the files tell at their end, and seals the session.
func (t *thread) finish(ctx context.Context) error {
	if err := t.read(ctx, true); err != nil {
		return err
	}
	how := t.teller.outcome()
	if how.Status == "" {
		how = t.how
	}
	if err := t.goOn(); err != nil {
		return err
	}
	return t.end(how)
}
