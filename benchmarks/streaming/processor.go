package streaming

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	serverUse = "server, processors in use"
	clientUse = "client, processors in use"
)

// use is how many processors were busy for a process, on average.
type use struct{ server, client float64 }

// processorUse says what two processes use while something is done.
func processorUse(server, client int, do func() error) (use, error) {
	began := time.Now()
	var before, after [2]time.Duration
	var err error
	for i, pid := range []int{server, client} {
		if before[i], err = processorTime(pid); err != nil {
			return use{}, err
		}
	}
	if err := do(); err != nil {
		return use{}, err
	}
	took := time.Since(began).Seconds()
	for i, pid := range []int{server, client} {
		if after[i], err = processorTime(pid); err != nil {
			return use{}, err
		}
	}
	return use{(after[0] - before[0]).Seconds() / took, (after[1] - before[1]).Seconds() / took}, nil
}

// processorTime returns what a process has used of all processors so far.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name
	const before = 11                             // fields between the name and utime
	fields := strings.Fields(rest)
	if len(fields) < before+2 {
		return 0, fmt.Errorf("processor time of process %d: %q", pid, text)
	}
	var user, system int64
	if _, err := fmt.Sscan(fields[before]+" "+fields[before+1], &user, &system); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(user+system) * (time.Second / ticks), nil
}

// ticks is what Linux counts processor time in, per second, on every machine that Go knows.
const ticks = 100
