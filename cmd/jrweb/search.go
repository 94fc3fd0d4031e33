package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
)

// defaultHits is how many hits jrweb search shows.
const defaultHits = 50

func searchCommand() *cli.Command {
	return &cli.Command{
		Name: "search", Usage: "search all runs, the newest first", ArgsUsage: "QUERY...",
		Description: "QUERY has words, \"phrases\" and filters: agent:codex, model:opus, project:shop, person:ann, type:error,\n" +
			"tool:bash, status:failed, task:t-17, after:7d, before:2026-11-22. A value with blanks stands in quotes: agent:\"Claude Code\".\n" +
			"An event must have all words. A filter that is given twice takes either value.\n" +
			"The exit code is 0 if something was found, 1 if nothing was, 2 after an error.",
		Flags: clientFlags(
			&cli.IntFlag{Name: "n", Value: defaultHits, Usage: "show so many hits at most; 0: all", Sources: env("n"), OnlyOnce: true},
			enumFlag("o", "the form: text for people, or one JSON object a line", "text", "json"),
			boolFlag("json", "the same as -o json")),
		ArgValidator: func(_ context.Context, c *cli.Command) error {
			if !c.Args().Present() {
				return usagef("%s: missing QUERY, see %s -help", c.FullName(), c.FullName())
			}
			return nil
		},
		Action: searchRuns,
	}
}

func searchRuns(ctx context.Context, c *cli.Command) error {
	limit := c.Int("n")
	if limit < 0 {
		return usagef("-n must not be negative")
	}
	form, err := choice(c, "json", "o")
	if err != nil {
		return err
	}
	server, err := connect(c)
	if err != nil {
		return err
	}
	out := c.Root().Writer
	show := (&hitPrinter{printer: printer{out: out, colour: colourful(out), width: terminalWidth(out)}}).print
	if form == "json" || c.String("o") == "json" {
		lines := jsonLines(out, out)
		show = func(h *client.SearchHit) error {
			_, err := lines.Write(append(h.JSON, '\n'))
			return err
		}
	}
	hits := 0
	for hit, err := range server.Search(ctx, strings.Join(c.Args().Slice(), " "), limit) {
		if err == nil {
			hits++
			err = show(&hit)
		}
		if err != nil {
			return failedSearch{explain(c, fmt.Errorf("search: %w", err))}
		}
	}
	if hits == 0 {
		return silentExit{exitFailed}
	}
	return nil
}

// hitPrinter shows hits to people: a line for each, below a line for their session.
type hitPrinter struct {
	printer
	session eventlog.SessionID
}

func (p *hitPrinter) print(h *client.SearchHit) error {
	var text strings.Builder
	if h.Session != p.session {
		p.session = h.Session
		title := ""
		if h.Title != "" {
			title = "  " + cell(h.Title)
		}
		facts := strings.Join([]string{cell(h.Agent), string(h.Status), moment(h.Started)}, "  ")
		fmt.Fprintf(&text, "%s%s  %s\n", p.paint(bold, cell(h.Task)), title, p.paint(dim, strings.TrimSpace(facts)))
	}
	kind := cell(h.Type)
	if h.Tool != "" {
		kind += " " + cell(h.Tool)
	}
	fmt.Fprintf(&text, "  %s  %s  ", p.paint(dim, fmt.Sprintf("#%d", h.Sequence)), p.paint(cyan, kind))
	for i, piece := range h.Line {
		piece = visible(piece)
		if i%2 == 1 {
			piece = p.paint(match, piece)
		}
		text.WriteString(piece)
	}
	text.WriteByte('\n')
	_, err := io.WriteString(p.out, text.String())
	return err
}

// failedSearch is the failure of a search. It is not the same as a search without hits.
type failedSearch struct{ error }

func (f failedSearch) Unwrap() error { return f.error }

// silentExit is an exit code that says all there is to say.
type silentExit struct{ code int }

func (silentExit) Error() string { return "" }
