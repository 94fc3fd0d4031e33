package eventlog

import (
	"log/slog"
	"time"
)

// Options are the settings of a [Log]. The zero value is good.
type Options struct {
	// Middleware wraps every append, those that end a session included, but for
	// the ends that the log itself makes (superseded, silent for too long, process
	// ended). The first one listed runs first: [m1, m2] makes m1(m2(append)).
	Middleware []Middleware
	// Trace is told what happens in the log.
	Trace *Trace
	// Logger gets what no caller can be told. Nil: silence.
	Logger *slog.Logger
	// MaxEventBytes is how large the data of one event may be. 0: 4 MiB.
	MaxEventBytes int
	// MaxBatchEvents is how many events one append may have. 0: 10,000.
	MaxBatchEvents int
	// TailBytes is how much of the newest events of a session is kept in memory
	// for those who follow it. 0: 256 KiB.
	TailBytes int
	// MaxBytes is for [Open]: how many bytes of the file may be in use, see
	// [boltstore.Options]. 0: no limit.
	MaxBytes int64
	// KeepOpen leaves the sessions open that were open when the store was last
	// closed. It is for programs whose sessions are written by other processes.
	// Otherwise a program that died in the middle of a session finds it sealed
	// as [Interrupted], reason "process ended", when it opens the log again.
	KeepOpen bool
	// IdleTimeout is how long a session without a lease may be silent: without an
	// append or a [Session.Heartbeat] for so long, it is sealed as [Interrupted],
	// reason "idle timeout". 0: for ever.
	IdleTimeout time.Duration
	// RetainAge is how long a session is kept after its end. 0: for ever.
	//
	// Retention, by this rule and the next two, deletes whole sessions that have
	// ended, in the background and for good, as [Log.DeleteSession] does; but it
	// is nobody's activity, so the task keeps its place in [Log.Tasks] and is not
	// among the [Log.Changes]. A task stays when its last session goes. It goes as
	// well if nobody said anything about it (title, type, parent, description, project)
	// and it has not changed for a day, for which its idempotency keys are kept.
	RetainAge time.Duration
	// RetainSessions is how many sessions of a task are kept, the newest ones.
	// Those that are open count, and stay. 0: all.
	RetainSessions int
	// RetainBytes is how many bytes of the store may be in use, free pages not
	// counted: beyond that, the session that ended first goes first. When only
	// open sessions are left, the one with the most events loses those at its
	// front, as by [Log.Trim], but for the newest 100. 0: any. It needs a
	// [store.StatsStore].
	RetainBytes int64
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}
