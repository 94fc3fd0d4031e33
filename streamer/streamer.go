package streamer

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"jrweb/eventlog"
)

// Options are the settings of a [Streamer]. The zero value is good.
type Options struct {
	// Heartbeat is the silence after which a comment is sent. It may be sent later by up to
	// a 150th of that time. 0: 15 s.
	Heartbeat time.Duration
	// PollInterval is the time between two checks of the log for streams that no commit has
	// woken. 0: 500 ms.
	PollInterval time.Duration
	// WriteTimeout is how long a client may take nothing before it is disconnected. Each
	// write of at most 64 KiB has that long. 0: 10 s.
	WriteTimeout time.Duration
	// MaxStreams is how many streams of all tasks together may be open at once. 0: 10,000.
	MaxStreams int
	// Trace has functions that the streamer calls when something happens.
	Trace *Trace
	// Logger gets what cannot be told to a client. Nil: silence.
	Logger *slog.Logger
}

// Streamer serves the events of a log as Server-Sent Events. Its methods may be called
// concurrently.
type Streamer struct {
	log      *eventlog.Log
	o        Options
	trace    Trace
	html     HTMLFunc
	tasks    func(*eventlog.Task)
	created  time.Time
	open     atomic.Int64
	shutdown chan struct{}
	once     sync.Once

	taken connections

	mu   sync.Mutex
	hubs map[string]*hub // by task
}

// New returns a Streamer of log. The caller still owns the log. Nil options are the
// defaults.
func New(log *eventlog.Log, o *Options) *Streamer {
	s := &Streamer{log: log, created: time.Now(), shutdown: make(chan struct{}), hubs: map[string]*hub{}}
	if o != nil {
		s.o = *o
	}
	s.o.Heartbeat = cmp.Or(max(0, s.o.Heartbeat), 15*time.Second)
	s.o.PollInterval = cmp.Or(max(0, s.o.PollInterval), 500*time.Millisecond)
	s.o.WriteTimeout = cmp.Or(max(0, s.o.WriteTimeout), 10*time.Second)
	s.o.MaxStreams = cmp.Or(s.o.MaxStreams, 10_000)
	if s.o.Logger == nil {
		s.o.Logger = slog.New(slog.DiscardHandler)
	}
	if s.o.Trace != nil {
		s.trace = *s.o.Trace
	}
	return s
}

// SetHTML sets the function that renders events for streams with format=html. Without it,
// such streams are refused. It is for package router, whose pages show these fragments.
// Call it before the first request.
func (s *Streamer) SetHTML(render HTMLFunc) { s.html = render }

// SetTasks sets a function that is called for each task before the stream of all tasks
// sends it. The function may fill in what a log does not know. Call it before the first
// request.
func (s *Streamer) SetTasks(prepare func(*eventlog.Task)) { s.tasks = prepare }

// Handler serves the stream of the task that the function finds in a request, behind any
// router. Errors before the first byte are plain text. A router that wants another form
// calls [Streamer.Events] instead.
func (s *Streamer) Handler(task func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.Events(w, r, task(r))
		var query *QueryError
		switch {
		case err == nil:
		case errors.As(err, &query):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case errors.Is(err, eventlog.ErrTaskNotFound), errors.Is(err, eventlog.ErrSessionNotFound):
			http.Error(w, err.Error(), http.StatusNotFound)
		default:
			s.o.Logger.Error("stream could not begin", "error", err)
			http.Error(w, "the stream could not begin", http.StatusInternalServerError)
		}
	})
}

// errUnsupported: the stream cannot keep its promises on this connection.
var errUnsupported = errors.New("streamer: the ResponseWriter cannot flush or set write deadlines; middleware that wraps it must have an Unwrap method")

// accept prepares the answer, or refuses the client. If ok is false, there is no stream to
// serve, and the request has its answer. Otherwise the stream counts as open until the
// caller ends it.
func (s *Streamer) accept(w http.ResponseWriter, r *http.Request) (ok bool, err error) {
	if ok, err := s.head(w, r); !ok {
		return false, err
	}
	if s.open.Add(1) > int64(s.o.MaxStreams) {
		s.open.Add(-1)
		return false, s.turnAway(w, r, 5000, 10_000, ": too many streams are open, come back later\n\n")
	}
	return true, nil
}

// head prepares the head of the answer. If ok is false, that is all there is to answer.
func (s *Streamer) head(w http.ResponseWriter, r *http.Request) (ok bool, err error) {
	if !streamable(w) {
		return false, errUnsupported
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return false, nil
	}
	return true, nil
}

// turnAway answers a client that is to come back after a time, between two numbers of
// milliseconds. Any status other than 200 would stop a browser for good.
func (s *Streamer) turnAway(w http.ResponseWriter, r *http.Request, least, most int, comment string) error {
	if ok, err := s.head(w, r); !ok {
		return err
	}
	sock := newSocket(s.responseTo(r, w), &s.o)
	sock.retryAfter(least, most)
	sock.say(comment)
	if err := sock.flush(); err != nil {
		s.o.Logger.Debug("a client that was turned away did not hear it", "error", err)
	}
	sock.close()
	return nil
}

// beatAt is when to send a heartbeat that is due: at the same moment as those of other
// streams, later by up to a 150th of the interval. To wake up separately for each of
// thousands of streams would cost more than to send them.
func (s *Streamer) beatAt(due time.Time) time.Time {
	step := max(1, s.o.Heartbeat/150)
	if past := due.Sub(s.created) % step; past > 0 {
		return due.Add(step - past)
	}
	return due
}

// streamable reports whether w, or what it wraps, can flush and has deadlines.
func streamable(w http.ResponseWriter) bool {
	flush, deadline := false, false
	for {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			flush = true
		}
		if _, can := w.(interface{ SetWriteDeadline(time.Time) error }); can {
			deadline = true
		}
		wrapper, wraps := w.(interface{ Unwrap() http.ResponseWriter })
		if !wraps {
			return flush && deadline
		}
		w = wrapper.Unwrap()
	}
}
