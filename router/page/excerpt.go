package page

import (
	"cmp"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"jrweb/router/blob"
)

const (
	// shownAtMost is how many bytes of text one event shows, all its texts
	// together. What is left out is one request away.
	shownAtMost = 64 << 10
	// shownAtLeast is how much of each text is shown even so.
	shownAtLeast = 1 << 10
)

// space is how many bytes of text an event may still show.
type space struct {
	left    int
	endless bool
}

// excerpt is the beginning and the end of a text. If nothing is left out, it is
// all at the beginning.
type excerpt struct {
	head, tail string
	omitted    int // bytes
}

// take cuts a text to the space that is left, at ends of lines where it can.
func (s *space) take(text string) excerpt {
	room := max(s.left, shownAtLeast)
	if s.endless || len(text) <= room {
		s.left -= len(text)
		return excerpt{head: text}
	}
	s.left -= room
	head := text[:runeStart(text, room*3/4)]
	if end := strings.LastIndexByte(head, '\n'); end > len(head)/2 {
		head = head[:end+1]
	}
	tail := text[len(text)-room/4:]
	for tail != "" && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	if start := strings.IndexByte(tail, '\n'); start >= 0 && start < len(tail)/2 {
		tail = tail[start+1:]
	}
	return excerpt{head, tail, len(text) - len(head) - len(tail)}
}

// runeStart returns the last place not behind at that is not within a character.
func runeStart(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// firstLine is a text in one short line.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimLeft(blob.Elide(text[:min(len(text), 4096)]), " \t\r\n"), "\n")
	return shorten(strings.TrimRight(line, "\r"))
}

var markup = regexp.MustCompile(`<[^>]*>`)

// withoutMarks is a line of Markdown in the words that its row shows. A line that is nothing but
// marks stays as it is.
func withoutMarks(line string) string {
	if looksLikeJSON(line) {
		return line
	}
	shown := markup.ReplaceAllString(string(markdownHTML(line, &stopwatch{})), "")
	return cmp.Or(strings.TrimSpace(html.UnescapeString(shown)), line)
}

// shorten cuts a name that is longer than any honest one.
func shorten(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return text[:runeStart(text, most)] + "…"
}
