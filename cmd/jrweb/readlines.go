package main

import (
	"errors"
	"fmt"

	"jrweb/cmd/jrweb/internal/source"
)

// errEnough: a reader of lines or events wants no more.
var errEnough = errors.New("enough")

// readFile takes the lines of a file that are not blank. An error names its line.
func readFile(path string, take func(inputLine) error) error {
	f, err := source.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read from
	var refused error
	err = readLines(f, func(l inputLine) bool {
		if refused = take(l); refused != nil && !errors.Is(refused, errEnough) {
			refused = fmt.Errorf("line %d: %w", l.number, refused)
		}
		return refused == nil
	})
	if errors.Is(refused, errEnough) {
		refused = nil
	}
	return errors.Join(refused, err)
}
