package page

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// edit is what a tool call changes in a file: texts before and after, or the
// unified diff that the agent wrote itself.
type edit struct {
	file          string // "" if it is not told
	kind          string // add, update or delete, if it is told
	moved         string // where to, if it is told
	before, after string
	unified       string
	everywhere    bool // wherever the text before stands
	whole         bool // the text after is all of the file
}

// fileNames are the arguments that name a file.
var fileNames = []string{"path", "file_path", "filePath", "notebook_path", "filename", "file", "AbsolutePath"}

// editFields are the arguments that an edit stands for.
var editFields = []string{
	"old_str", "new_str", "old_string", "new_string", "oldString", "newString", "oldText", "newText", "diff", "patch", "edits", "changes", "input",
}

// editsOf finds the edits in the arguments of a tool call, by the names that the
// tools of several agents give them.
func editsOf(args fields) []edit {
	var edits []edit
	file, _ := either(args, fileNames...)
	add := func(f fields) {
		name, hasName := either(f, fileNames...)
		if !hasName {
			name = file
		}
		before, hasBefore := either(f, "old_str", "old_string", "oldString", "oldText")
		after, hasAfter := either(f, "new_str", "new_string", "newString", "newText")
		if hasBefore && hasAfter {
			everywhere := string(f.raw("replace_all")) == "true" || string(f.raw("replaceAll")) == "true"
			edits = append(edits, edit{file: name, before: before, after: after, everywhere: everywhere})
		} else if unified, has := either(f, "diff", "patch", "unified_diff"); has {
			edits = append(edits, editsInPatch(name, unified)...)
		}
	}
	add(args)
	for _, one := range elements(args.raw("edits")) {
		add(parseFields(one))
	}
	edits = tiedTo(fileChanges(args.raw("changes")), edits)
	if len(edits) == 0 {
		if text := patchIn(args); text != "" {
			return editsInPatch(file, text)
		}
	}
	return edits
}

func either(f fields, names ...string) (string, bool) {
	for _, name := range names {
		if text, ok := f.str(name); ok {
			return text, true
		}
	}
	return "", false
}

func (e edit) size() int { return len(e.before) + len(e.after) + len(e.unified) }

func (e edit) lineCount() int {
	return lineCount(e.before) + lineCount(e.after) + lineCount(e.unified)
}

// diffLine is one line of an edit. Kind is added, removed, same or skip.
type diffLine struct {
	Kind, Sign, Text string
}

// lines compares the texts before and after.
func (e edit) lines() []diffLine {
	if e.unified != "" {
		return unifiedLines(e.unified)
	}
	diff, err := udiff.ToUnifiedDiff("", "", e.before, udiff.Lines(e.before, e.after), 3)
	if err != nil || len(diff.Hunks) == 0 {
		return wholeLines("same", " ", e.before)
	}
	var lines []diffLine
	next := 1 // the line of before that is shown next
	for _, hunk := range diff.Hunks {
		lines = appendSkip(lines, hunk.FromLine-next)
		next = hunk.FromLine
		for _, l := range hunk.Lines {
			text := strings.TrimSuffix(strings.TrimSuffix(l.Content, "\n"), "\r")
			switch l.Kind {
			case udiff.Insert:
				lines = append(lines, diffLine{"added", "+", text})
				continue
			case udiff.Delete:
				lines = append(lines, diffLine{"removed", "-", text})
			case udiff.Equal:
				lines = append(lines, diffLine{"same", " ", text})
			}
			next++
		}
	}
	return appendSkip(lines, lineCount(e.before)-next+1)
}

func appendSkip(lines []diffLine, n int) []diffLine {
	if n <= 0 {
		return lines
	}
	return append(lines, diffLine{"skip", " ", plural(n, "unchanged line")})
}

func wholeLines(kind, sign, text string) []diffLine {
	var lines []diffLine
	for line := range strings.Lines(text) {
		lines = append(lines, diffLine{kind, sign, strings.TrimRight(line, "\r\n")})
	}
	return lines
}

// unifiedLines reads a unified diff.
func unifiedLines(text string) []diffLine {
	lines := wholeLines("same", " ", text)
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Text == "":
		case isDiffHeader(l.Text):
			l.Kind = "skip"
		case l.Text[0] == '+':
			l.Kind, l.Sign, l.Text = "added", "+", l.Text[1:]
		case l.Text[0] == '-':
			l.Kind, l.Sign, l.Text = "removed", "-", l.Text[1:]
		case l.Text[0] == ' ':
			l.Text = l.Text[1:]
		}
	}
	return lines
}

func isDiffHeader(line string) bool {
	for _, start := range []string{"@@", "--- ", "+++ ", "diff ", "index ", "*** "} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// changes counts the lines that edits add and remove.
type changes struct{ Added, Removed int }

func (c *changes) count(lines []diffLine) {
	for _, l := range lines {
		switch l.Kind {
		case "added":
			c.Added++
		case "removed":
			c.Removed++
		}
	}
}

func lineCount(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// kindWords say what becomes of a file, where that is not told by its lines.
var kindWords = map[string]string{"add": "New file", "delete": "Deleted"}
