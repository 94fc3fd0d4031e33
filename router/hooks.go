package router

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

const (
	// hookLease is how long hooks may tell nothing of a session of theirs until it is over.
	// A person may think for as long before the agent hears of them again.
	hookLease = 30 * time.Minute
	// hookAttempts bounds how often a hook looks again for its session, because somebody
	// else has started or ended one meanwhile.
	hookAttempts = 10
	// hookDelay is how long ago the agent may have written down what it tells: the session
	// begins before that.
	hookDelay = 2 * time.Second
	// maxPlace is how long the names of the directory and the machine may be.
	maxPlace = 1 << 10
	// runHeader names the task in which jrweb run records the program that the agent is, or
	// that started it.
	runHeader = "Jrweb-Run"
	// machineHeader names the machine of the agent.
	machineHeader = "Jrweb-Machine"
	// mostRuns is how many sessions of a task are looked at for one of jrweb run.
	mostRuns = 16
)

// claudeHook records what Claude Code tells its HTTP hooks. The answer is an empty object,
// which leaves everything to the agent, as any answer but 2xx does.
func (rt *router) claudeHook(w http.ResponseWriter, r *http.Request, p params) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	body, mediaType, err := rt.readBody(w, r)
	if err != nil {
		return err
	}
	if body, err = readData(body, mediaType); err != nil {
		return err
	}
	h, err := transcript.ReadClaudeHook(body)
	if err != nil {
		return invalid("body", err.Error())
	}
	told := &toldByHook{
		ClaudeHook: h, rt: rt, task: transcript.TaskOf(transcript.ClaudeCode, h.Session), owner: rt.owner(&p.grant),
		machine: strings.ToValidUTF8(r.Header.Get(machineHeader), ""),
	}
	for _, name := range []*string{&told.Dir, &told.machine} {
		if len(*name) > maxPlace { // it is for people: the event is worth more
			*name = ""
		}
	}
	if !p.grant.sees(told.task) {
		return eventlog.ErrTaskNotFound
	}
	if len(h.Events) > 0 || h.Ends {
		isRun, err := told.isRun(r.Context(), r.Header.Get(runHeader))
		if err == nil && !isRun {
			err = told.record(r.Context())
		}
		if err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, struct{}{})
}

// isRun reports whether a session of a task records the agent, or one whose id it does not
// know yet.
func (h *toldByHook) isRun(ctx context.Context, task string) (bool, error) {
	if task == "" {
		return false, nil
	}
	sessions, err := h.rt.log.Sessions(ctx, task, eventlog.SessionID{}, mostRuns)
	if errors.Is(err, eventlog.ErrTaskNotFound) {
		return false, nil
	}
	return slices.ContainsFunc(sessions, func(s eventlog.SessionInfo) bool {
		return !s.Sealed() && (s.ExternalID == "" || s.ExternalID == h.Session)
	}), err
}

// toldByHook is one thing that a hook tells.
type toldByHook struct {
	*transcript.ClaudeHook
	rt      *router
	task    string // of the agent's thread
	owner   string
	machine string
}

// errManyHooks is the answer to a hook whose session is always another one when it appends.
var errManyHooks = newProblem(http.StatusServiceUnavailable, "busy", "The session changes", "others start and end sessions of this thread all the time")

// record appends what is told to the open session of the thread, or to a new one. What
// others record, it leaves to them: the log decides who that is.
func (h *toldByHook) record(ctx context.Context) error {
	for range hookAttempts {
		open, ended, err := h.open(ctx)
		if err != nil {
			return err
		}
		switch {
		case open.ID.IsZero() && (h.Aside || h.Ends):
			return nil // there is nothing that it could be said of
		case open.ID.IsZero():
			open.ID, err = h.start(ctx, ended)
		case open.Task != h.task:
			return nil // in a task that somebody chose
		}
		if err == nil {
			err = h.append(ctx, open.ID)
		}
		if errors.Is(err, eventlog.ErrOtherVersion) {
			return nil // the session is recorded from the transcript
		}
		_, recorded := errors.AsType[*eventlog.RecordedError](err)
		if !recorded && !errors.Is(err, eventlog.ErrSealed) && !errors.Is(err, eventlog.ErrSessionNotFound) {
			return err
		}
	}
	return errManyHooks
}

