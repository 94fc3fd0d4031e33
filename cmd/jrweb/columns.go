package main

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns is how many columns of a terminal a line takes at most: Chinese, Japanese,
// Korean and emoji take two each, and what combines with the character before none.
func columns(line string) (n int) {
	for _, r := range line {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// fit cuts a line so that it takes n columns at most, with a … if something is cut.
func fit(line string, n int) string {
	taken, end := 0, 0 // end: where a … still fits
	for i, r := range line {
		if taken < n {
			end = i
		}
		if taken += columnsOf(r); taken > n {
			return line[:end] + "…"
		}
	}
	return line
}

// leastOfLast is how much of the last column, which is of people's words, is to be seen.
const leastOfLast = 16

// writeTable writes a table, whose cells are separated by tabs in a row. If a width is not 0,
// its lines are cut there. Before that it does without the columns named in spare, one after
// the other, and then cuts the first column.
func writeTable[T any](w io.Writer, width int, head string, spare []string, items iter.Seq2[T, error], row func(T) string) error {
	rows := [][]string{strings.Split(head, "\t")}
	for item, err := range items {
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		rows = append(rows, strings.Split(row(item), "\t"))
	}
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, cell := range cells {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	left, first := leaveOut(rows[0], widths, spare, width)
	for _, cells := range rows {
		var line strings.Builder
		for i, cell := range cells {
			if left[i] {
				continue
			}
			if i == 0 {
				cell = fit(cell, first)
				widths[0] = first
			}
			line.WriteString(cell + strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		text := strings.TrimRight(line.String(), " ")
		if width > 0 {
			text = fit(text, width)
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return fmt.Errorf("list: %w", err)
		}
	}
	return nil
}

// leaveOut tells for each column whether there is no room for it, and how wide the first one is.
func leaveOut(head []string, widths []int, spare []string, width int) (left []bool, first int) {
	left, first = make([]bool, len(head)), widths[0]
	if width == 0 {
		return left, first
	}
	last := len(head) - 1
	need := min(widths[last], leastOfLast)
	for _, w := range widths[:last] {
		need += w + 2
	}
	for _, name := range spare {
		if i := slices.Index(head, name); need > width && i >= 0 {
			left[i] = true
			need -= widths[i] + 2
		}
	}
	if need > width {
		first = min(first, max(first-(need-width), width/2))
	}
	return left, first
}
