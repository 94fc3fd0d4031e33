package agents

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// table is what an agent played.
type table struct {
	version string
	rows    map[string]row // by scenario
}

// row has a cell for each way in.
type row []shown

// shown is a cell as it is shown.
type shown struct {
	text    string
	remarks []string
}

func (c Cell) shown() shown {
	if c.Impossible != "" {
		return shown{"–", []string{c.Impossible}}
	}
	if len(c.Differences) == 0 {
		return shown{"ok", c.Hidden}
	}
	var aspects []string
	for _, d := range c.Differences {
		aspect, _, _ := strings.Cut(d, ":")
		if !slices.Contains(aspects, aspect) {
			aspects = append(aspects, aspect)
		}
	}
	return shown{"differs: " + strings.Join(aspects, ", "), c.Hidden}
}

func (a *Agent) heading() string { return fmt.Sprintf("### %s (%s ", a.Title, a.Package) }

// markdown is the table with its heading, and its remarks below it.
func (t table) markdown(a *Agent) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s)\n\n| | run | import | import -follow |\n|---|---|---|---|\n", a.heading(), t.version)
	var remarks []string
	for _, s := range Scenarios() {
		if t.rows[s.Name] == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", s.Name)
		for _, c := range t.rows[s.Name] {
			var numbers []string
			for _, remark := range c.remarks {
				if !slices.Contains(remarks, remark) {
					remarks = append(remarks, remark)
				}
				numbers = append(numbers, strconv.Itoa(slices.Index(remarks, remark)+1))
			}
			b.WriteString(" " + c.text)
			if numbers != nil {
				fmt.Fprintf(&b, " [%s]", strings.Join(numbers, ", "))
			}
			b.WriteString(" |")
		}
		b.WriteByte('\n')
	}
	for i, remark := range remarks {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, remark)
	}
	return b.String()
}

var (
	rowLine    = regexp.MustCompile(`(?m)^\| ([a-z-]+) \|(.+)\|$`)
	cellText   = regexp.MustCompile(`^ (.+?)(?: \[([0-9, ]+)\])? $`)
	remarkLine = regexp.MustCompile(`(?m)^[0-9]+\. (.+)$`)
)

// parseTable finds the table of an agent among others. It is the inverse of markdown.
func parseTable(report string, a *Agent) table {
	t := table{rows: map[string]row{}}
	_, text, _ := strings.Cut(report, a.heading())
	text, _, _ = strings.Cut(text, "\n### ")
	t.version, text, _ = strings.Cut(text, ")\n")
	remarks := remarkLine.FindAllStringSubmatch(text, -1)
	for _, line := range rowLine.FindAllStringSubmatch(text, -1) {
		var cells row
		for part := range strings.SplitSeq(line[2], "|") {
			found := cellText.FindStringSubmatch(part)
			if found == nil {
				break
			}
			c := shown{text: found[1]}
			for number := range strings.SplitSeq(found[2], ", ") {
				if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(remarks) {
					c.remarks = append(c.remarks, remarks[n-1][1])
				}
			}
			cells = append(cells, c)
		}
		if len(cells) == len(Ways) {
			t.rows[line[1]] = cells
		}
	}
	return t
}
