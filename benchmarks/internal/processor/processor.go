// Package processor says how much of the processors a process uses.
package processor

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Use returns how many processors were busy for each of these processes, on average, while
// something is done.
func Use(do func() error, pids ...int) ([]float64, error) {
	began := time.Now()
	before, err := times(pids)
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := times(pids)
	if err != nil {
		return nil, err
	}
	uses := make([]float64, len(pids))
	for i := range pids {
		uses[i] = float64(after[i]-before[i]) / float64(took)
	}
	return uses, nil
}

func times(pids []int) ([]time.Duration, error) {
	all := make([]time.Duration, len(pids))
	for i, pid := range pids {
		var err error
		if all[i], err = spent(pid); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// spent returns what a process has used of all processors so far.
func spent(pid int) (time.Duration, error) {
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
