package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
	"jrweb/router/client"
	"jrweb/router/page"
	"jrweb/router/price"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write the events of a task to standard output", ArgsUsage: "TASK",
		Description: "As ndjson it is one envelope a line, which jrweb import takes. As html it is one page that needs no\n" +
			"server and no other file: jrweb export -format html TASK > task.html",
		Flags: clientFlags(
			sessionFlag("only this session (default: all sessions, in order)"),
			enumFlag("format", "the form of the output", "ndjson", "html"),
			pricesFlag()),
		ArgValidator: operands("TASK"),
		Action:       exportEvents,
	}
}

func exportEvents(ctx context.Context, c *cli.Command) error {
	server, task, session, err := target(c, c.Args().First())
	if err != nil {
		return err
	}
	prices, err := readPrices(c)
	if err != nil {
		return err
	}
	export := exportLines
	if c.String("format") == "html" {
		export = pageWriter(prices)
	}
	from := &exported{Client: server}
	if err := export(ctx, from, c.Root().Writer, task, session); err != nil {
		return explain(c, fmt.Errorf("export: %w", err))
	}
	if from.raws > 0 {
		fmt.Fprintf(c.Root().ErrWriter, "jrweb: export: %s not understood, in events of type raw\n", count(int64(from.raws), "line"))
	}
	for _, id := range from.open {
		fmt.Fprintf(c.Root().ErrWriter, "jrweb: export: session %s is still open: what it appends later is not in it\n", id)
	}
	return nil
}

// exported is a server that is exported, with what the person who does so must hear of.
type exported struct {
	*client.Client
	raws int                  // events of type raw
	open []eventlog.SessionID // whose end is not in the export
}

func (x *exported) events(ctx context.Context, task string, session eventlog.SessionID) iter.Seq2[client.Event, error] {
	return func(yield func(client.Event, error) bool) {
		for e, err := range x.Events(ctx, task, session) {
			if err == nil && e.Type == transcript.TypeRaw {
				x.raws++
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// note remembers a session that is open. Zero is all sessions.
func (x *exported) note(info eventlog.SessionInfo, wanted eventlog.SessionID) {
	if info.Status == eventlog.StatusOpen && (wanted.IsZero() || info.ID == wanted) {
		x.open = append(x.open, info.ID)
	}
}

func exportLines(ctx context.Context, server *exported, w io.Writer, task string, session eventlog.SessionID) error {
	out := bufio.NewWriterSize(w, 64<<10)
	lines := jsonLines(out, w)
	for info, err := range server.Sessions(ctx, task) {
		if err != nil {
			return err
		}
		server.note(info, session)
	}
	for e, err := range server.events(ctx, task, session) {
		if err != nil {
			_ = out.Flush() // what there is; the error below is the one to tell
			return err
		}
		if _, err := lines.Write(append(e.Envelope, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// pageWriter returns what writes the page of a task, or of one session, as it stands
// now: what is appended meanwhile would not be in the totals of its head.
func pageWriter(prices *price.Table) func(context.Context, *exported, io.Writer, string, eventlog.SessionID) error {
	return func(ctx context.Context, server *exported, w io.Writer, task string, session eventlog.SessionID) error {
		if isTerminal(w) {
			return usagef("export: a page is for a browser: write it to a file with > %s.html", task)
		}
		p := page.ExportPage{Prices: prices}
		var err error
		if p.Task, err = server.Task(ctx, task); err != nil {
			return err
		}
		for info, err := range server.Sessions(ctx, task) {
			if err != nil {
				return err
			}
			if session.IsZero() || info.ID == session {
				p.Sessions = append(p.Sessions, info)
			}
			server.note(info, session)
		}
		if len(p.Sessions) == 0 && !session.IsZero() {
			return fmt.Errorf("task %s has no session %s: jrweb ls %s lists them", task, session, task)
		}
		slices.Reverse(p.Sessions)
		return page.Export(w, p, entriesOf(server.events(ctx, task, session), p.Sessions))
	}
}

// entriesOf yields the events up to the heads of sessions.
func entriesOf(events iter.Seq2[client.Event, error], sessions []eventlog.SessionInfo) iter.Seq2[page.Entry, error] {
	heads := map[eventlog.SessionID]uint64{}
	for i := range sessions {
		heads[sessions[i].ID] = sessions[i].Head
	}
	return func(yield func(page.Entry, error) bool) {
		for e, err := range events {
			if err != nil {
				yield(page.Entry{}, err)
				return
			}
			if e.Sequence > heads[e.Session] {
				continue
			}
			entry := page.Entry{Session: e.Session, Event: eventlog.Event{
				Sequence: e.Sequence, Time: e.Time.Time, Type: e.Type, Actor: e.Actor, Data: e.Data,
			}}
			if !yield(entry, nil) {
				return
			}
		}
	}
}
