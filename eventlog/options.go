package eventlog

import (
	"log/slog"
	"time"
)

// Options are the settings of a [Log]. The zero value is good.
type Options struct {
	// Middleware wraps every append, also those that end a session. It does not see the
	// ends that the log itself makes (superseded, silent for too long, process ended). The
	// first one listed runs first: [m1, m2] makes m1(m2(append)).
	Middleware []Middleware
	// Trace has functions that the log calls when something happens.
	Trace *Trace
	// Logger gets what the log can return to no caller. Nil: silence.
	Logger *slog.Logger
	// MaxEventBytes is the largest size of the data of one event. 0: 4 MiB.
	MaxEventBytes int
	// MaxBatchEvents is the largest number of events in one append. 0: 10,000.
	MaxBatchEvents int
	// TailBytes is how much of the newest events of a session is kept in memory for readers
	// that follow it. 0: 256 KiB.
	TailBytes int
	// MaxBytes is for [Open]: how many bytes of the file may be in use, see
	// [filestore.Options]. 0: no limit.
	MaxBytes int64
	// JournalDir is for [Open]: the directory of the journal, see [filestore.Options]. Empty:
	// beside the file.
	JournalDir string
	// KeepOpen leaves the sessions open that were open when the store was last closed. It
	// is for programs whose sessions are written by other processes. Without it, they are
	// sealed as [Interrupted], reason "process ended", when the log is opened. The sessions of
	// a store that others change as well always stay open.
	KeepOpen bool
	// IdleTimeout is how long a session without a lease may be silent. After that long
	// without an append or a [Session.Heartbeat] it is sealed as [Interrupted], reason
	// "idle timeout". 0: for ever.
	IdleTimeout time.Duration
	// RetainAge is how long a session is kept after its end. 0: for ever.
	//
	// Retention, by this rule and the next two, deletes whole sessions that have ended, in
	// the background and for good, as [Log.DeleteSession] does. But it does not count as
	// activity: the task keeps its place in [Log.Tasks] and is not among the [Log.Changes].
	// A task stays when its last session is deleted, unless two things are true: nobody
	// gave it a title, type, parent, description or project, and it has not changed for a
	// day. (Its idempotency keys are kept for that day.)
	RetainAge time.Duration
	// RetainSessions is how many sessions of a task are kept, the newest ones. Open
	// sessions count, but are never deleted. 0: all.
	RetainSessions int
	// RetainBytes is how many bytes of the store may be in use, free pages not counted.
	// Beyond that, the session that ended first is deleted first. When only open sessions
	// are left, the one with the most events is trimmed from the front, as by [Log.Trim],
	// but keeps its newest 100 events. 0: no limit. It needs a [store.StatsStore].
	RetainBytes int64
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}
