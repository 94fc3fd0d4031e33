package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"jrweb/eventlog"
	"jrweb/eventlog/find"
)

// measured is one search.
type measured struct {
	first, all time.Duration
	hits       int
	longest    time.Duration // of its parts
	processor  time.Duration
}

// search searches until it has enough hits, or everything was searched.
func search(ctx context.Context, log *eventlog.Log, query string, enough int) (m measured, err error) {
	start, used := time.Now(), processorTime()
	q, err := find.Parse(query, start)
	if err != nil {
		return m, err
	}
	s := log.NewSearch(q, eventlog.SearchOptions{})
	for {
		before := time.Now()
		part, err := s.Next(ctx)
		if err != nil {
			return m, err
		}
		m.longest = max(m.longest, time.Since(before))
		if m.hits += len(part.Hits); m.first == 0 && m.hits > 0 {
			m.first = time.Since(start)
		}
		if part.Done || m.hits >= enough {
			m.all, m.processor = time.Since(start), processorTime()-used
			return m, nil
		}
	}
}

func measureAll(ctx context.Context, log *eventlog.Log, cold bool) error {
	fmt.Println("| search | hits | first after | all after | of the processor | longest part |")
	fmt.Println("|---|---:|---:|---:|---:|---:|")
	const whole, page = 1 << 30, 50
	for _, one := range []struct {
		what, query string
		enough      int
	}{
		{"a word of the newest run, cold", newest, 1},
		{"a word of the oldest run, cold", oldest, whole},
		{"the same, warm", oldest, whole},
		{"a word of the newest run", newest, whole},
		{"a word that is nowhere", "jabberwocky" + "zq", whole},
		{"one of frequent letters", "tione" + "sarit", whole},
		{"a phrase that is nowhere", `"the quick brown` + ` foxes"`, whole},
		{"a word in another script", "日本" + "東京都", whole},
		{"a frequent word, 50 hits", "error", page},
		{"two words, 50 hits", "journal segment", page},
		{"a type, 50 hits", "type:tool_call", page},
		{"a type that is nowhere", "type:error", whole},
		{"a word, of the last week", "after:7d jabberwocky", whole},
	} {
		if strings.HasSuffix(one.what, ", cold") && !cold {
			continue
		}
		m, err := search(ctx, log, one.query, one.enough)
		if err != nil {
			return err
		}
		first := "–"
		if m.hits > 0 {
			first = ms(m.first)
		}
		fmt.Printf("| %s | %d | %s | %s | %s | %s |\n", one.what, m.hits, first, ms(m.all), ms(m.processor), ms(m.longest))
	}
	return nil
}

// processorTime is what this process has used of the processor.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it is always there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// measureAppends measures what searches cost those who append.
func measureAppends(ctx context.Context, log *eventlog.Log) error {
	fmt.Println("\n| searches at once | append, p50 | p99 | longest |")
	fmt.Println("|---:|---:|---:|---:|")
	for _, searches := range []int{0, 1, 4} {
		took, err := appends(ctx, log, searches)
		if err != nil {
			return err
		}
		slices.Sort(took)
		fmt.Printf("| %d | %s | %s | %s |\n", searches, ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1]))
	}
	return nil
}

// appends appends event by event for some seconds, while so many searches run.
func appends(ctx context.Context, log *eventlog.Log, searches int) (took []time.Duration, err error) {
	const duration = 5 * time.Second
	searching, stop := context.WithTimeout(ctx, duration)
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	for range searches {
		running.Go(func() {
			for searching.Err() == nil {
				_, _ = search(searching, log, oldest, 1<<30) // it ends with its context
			}
		})
	}
	s, err := log.Start(ctx, "t-append", nil)
	if err != nil {
		return nil, err
	}
	for searching.Err() == nil {
		start := time.Now()
		if _, err := s.Append(ctx, newEvent(eventlog.TypeStatus, map[string]string{"content": "so"}, time.Time{})); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
		time.Sleep(time.Millisecond)
	}
	return took, nil
}
