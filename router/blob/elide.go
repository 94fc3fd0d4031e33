package blob

import (
	"fmt"
	"strings"
)

// A run of base64 that is longer than longestRun is not a text for people.
const (
	longestRun = 1000
	shownOfRun = 24
)

// Elide takes long runs of base64 out of a text, in JSON as well, and says how long
// they were. What looks alike and is text stays: a run has small and capital letters
// and digits, and no space.
func Elide(text string) string {
	if len(text) <= longestRun {
		return text
	}
	var b strings.Builder
	written := 0
	for start := 0; start < len(text); {
		end, encoded := runOf(text[start:])
		end += start
		if encoded {
			b.WriteString(text[written : start+shownOfRun])
			fmt.Fprintf(&b, "… (%s of base64)", kilobytes(end-start))
			written = end
		}
		start = end + 1
	}
	if written == 0 {
		return text
	}
	b.WriteString(text[written:])
	return b.String()
}

// runOf returns where the run of base64 ends that a text begins with, and whether it
// is one to take out.
func runOf(text string) (end int, long bool) {
	var small, capital, digit bool
	for end < len(text) {
		switch c := text[end]; {
		case c >= 'a' && c <= 'z':
			small = true
		case c >= 'A' && c <= 'Z':
			capital = true
		case c >= '0' && c <= '9':
			digit = true
		case c == '+', c == '/', c == '=':
		case c == '\\' && end+1 < len(text) && text[end+1] == '/': // as some write it in JSON
			end++
		default:
			return end, end > longestRun && small && capital && digit
		}
		end++
	}
	return end, end > longestRun && small && capital && digit
}

func kilobytes(n int) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
