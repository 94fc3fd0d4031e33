package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Summary returns one table with the rows of all results, and below it the
// reasons for the rows that are not reached.
func Summary(results []*Result) (string, error) {
	var table, reasons strings.Builder
	table.WriteString("| work | measured | lowest – highest | wanted | |\n|---|---:|---|---|---|\n")
	for _, result := range results {
		for i := range result.Experiment.Rows {
			row := &result.Experiment.Rows[i]
			ratios, err := result.ratios(row)
			if missing, ok := errors.AsType[NotMeasured](err); ok {
				fmt.Fprintf(&table, "| %s | – | – | %s | %s |\n", row.Name, row.Wanted, missing.Error())
				continue
			}
			if err != nil {
				return "", fmt.Errorf("%s: %w", result.Experiment.Title, err)
			}
			median := Median(ratios)
			verdict := "reached"
			switch {
			case row.Wanted == Wanted{}:
				verdict = ""
			case !row.Wanted.Reached(median):
				verdict = "not reached"
				reason := row.Reason
				if reason == "" {
					reason = "no reason is known yet."
				}
				fmt.Fprintf(&reasons, "- **%s**: %s\n", row.Name, reason)
			}
			unit, wanted := "", row.Wanted.String()
			if row.Rival == (Figure{}) && row.Unit != "" {
				unit = " " + row.Unit
			}
			if row.Wanted != (Wanted{}) {
				wanted += unit
			}
			fmt.Fprintf(&table, "| %s | **%s**%s | %s – %s | %s | %s |\n", row.Name, number(median), unit,
				number(slices.Min(ratios)), number(slices.Max(ratios)), wanted, verdict)
		}
	}
	if reasons.Len() > 0 {
		table.WriteString("\nNot reached, and why:\n\n" + reasons.String())
	}
	return table.String(), nil
}

// Tables returns the section of one experiment: the medians of all figures of
// all contenders. Figures that only some contenders have are left empty for the others.
func (r *Result) Tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", r.Experiment.Title)
	if r.Experiment.Note != "" {
		b.WriteString(r.Experiment.Note + "\n\n")
	}
	metrics := r.metrics()
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(metrics, " | "), strings.Repeat("---:|", len(metrics)))
	for _, c := range r.Experiment.Contenders {
		fmt.Fprintf(&b, "| %s |", c.Name)
		if r.missing[c.Name] != "" {
			b.WriteString(strings.Repeat(" – |", len(metrics)) + "\n")
			continue
		}
		for _, m := range metrics {
			if values := r.Values(Figure{c.Name, m}); len(values) > 0 {
				fmt.Fprintf(&b, " %s |", number(Median(values)))
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// metrics returns the names of all figures, in the order of the contenders and
// then of the alphabet.
func (r *Result) metrics() []string {
	var names []string
	for _, c := range r.Experiment.Contenders {
		var new []string
		for _, figures := range r.rounds[c.Name] {
			for name := range figures {
				if !slices.Contains(names, name) && !slices.Contains(new, name) {
					new = append(new, name)
				}
			}
		}
		slices.Sort(new)
		names = append(names, new...)
	}
	return names
}

// number shows three significant digits, and whole numbers from 100 on.
func number(v float64) string {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
