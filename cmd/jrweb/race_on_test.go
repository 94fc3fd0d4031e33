//go:build race

package main

// raceDetector is 1 where the tests, and the programs that they run, have it.
const raceDetector = 1
