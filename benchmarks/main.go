// Command benchmarks measures jrweb beside its peers and the limits of the
// machine, and writes a table of what it found:
//
//	go run . -out RESULTS.md
//
// While you work on one row, measure only that, and briefly:
//
//	go run . -rows 'Durable appends' -rounds 1 -duration 1s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"jrweb/benchmarks/internal/report"
	"jrweb/benchmarks/storage"
	"jrweb/benchmarks/streaming"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "benchmarks:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := storage.Commands()
	maps.Copy(commands, streaming.Commands())
	maps.Copy(commands, clusterCommands())
	if len(args) > 0 && commands[args[0]] != nil { // a child process of an experiment
		return commands[args[0]](ctx, args[1:])
	}
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how often each contender is measured")
	duration := flags.Duration("duration", 3*time.Second, "for how long a contender is measured in a round")
	rows := flags.String("rows", "", "run only experiments whose title, or one of whose rows, matches this regular expression")
	out := flags.String("out", "", "the file for the report, with its plots beside it; none: standard output, without plots")
	dir := flags.String("dir", os.TempDir(), "where files are made; its disk is measured")
	storage.Flags(flags)
	streaming.Flags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*rows)
	if err != nil {
		return fmt.Errorf("-rows: %w", err)
	}
	if *rounds < 1 || flags.NArg() > 0 {
		return errors.New("-rounds is at least 1, and there are no arguments")
	}
	options := &report.Options{Rounds: *rounds, Duration: *duration, Dir: *dir, Progress: func(what string) {
		fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), what)
	}}
	plots := filepath.Dir(*out)
	if *out == "" {
		if plots, err = os.MkdirTemp("", "jrweb-benchmark-plots-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(plots) }() // left over at worst
	}
	var results []*report.Result
	var sections strings.Builder
	for _, e := range slices.Concat(storage.Experiments(), streaming.Experiments(), clusterExperiments()) {
		if !matches(wanted, e) {
			continue
		}
		result, err := report.Run(ctx, e, options)
		if err != nil {
			return err
		}
		results = append(results, result)
		sections.WriteString("\n" + result.Tables())
		if e.Appendix != nil {
			text, err := e.Appendix(plots, result)
			if err != nil {
				return fmt.Errorf("%s: %w", e.Title, err)
			}
			sections.WriteString("\n" + text)
		}
	}
	summary, err := report.Summary(results)
	if err != nil {
		return err
	}
	machine, err := describeMachine(ctx, *dir)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(`# Results

Written by `+"`%s`"+`. Each ratio is the median of %d rounds, formed within a round of
figures that were measured one after the other, for %v each; beside it the lowest and the
highest. Tables below the first one show medians. How long a browser takes to open the page of a
run stands in [PAGE.md](PAGE.md).

%s
%s%s`, strings.Join(append([]string{"go run ."}, args...), " "), *rounds, *duration, machine, summary, sections.String())
	if *out == "" {
		_, err := fmt.Print(text)
		return err
	}
	return os.WriteFile(*out, []byte(text), 0o644)
}

func matches(wanted *regexp.Regexp, e *report.Experiment) bool {
	return wanted.MatchString(e.Title) ||
		slices.ContainsFunc(e.Rows, func(r report.Row) bool { return wanted.MatchString(r.Name) })
}
