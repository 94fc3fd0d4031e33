// Command page measures how long a browser takes to open the page of a run, and how
// many bytes that moves, for runs of several sizes:
//
//	go run ./page
//	go run ./page -watch 30s
//
// Each page is measured beside its limit, in the same run and in turns: the very
// document that the server made for it, as a static file without script or stream.
// The ratio of the two is what the page's live behaviour costs; it says more than
// milliseconds, which are those of one machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	loads := flag.Int("loads", 9, "how often each page is opened")
	chromium := flag.String("chromium", "chromium", "the browser")
	watched := flag.Duration("watch", 0, "measure instead what it costs to watch runs, for so long each")
	long := flag.Int("long", longRun, "events of the long run that is watched, 0 for none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	measure := func() error { return run(ctx, *chromium, *loads, []int{10, 1000, 100_000}) }
	if *watched > 0 {
		measure = func() error { return runWatch(ctx, *chromium, *watched, *long) }
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

// run prints the results as a Markdown table.
func run(ctx context.Context, chromium string, loads int, sizes []int) (err error) {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var pages []*result
	for _, events := range sizes {
		task := fmt.Sprintf("t-%d", events)
		if err := s.record(ctx, task, events); err != nil {
			return err
		}
		if err := s.keepStatic(task); err != nil {
			return err
		}
		pages = append(pages,
			&result{events: events, what: "page", path: "/tasks/" + task, live: true},
			&result{events: events, what: "limit", path: "/static/" + task})
	}
	b, err := startBrowser(ctx, chromium)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Printf("%s, median of %d loads each, in turns, nothing cached\n\n", b.version, loads)
	for load := range loads + 1 {
		for _, r := range pages {
			one, err := b.open(s, r)
			if err != nil {
				return fmt.Errorf("%s: %w", r.path, err)
			}
			if load > 0 { // the first warms up the server and the browser
				r.loads = append(r.loads, one)
			}
		}
	}
	printTable(pages)
	return nil
}

// runWatch prints what it costs to watch.
func runWatch(ctx context.Context, chromium string, measured time.Duration, long int) (err error) {
	s, err := startServer()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b, err := startBrowser(ctx, chromium)
	if err != nil {
		return err
	}
	defer b.close()
	return watch(ctx, s, b, measured, long)
}
