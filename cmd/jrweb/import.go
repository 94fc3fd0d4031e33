package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "record what an agent, or jrweb export, wrote", ArgsUsage: "FILE…",
		Description: "A file that an agent wrote becomes a session of -task, with its original times, if it tells any.\n" +
			"In what jrweb export wrote, sessions keep their order, events their times and actors. Each session gets a\n" +
			"new id, because ids are never used twice; its external id is the old one. A session that had not ended is\n" +
			"sealed as interrupted. Importing the same again changes nothing, and finishes what was broken off.\n" +
			"With -follow, one file that still grows is recorded until Ctrl-C; the same command goes on later, and\n" +
			"without -follow it comes to an end.",
		Flags: clientFlags(
			stringFlag("task", "", "record all of it in this task (default: the task that each event of an export names)"),
			formatFlag(),
			boolFlag("follow", "go on with what is added to the file"),
			spoolFlag()),
		ArgValidator: someOperands("FILE"),
		Action:       importFiles,
	}
}

// someOperands checks that there is at least one operand, and that none is empty.
func someOperands(name string) cli.ArgValidatorFunc {
	return func(_ context.Context, c *cli.Command) error {
		if !c.Args().Present() {
			return usagef("%s: missing %s, see %s -help", c.FullName(), name, c.FullName())
		}
		if slices.Contains(c.Args().Slice(), "") {
			return usagef("%s: a %s is empty", c.FullName(), name)
		}
		return nil
	}
}

func importFiles(ctx context.Context, c *cli.Command) error {
	task := ""
	if c.IsSet("task") {
		var err error
		if task, err = taskOf(c.String("task")); err != nil {
			return err
		}
	}
	server, err := connect(c)
	if err != nil {
		return err
	}
	if c.Bool("follow") {
		if task == "" || c.Args().Len() != 1 {
			return usagef("-follow needs -task, and one file")
		}
		return followFile(ctx, c, task, c.Args().First(), false)
	}
	// All files are read and checked before anything is sent.
	var sessions []*oldSession
	var files []*agentFile
	finished := 0
	for _, path := range c.Args().Slice() {
		if followed, err := isFollowed(c, task, path); err != nil || followed {
			if err := errors.Join(err, followFile(ctx, c, task, path, true)); err != nil {
				return err
			}
			finished++
			continue
		}
		if sessions, files, err = scanFile(c, path, task, sessions, files); err != nil {
			return fmt.Errorf("import: %s: %w (nothing was imported)", path, err)
		}
	}
	if len(sessions)+len(files)+finished == 0 {
		return errors.New("nothing to import: there are no events in the file")
	}
	i := &importer{server: server, bar: newProgressBar(c.Root().ErrWriter, "import")}
	for _, s := range sessions {
		i.total += int64(s.lastLine - s.firstLine + 1)
	}
	for _, f := range files {
		i.total += int64(f.stats.Events + 1)
	}
	if err := i.refuseOpen(ctx, sessions, files); err != nil {
		return explain(c, fmt.Errorf("import: %w", err))
	}
	for _, f := range files {
		id, err := i.transcript(ctx, f)
		i.bar.end()
		if err != nil {
			return explain(c, fmt.Errorf("import: %s: %w", f.path, err))
		}
		fmt.Fprintf(c.Root().Writer, "task %s: %s is session %s: %s\n", f.task, f.path, id, f)
	}
	for _, s := range sessions {
		id, err := i.session(ctx, s)
		i.bar.end()
		if err != nil {
			return explain(c, fmt.Errorf("import: %s: %w", s.path, err))
		}
		fmt.Fprintf(c.Root().Writer, "task %s: session %s is %s: %s\n", s.task, s.old, id, count(int64(s.events), "event"))
	}
	return nil
}

// scanFile adds what is in a file to what is to be imported.
func scanFile(c *cli.Command, path, task string, sessions []*oldSession, files []*agentFile) ([]*oldSession, []*agentFile, error) {
	exported, err := isExport(path)
	if err == nil && exported && !c.IsSet("format") {
		sessions, err = scanSessions(path, task, sessions)
		return sessions, files, err
	}
	if err == nil && task == "" {
		err = errors.New("it is no export: -task must say where it belongs")
	}
	if err != nil {
		return sessions, files, err
	}
	f, err := readTranscript(path, task, transcript.Format(c.String("format")))
	if err == nil && f.stats.Events > 0 {
		files = append(files, f)
	}
	return sessions, files, err
}

// oldSession is where a session stands in a file.
type oldSession struct {
	path                string
	old                 eventlog.SessionID
	task                string
	firstLine, lastLine int
	events              int
	head                uint64 // sequence of its last event
	ended               bool
}

// scanSessions adds the sessions of a file to others. Events of one session
// stand together, in order, and none is missing; the front may have been trimmed.
func scanSessions(path, task string, sessions []*oldSession) ([]*oldSession, error) {
	seen := map[eventlog.SessionID]bool{}
	for _, s := range sessions {
		seen[s.old] = true
	}
	var s *oldSession
	err := readFile(path, func(l inputLine) error {
		e, err := eventlog.ParseEnvelope(l.text)
		if err != nil {
			return err
		}
		if s == nil || s.old != e.Session {
			if seen[e.Session] {
				return fmt.Errorf("session %s goes on after another one began", e.Session)
			}
			seen[e.Session] = true
			s = &oldSession{path: path, old: e.Session, task: e.Task, firstLine: l.number, head: e.Sequence - 1}
			if task != "" {
				s.task = task
			}
			sessions = append(sessions, s)
		}
		switch {
		case s.ended:
			return fmt.Errorf("session %s goes on after its end", s.old)
		case e.Sequence != s.head+1:
			return fmt.Errorf("event %d of session %s follows event %d", e.Sequence, s.old, s.head)
		case task == "" && e.Task != s.task:
			return fmt.Errorf("session %s is of task %s, and of task %s", s.old, s.task, e.Task)
		}
		s.head, s.lastLine, s.ended = e.Sequence, l.number, e.Type == eventlog.TypeComplete
		s.events++
		return nil
	})
	return sessions, err
}