// open returns the session of the thread that is open. If several are, it is not one of
// ours. Without one, it returns when the last one ended.
func (h *toldByHook) open(ctx context.Context) (open eventlog.SessionInfo, ended time.Time, err error) {
	sessions, err := h.rt.log.SessionsByExternalID(ctx, transcript.ClaudeCode, h.Session)
	if err != nil {
		return open, ended, err
	}
	for _, s := range sessions {
		switch {
		case !s.Sealed() && (open.ID.IsZero() || s.Version != transcript.HookVersion):
			open = s
		case s.Sealed() && s.Ended.After(ended):
			ended = s.Ended.Time
		}
	}
	return open, ended, nil
}

// start starts a session, unless somebody else records the thread by now.
func (h *toldByHook) start(ctx context.Context, ended time.Time) (eventlog.SessionID, error) {
	_, err := h.rt.log.Task(ctx, h.task)
	if errors.Is(err, eventlog.ErrTaskNotFound) {
		project := projectOf(h.Dir)
		_, _, err = h.rt.log.PutTask(ctx, h.task, eventlog.TaskChange{Project: &project})
	}
	if err != nil {
		return eventlog.SessionID{}, err
	}
	started := time.Now().Add(-hookDelay)
	if !started.After(ended) {
		started = ended.Add(time.Millisecond)
	}
	s, err := h.rt.log.Start(ctx, h.task, &eventlog.StartOptions{
		Agent: transcript.ClaudeCode, Version: transcript.HookVersion, Cwd: h.Dir, Machine: h.machine, ExternalID: h.Session,
		Owner: h.owner, Started: started, Lease: hookLease, Unique: true, Concurrent: true,
	})
	if err != nil {
		return eventlog.SessionID{}, err
	}
	// The hook that has started the session gives the task its title, by itself: the same hook
	// may arrive twice at once, and either of them appends the rest.
	task, err := h.rt.log.Task(ctx, h.task)
	if err == nil && task.Title == "" && h.Title != nil {
		_, err = h.rt.log.Append(ctx, &eventlog.Batch{Task: h.task, Session: s.ID(), Events: []eventlog.Event{*h.Title}})
	}
	return s.ID(), err
}

// projectOf is the name of a directory, of any system.
func projectOf(dir string) string {
	name := path.Base(strings.ReplaceAll(dir, "\\", "/"))
	if name == "." || name == "/" {
		return ""
	}
	return name
}

// append appends what is told to a session. What the transcript tells as well goes only to
// a session that it is not told in.
func (h *toldByHook) append(ctx context.Context, session eventlog.SessionID) (err error) {
	b := &eventlog.Batch{Task: h.task, Session: session, Events: h.Events}
	if h.Key != "" {
		b.Key = eventlog.Key{ID: h.Key, Scope: scopeHook}
	}
	if h.Event == "PermissionRequest" {
		if err := h.nameCall(ctx, session); err != nil {
			return err
		}
	}
	if h.Ends {
		if b.Events, err = h.end(ctx, session); err != nil {
			return err
		}
	}
	if !h.Aside {
		b.IfVersion = transcript.HookVersion
	}
	_, err = h.rt.log.Append(ctx, b)
	return err
}

// end is the end of a session, as its last events tell it.
func (h *toldByHook) end(ctx context.Context, session eventlog.SessionID) ([]eventlog.Event, error) {
	last, err := h.last(ctx, session)
	if err != nil {
		return nil, err
	}
	how := transcript.HookOutcome(last)
	data, err := json.Marshal(struct {
		Status eventlog.Status `json:"status"`
		Reason string          `json:"reason,omitempty"`
	}{how.Status, how.Reason})
	return []eventlog.Event{{Type: eventlog.TypeComplete, Actor: eventlog.System, Data: data}}, err
}

// nameCall names the call that a permission is asked for: hooks do not tell it. Without
// its name the question would wait until the agent speaks.
func (h *toldByHook) nameCall(ctx context.Context, session eventlog.SessionID) error {
	last, err := h.last(ctx, session)
	if err == nil {
		h.NameCall(last)
	}
	return err
}

// last are the last events of a session.
func (h *toldByHook) last(ctx context.Context, session eventlog.SessionID) ([]eventlog.Event, error) {
	page, err := h.rt.log.ReadBefore(ctx, h.task, session, 1<<62)
	return page.Events, err
}
