package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
	"jrweb/router/price"
)

func lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list the tasks, newest activity first, or the sessions of a task", ArgsUsage: "[TASK]",
		Flags: clientFlags(append(taskFilterFlags(),
			enumFlag("o", "the form: a table that fits the terminal, all of it, or one JSON object a line", "table", "wide", "json"),
			boolFlag("json", "the same as -o json"))...),
		ArgValidator: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() == 0 {
				return nil
			}
			for _, f := range taskFilterFlags() {
				if name := f.Names()[0]; given(c, name) {
					return usagef("-%s chooses tasks, and %s is one already", name, c.Args().First())
				}
			}
			return optionalOperand("TASK")(ctx, c)
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			err := list(ctx, c)
			if err != nil {
				return explain(c, err)
			}
			return nil
		},
	}
}

// taskFilterFlags choose tasks.
func taskFilterFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("q", "", "only tasks with these words in id, title, type, project or description"),
		stringFlag("status", "", "only tasks whose latest session is so: open, succeeded, failed, canceled, interrupted; none: that have no session"),
		stringFlag("agent", "", "only tasks whose latest session is of this agent"),
		stringFlag("model", "", "only tasks whose latest session is of this model"),
		stringFlag("project", "", "only tasks of this project"),
		stringFlag("owner", "", "only tasks whose latest session was started by this token or person"),
	}
}

func list(ctx context.Context, c *cli.Command) error {
	server, err := connect(c)
	if err != nil {
		return err
	}
	form, err := listForm(c)
	if err != nil {
		return err
	}
	out := c.Root().Writer
	width, inJSON := terminalWidth(out), form == "json"
	if form == "wide" {
		width = 0
	}
	if !c.Args().Present() {
		tasks := server.FindTasks(ctx, client.TaskFilter{
			Text: c.String("q"), Status: eventlog.Status(c.String("status")), Project: c.String("project"),
			Agent: c.String("agent"), Model: c.String("model"), Owner: c.String("owner"),
		})
		if inJSON {
			return writeJSONLines(out, tasks)
		}
		return writeTable(out, width, "TASK\tSTATUS\tSESSIONS\tEVENTS\tCOST\tUPDATED\tTITLE",
			[]string{"SESSIONS", "EVENTS", "UPDATED", "COST", "STATUS"}, tasks, taskRow)
	}
	task, err := taskOf(c.Args().First())
	if err != nil {
		return err
	}
	if inJSON {
		return writeJSONLines(out, server.Sessions(ctx, task))
	}
	return writeTable(out, width, "SESSION\tSTATUS\tEVENTS\tCOST\tSTARTED\tENDED\tAGENT\tMODEL\tOWNER\tREASON",
		[]string{"OWNER", "ENDED", "MODEL", "AGENT", "EVENTS", "STARTED", "COST"}, server.Sessions(ctx, task), sessionRow)
}

// listForm is the form of a list: table, wide or json.
func listForm(c *cli.Command) (string, error) {
	form := c.String("o")
	if form == "json" {
		return form, nil
	}
	which, err := choice(c, "json", "o")
	if which == "json" {
		form = "json"
	}
	return form, err
}

func taskRow(t eventlog.Task) string {
	status := string(t.Status)
	if t.Pinned {
		status += ", pinned"
	}
	return fmt.Sprintf("%s\t%s\t%d\t%d\t%s\t%s\t%s", t.ID, status, t.Sessions, t.Totals.Events,
		price.Text(&t.Totals), moment(t.Updated), cell(t.Title))
}

func sessionRow(s eventlog.SessionInfo) string {
	return fmt.Sprintf("%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", s.ID, s.Status, s.Totals.Events,
		price.Text(&s.Totals), moment(s.Started), moment(s.Ended), cell(s.Agent), cell(s.Model), cell(s.Owner), cell(s.Reason))
}

// cell is text of a user in a table.
func cell(text string) string { return clip(visibleLine(text), 80) }

// moment is a time in the reader's own zone, "-" if it has not come yet.
func moment(t eventlog.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func writeJSONLines[T any](w io.Writer, items iter.Seq2[T, error]) error {
	out := json.NewEncoder(jsonLines(w, w))
	out.SetEscapeHTML(false)
	for item, err := range items {
		if err == nil {
			err = out.Encode(item)
		}
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
	}
	return nil
}
