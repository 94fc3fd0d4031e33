//go:build !linux

package main

// allProcesses finds none: only the command itself gets signals here.
func allProcesses() map[int]osProcess { return nil }
