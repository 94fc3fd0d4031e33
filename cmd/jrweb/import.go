package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"jrweb/cmd/jrweb/internal/source"
	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "record what an agent, or jrweb export, wrote", ArgsUsage: "FILE…",
		Description: "What an agent wrote becomes a session of -task, with the agent's own times, if it tells any, and its end, if it\n" +
			"tells one. A FILE may be packed with gzip or zstd, or be a folder: of its files, those that an agent wrote are\n" +
			"taken, the oldest run first. The files of Claude Code's and Gemini CLI's subagents belong to their session, and\n" +
			"OpenHands' folder of events is one run.\n" +
			"What the task has already is not recorded again, whether it was imported or recorded live. A file that has grown\n" +
			"since it was imported is imported anew, and takes the place of what was there.\n" +
			"In what jrweb export wrote, sessions keep their order, events their times and actors. Each session gets a\n" +
			"new id, because ids are never used twice; its external id is the old one. A session that had not ended is\n" +
			"sealed as interrupted. Importing the same again changes nothing, and finishes what was broken off.\n" +
			"With -follow, one file that still grows is recorded until Ctrl-C; the same command goes on later, and\n" +
			"without -follow it comes to an end.",
		Flags: clientFlags(
			stringFlag("task", "", "record all of it in this task (default: the task that each event of an export names)"),
			titleFlag(),
			formatFlag(),
			boolFlag("follow", "go on with what is added to the file"),
			spoolFlag()),
		ArgValidator: someOperands("FILE"),
		Action:       importFiles,
	}
}

// titleFlag is for commands that record a task.
func titleFlag() cli.Flag {
	return stringFlag("title", "", "what the task is called (default: what its agent calls it, or the first words that were said)")
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
	if given(c, "title") && task == "" {
		return usagef("-title is for the task that -task names")
	}
	if _, err := titleOf(c); err != nil {
		return err
	}
	server, err := connect(c)
	if err != nil {
		return err
	}
	one := task != "" && c.Args().Len() == 1
	if c.Bool("follow") && !one && given(c, "follow") {
		return usagef("-follow needs -task, and one file")
	}
	if c.Bool("follow") && one {
		return followFile(ctx, c, task, c.Args().First(), false)
	}
	i := &importer{command: c, task: task, server: server, bar: newProgressBar(c.Root().ErrWriter, "import")}
	err = i.files(ctx, c.Args().Slice())
	i.bar.end()
	if err != nil {
		return explain(c, fmt.Errorf("import: %w", err))
	}
	return nil
}

// importer reads files, and sends what they hold to a server.
type importer struct {
	command *cli.Command
	task    string // "" if exports say it
	server  *client.Client
	bar     *progressBar

	sessions    []*oldSession
	runs        []*oldRun
	followed    []string // files that were followed, and have not come to an end
	left        []string // files in folders that no agent wrote
	done, total int64    // bytes to read, then events to send
}

// files imports files and folders. All are read and checked before anything is sent.
func (i *importer) files(ctx context.Context, names []string) error {
	bundles, err := gather(names)
	if err != nil {
		return err
	}
	i.measure(bundles)
	for _, b := range bundles {
		if err := i.read(b); err != nil {
			return fmt.Errorf("%w (nothing was imported)", err)
		}
	}
	if len(i.sessions)+len(i.runs)+len(i.followed) == 0 {
		if len(i.left) > 0 {
			return fmt.Errorf("nothing to import: none of the %s is a known agent's transcript", count(int64(len(i.left)), "file"))
		}
		return errors.New("nothing to import: there are no events in the file")
	}
	if len(i.left) > 0 {
		i.bar.end()
		fmt.Fprintf(i.command.Root().ErrWriter, "jrweb: import: %s left out, no known agent wrote them: %s\n", count(int64(len(i.left)), "file"), someNames(i.left))
	}
	i.runs = inOrder(i.runs)
	// What was followed comes to its end first: its session is open until then.
	for _, path := range i.followed {
		i.bar.end()
		if err := followFile(ctx, i.command, i.task, path, true); err != nil {
			return err
		}
	}
	if err := i.refuseOpen(ctx); err != nil {
		return err
	}
	return i.send(ctx)
}

// mostNames is how many files a message names.
const mostNames = 10

func someNames(paths []string) string {
	text := strings.Join(paths[:min(len(paths), mostNames)], ", ")
	if more := len(paths) - mostNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return visibleLine(text)
}

// measure finds out how much there is to read.
func (i *importer) measure(bundles []*bundle) {
	i.total = 0
	for _, b := range bundles {
		passes := int64(1)
		if len(b.agents) > 0 {
			passes = 2
		}
		for _, path := range b.paths() {
			if info, err := os.Stat(path); err == nil { // what cannot be read is said when it is
				i.total += passes * info.Size()
			}
		}
	}
}

