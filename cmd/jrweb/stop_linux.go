package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// allProcesses reads what runs on this machine.
func allProcesses() map[int]osProcess {
	all := map[int]osProcess{}
	entries, _ := os.ReadDir("/proc") // without it, there is only the child
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		// The name stands in parentheses, and may have any character.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 20 {
			continue
		}
		number := func(i int) int {
			n, _ := strconv.Atoi(string(fields[i])) // the kernel writes numbers
			return n
		}
		all[pid] = osProcess{parent: number(1), group: number(2), birth: birth(number(19))}
	}
	return all
}
