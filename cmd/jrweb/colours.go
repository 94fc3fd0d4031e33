package main

import (
	"regexp"
	"strconv"
	"strings"
)

// Programs colour what they print by escape sequences (SGR) of this form.
var sgr = regexp.MustCompile(`\x1b\[[0-9;:]{0,40}m`)

// withoutColours is text without the sequences that colour it: they say nothing.
func withoutColours(text string) string { return sgr.ReplaceAllLiteralString(text, "") }

// output is what a tool put out, safe for a terminal, in its colours if the printer has some.
func (p *printer) output(text string) string {
	if !p.colour {
		return visible(withoutColours(text))
	}
	return colours(text)
}

// colours is [visible] text that keeps the colours of its letters, and what is bold, faint,
// italic or underlined, to the end of their line. Nothing hides or blinks, and no ground is
// coloured, so that nothing is written in the colour of its ground.
func colours(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		painted, from := false, 0
		for _, at := range sgr.FindAllStringIndex(line, -1) {
			out.WriteString(visible(line[from:at[0]]))
			from = at[1]
			if kept := keptSGR(line[at[0]+2 : at[1]-1]); kept != "" {
				out.WriteString("\x1b[" + kept + "m")
				painted = true
			}
		}
		rest, ends := strings.CutSuffix(line[from:], "\n")
		out.WriteString(visible(strings.TrimSuffix(rest, "\r")))
		if painted {
			out.WriteString("\x1b[0m")
		}
		if ends {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// keptSGR are the parameters of a sequence that are safe.
func keptSGR(parameters string) string {
	all := strings.FieldsFunc(parameters, func(r rune) bool { return r == ';' || r == ':' })
	if len(all) == 0 {
		return "0"
	}
	var kept []string
	for i := 0; i < len(all); i++ {
		n, err := strconv.Atoi(all[i])
		if err != nil {
			return ""
		}
		switch {
		case n == 38 || n == 48 || n == 58: // one of many colours: 5;N or 2;R;G;B
			more := map[string]int{"5": 2, "2": 4}
			length := 1
			if i+1 < len(all) {
				length += more[all[i+1]]
			}
			if n == 38 && length > 1 && i+length <= len(all) {
				kept = append(kept, all[i:i+length]...)
			}
			i += length - 1
		case n <= 4, n >= 22 && n <= 24, n >= 30 && n <= 39, n >= 90 && n <= 97:
			kept = append(kept, all[i])
		}
	}
	return strings.Join(kept, ";")
}
