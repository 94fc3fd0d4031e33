// Command convert measures how fast transcripts become events, and in how much memory:
//
//	go run ./convert
//	go run ./convert -formats claude,codex-rollout -mb 100 -profile cpu.out
//
// Its inputs are the fixtures of the tests, over and over, with ids of their own each
// time: as they are, which are lines of a hundred bytes or two and the most work for a
// byte, and with texts of 4 KB, as real transcripts have.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"

	"jrweb/eventlog/transcript"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "convert:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	megabytes := flag.Int("mb", 50, "how much is converted of each, in MB")
	wanted := flag.String("formats", "", "only these, with commas between")
	fixtures := flag.String("fixtures", "../eventlog/transcript/testdata", "where the fixtures are")
	profile := flag.String("profile", "", "the file for a CPU profile")
	flag.Parse()
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
	fmt.Println("| format | short lines, MB/s | events/s | peak MB | texts of 4 KB, MB/s | events/s | peak MB |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	for _, format := range transcript.Formats()[1:] {
		if *wanted != "" && !strings.Contains(","+*wanted+",", ","+string(format)+",") {
			continue
		}
		fmt.Printf("| %s |", format)
		for _, pad := range []int{0, 4 << 10} {
			in, err := newInput(*fixtures, format, pad)
			if err != nil {
				return err
			}
			r, err := convert(format, in, *megabytes*1_000_000)
			if err != nil {
				return err
			}
			fmt.Printf(" %.0f | %.0f | %.1f |", r.megabytesPerSecond(), r.eventsPerSecond(), float64(r.peak)/1e6)
		}
		fmt.Println()
	}
	return nil
}
