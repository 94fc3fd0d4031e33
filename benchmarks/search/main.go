// Command search measures how long a search over all runs takes:
//
//	go run ./search
//	go run ./search -gb 1 -keep /tmp/search.db
//
// The history is made of the text of this repository: what agents say, the files that they
// read and what their tools print. One word stands in the newest run alone, one in the oldest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"

	"jrweb/eventlog"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	gigabytes := flag.Float64("gb", 5, "how large the history is, in GB")
	corpus := flag.String("corpus", "..", "where the texts are")
	dir := flag.String("dir", os.TempDir(), "where the file is made")
	keep := flag.String("keep", "", "a file to keep, or to measure if it exists")
	cold := flag.Bool("cold", true, "begin with a file that is not in memory")
	profile := flag.String("profile", "", "the file for a CPU profile of the searches")
	flag.Parse()
	file := *keep
	if file == "" {
		folder, err := os.MkdirTemp(*dir, "jrweb-search-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
		file = filepath.Join(folder, "jr.db")
	}
	if _, err := os.Stat(file); err != nil {
		if err := build(ctx, file, *corpus, int64(*gigabytes*1e9)); err != nil {
			return err
		}
	}
	if *cold {
		if err := leaveCache(file); err != nil {
			return err
		}
	}
	log, err := eventlog.Open(file, &eventlog.Options{KeepOpen: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := measureAll(ctx, log, *cold); err != nil {
		return err
	}
	return measureAppends(ctx, log)
}
