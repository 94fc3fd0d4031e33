package page

import "time"

// Tests must not depend on how busy the machine is.
func init() { highlightTime = time.Hour }

// What the tests of the parts need.
var (
	TerminalHTML = terminalHTML
	PrettyJSON   = prettyJSON
	Laborious    = laborious
	PieceEnd     = pieceEnd
)

// MarkdownHTML renders Markdown.
func MarkdownHTML(source string) string { return string(markdownHTML(source, new(stopwatch))) }

// Excerpt cuts a text to n bytes.
func Excerpt(text string, n int) (head, tail string, omitted int) {
	x := (&space{left: n}).take(text)
	return x.head, x.tail, x.omitted
}

// HoldAtMost is how many events an export may hold back.
const HoldAtMost = holdAtMost