func (i *importer) moved(n int64) {
	i.done += n
	i.bar.show(i.done, i.total)
}

// read adds what the files of a run hold to what is to be sent.
func (i *importer) read(b *bundle) error {
	path := b.main[0]
	followed, err := isFollowed(i.command, i.task, path)
	if err != nil {
		return err
	}
	if followed {
		i.followed = append(i.followed, path)
		return nil
	}
	err = i.scan(b)
	if _, refused := errors.AsType[*source.Refused](err); !b.named && (refused || errors.Is(err, errNoTranscript)) {
		i.left = append(i.left, path)
		return nil
	}
	return err
}

func (i *importer) scan(b *bundle) error {
	path := b.main[0]
	if len(b.main) == 1 && !i.command.IsSet("format") {
		exported, err := isExport(path)
		if err != nil {
			return err
		}
		if exported {
			if i.sessions, err = scanSessions(path, i.task, i.sessions); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		}
	}
	run, err := scan(b, i.task, transcript.Format(i.command.String("format")), i.moved)
	if err != nil {
		return err
	}
	if i.task == "" {
		return fmt.Errorf("%s: it is no export: -task must say where it belongs", path)
	}
	if run.count > 0 {
		i.runs = append(i.runs, run)
	}
	return nil
}

// refuseOpen refuses tasks with an open session: a program that appends to the latest session of
// its task would append to what is being imported.
func (i *importer) refuseOpen(ctx context.Context) error {
	ours, tasks := map[string]bool{}, map[string]bool{}
	for _, s := range i.sessions {
		ours[s.old.String()], tasks[s.task] = true, true
	}
	for _, r := range i.runs {
		ours[r.externalID()], tasks[r.task] = true, true
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

// send records what was read.
func (i *importer) send(ctx context.Context) error {
	i.done, i.total = 0, 0
	for _, s := range i.sessions {
		i.total += int64(s.events + 1)
	}
	for _, r := range i.runs {
		i.total += int64(r.count + 1)
	}
	for _, r := range i.runs {
		said, err := i.run(ctx, r)
		i.bar.end()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name(), err)
		}
		i.say("task %s: %s %s\n", r.task, r.name(), said)
		if r.format == transcript.Text && i.command.String("format") == string(transcript.Auto) {
			fmt.Fprintf(i.command.Root().ErrWriter, "jrweb: import: %s is in no format that is known: its lines are kept as text\n", r.name())
		}
	}
	for _, s := range i.sessions {
		id, err := i.session(ctx, s)
		i.bar.end()
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		i.say("task %s: session %s is %s: %s\n", s.task, s.old, id, count(int64(s.events), "event"))
	}
	if i.task == "" {
		return nil
	}
	return putTitle(ctx, i.command, i.server, i.task)
}

func (i *importer) say(format string, values ...any) {
	fmt.Fprintf(i.command.Root().Writer, format, values...)
}

// titleOf reads -title, "" if it was not given.
func titleOf(c *cli.Command) (string, error) {
	title := c.String("title")
	if len(title) > mostTitle || !utf8.ValidString(title) {
		return "", usagef("-title must have at most %d bytes, in UTF-8", mostTitle)
	}
	return title, nil
}

// mostTitle is how long a task's title may be.
const mostTitle = 1 << 10

// putTitle gives a task the title that a person wants.
func putTitle(ctx context.Context, c *cli.Command, server *client.Client, task string) error {
	if !c.IsSet("title") {
		return nil
	}
	title, err := titleOf(c)
	if err != nil {
		return err
	}
	_, err = server.PutTask(ctx, task, eventlog.TaskChange{Title: &title})
	return err
}

// maxLives is how often a session can be imported and deleted again.
const maxLives = 1000

// start starts a session and has its events appended. If that session was imported
// before, and deleted, it is imported again; so it is, if again says so, when the
// session has ended because an import was broken off.
func (i *importer) start(ctx context.Context, task string, start client.Start, key string, again bool, events func(eventlog.SessionID) error) (eventlog.SessionID, error) {
	for life := 1; ; life++ {
		start.Key = fmt.Sprintf("%s-%d", key, life)
		info, err := i.server.Start(ctx, task, start)
		if err != nil {
			return eventlog.SessionID{}, err
		}
		err = events(info.ID)
		if (hasStatus(err, http.StatusNotFound) || again && hasStatus(err, http.StatusConflict)) && life < maxLives {
			continue
		}
		if err != nil {
			err = i.undo(ctx, task, start.ExternalID, info.ID, err)
		}
		return info.ID, err
	}
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

// importLease is how long the session of an import may be silent. It ends by itself if
// the import is broken off, so that the next one need not wait for a person.
const importLease = time.Minute
