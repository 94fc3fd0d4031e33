package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"jrweb/eventlog"
	"jrweb/router/client"
	"jrweb/router/price"
)

func usageCommand() *cli.Command {
	return &cli.Command{
		Name: "usage", Usage: "what was spent, by day, agent, model, project, person or machine",
		Description: "Days are those of UTC. What was spent stays when sessions are deleted.\n" +
			"≈ marks money that is estimated, and + ? that some tokens have no known price.",
		Flags: clientFlags(
			stringFlag("since", "7d", "from this day on, such as 2026-11-01, or for so many days, such as 30d"),
			stringFlag("until", "", "up to this day, instead of today"),
			stringFlag("by", "day", "what a row is of, some of day,week,agent,model,project,person,machine"),
			stringFlag("agent", "", "only of this agent"),
			stringFlag("model", "", "only of this model"),
			stringFlag("project", "", "only of this project"),
			stringFlag("person", "", "only of sessions that this token or person started"),
			stringFlag("machine", "", "only of this machine"),
			enumFlag("o", "the form: a table that fits the terminal, all of it, or one JSON object a line", "table", "wide", "json"),
			boolFlag("json", "the same as -o json")),
		ArgValidator: operands(),
		Action: func(ctx context.Context, c *cli.Command) error {
			err := usage(ctx, c)
			if err != nil {
				return explain(c, err)
			}
			return nil
		},
	}
}

func usage(ctx context.Context, c *cli.Command) error {
	server, err := connect(c)
	if err != nil {
		return err
	}
	form, err := listForm(c)
	if err != nil {
		return err
	}
	by := strings.Split(c.String("by"), ",")
	spent, err := server.Usage(ctx, client.UsageQuery{
		Since: c.String("since"), Until: c.String("until"), By: by,
		Agent: c.String("agent"), Model: c.String("model"), Project: c.String("project"), Person: c.String("person"), Machine: c.String("machine"),
	})
	if err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	out := c.Root().Writer
	rows := withoutErrors(spent.Rows)
	if form == "json" {
		return writeJSONLines(out, rows)
	}
	width := terminalWidth(out)
	if form == "wide" {
		width = 0
	}
	head := strings.ToUpper(strings.Join(by, "\t")) + "\tIN\tOUT\tFROM CACHE\tTO CACHE\tCOST"
	rows = withoutErrors(append(slices.Clone(spent.Rows), client.UsageRow{Spent: spent.Total}))
	n := 0
	return writeTable(out, width, head, []string{"TO CACHE", "FROM CACHE", "OUT", "IN"}, rows, func(r client.UsageRow) string {
		n++
		return spentRow(r, by, n > len(spent.Rows))
	})
}

func withoutErrors[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// spentRow is a line of the table. The last one has the total, and no names.
func spentRow(r client.UsageRow, by []string, total bool) string {
	names := map[string]string{"day": r.Day, "week": r.Week, "agent": r.Agent, "model": r.Model, "project": r.Project, "person": r.Person, "machine": r.Machine}
	var cells []string
	for i, name := range by {
		switch text := cell(names[name]); {
		case total && i == 0:
			cells = append(cells, "total")
		case text == "" && !total:
			cells = append(cells, "-")
		default:
			cells = append(cells, text)
		}
	}
	for _, n := range []uint64{r.InputTokens, r.OutputTokens, r.CacheReadTokens, r.CacheWriteTokens} {
		cells = append(cells, strconv.FormatUint(n, 10))
	}
	money := price.Text(&eventlog.Totals{USD: r.USD, EstimatedUSD: r.EstimatedUSD})
	if r.Unpriced {
		money += " + ?"
	}
	return strings.Join(append(cells, money), "\t")
}