// errEnough: a reader of lines wants no more.
var errEnough = errors.New("enough")

// readFile takes the lines of a file that are not blank. An error names its line.
func readFile(path string, take func(inputLine) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read from
	var refused error
	err = readLines(f, func(l inputLine) bool {
		if refused = take(l); refused != nil && !errors.Is(refused, errEnough) {
			refused = fmt.Errorf("line %d: %w", l.number, refused)
		}
		return refused == nil
	})
	if errors.Is(refused, errEnough) {
		refused = nil
	}
	return errors.Join(refused, err)
}

// importer sends sessions to a server.
type importer struct {
	server      *client.Client
	bar         *progressBar
	done, total int64 // lines
}

// refuseOpen refuses tasks with an open session: whoever appends to the latest
// session of its task would append to what is being imported.
func (i *importer) refuseOpen(ctx context.Context, sessions []*oldSession, files []*agentFile) error {
	ours, tasks := map[string]bool{}, map[string]bool{}
	for _, s := range sessions {
		ours[s.old.String()], tasks[s.task] = true, true
	}
	for _, f := range files {
		ours[f.externalID()], tasks[f.task] = true, true
	}
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		for info, err := range i.server.Sessions(ctx, task) {
			if hasStatus(err, http.StatusNotFound) {
				break
			}
			if err != nil {
				return err
			}
			if !info.Sealed() && !ours[info.ExternalID] {
				return fmt.Errorf("session %s of task %s is open: end it first, or choose another -task (nothing was imported)", info.ID, task)
			}
		}
	}
	return nil
}

// maxLives is how often a session can be imported and deleted again.
const maxLives = 1000

// session imports one session. Every request has a key that follows from the old
// id, so that all of it can be repeated.
func (i *importer) session(ctx context.Context, s *oldSession) (eventlog.SessionID, error) {
	start := client.Start{ExternalID: s.old.String(), Concurrent: true}
	return i.start(ctx, s.task, start, fmt.Sprintf("import-%s", s.old), func(id eventlog.SessionID) error {
		return i.events(ctx, s, id)
	})
}

// start starts a session and has its events appended. If that session was imported
// before, and deleted, it is imported again.
func (i *importer) start(ctx context.Context, task string, start client.Start, key string, events func(eventlog.SessionID) error) (eventlog.SessionID, error) {
	for life := 1; ; life++ {
		start.Key = fmt.Sprintf("%s-%d", key, life)
		info, err := i.server.Start(ctx, task, start)
		if err != nil {
			return eventlog.SessionID{}, err
		}
		err = events(info.ID)
		if hasStatus(err, http.StatusNotFound) && life < maxLives {
			continue
		}
		if err != nil {
			err = i.undo(ctx, task, start.ExternalID, info.ID, err)
		}
		return info.ID, err
	}
}

// events appends all events of a session, and its end if it had none.
func (i *importer) events(ctx context.Context, s *oldSession, id eventlog.SessionID) error {
	b, batches := &batch{}, 0
	send := func() error {
		if len(b.lines) == 0 {
			return nil
		}
		batches++
		_, err := i.server.Append(ctx, s.task, client.Append{Session: id, Key: fmt.Sprintf("import-%d", batches), Body: b.body})
		if err != nil {
			return b.locate(err)
		}
		i.done += int64(len(b.lines))
		i.bar.show(i.done, i.total)
		b = &batch{}
		return nil
	}
	var failed error // of the server: it names its lines itself
	err := readFile(s.path, func(l inputLine) error {
		if l.number < s.firstLine {
			return nil
		}
		if l.number > s.lastLine {
			return errEnough
		}
		e, err := eventlog.ParseEnvelope(l.text)
		if err != nil {
			return err
		}
		line := eventLine(l.number, &e.Event)
		if len(b.body)+len(line.text) > batchBytes {
			failed = send()
		}
		b.add(line)
		if failed == nil && b.full() {
			failed = send()
		}
		if failed != nil {
			return errEnough
		}
		return nil
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if err := send(); err != nil || s.ended {
		return err
	}
	_, err = i.server.Append(ctx, s.task, client.Append{
		Session: id, Key: "import-end",
		Body: []byte(`{"type":"complete","actor":"system","data":{"status":"interrupted","reason":"imported"}}`),
	})
	return err
}

// undo deletes what was imported of a session that the server refused, unless
// it is an earlier import, which is whole. It returns the error to tell.
func (i *importer) undo(ctx context.Context, task, old string, id eventlog.SessionID, cause error) error {
	refused, ok := errors.AsType[*client.Error](cause)
	if !ok || refused.Status >= 500 {
		return fmt.Errorf("%w (session %s may be there in part: import again, which goes on where this stopped)", cause, old)
	}
	for info, err := range i.server.Sessions(ctx, task) {
		if err != nil {
			return errors.Join(cause, err)
		}
		if info.ID == id && info.Sealed() {
			return fmt.Errorf("session %s was imported before, as %s, with other events: delete that one first (%w)", old, id, cause)
		}
		if info.ID == id {
			break
		}
	}
	if err := i.server.DeleteSession(ctx, task, id); err != nil {
		return errors.Join(fmt.Errorf("%w (session %s is there in part)", cause, id), err)
	}
	return fmt.Errorf("%w (nothing of session %s was imported)", cause, old)
}

func hasStatus(err error, status int) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == status
}
