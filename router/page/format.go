package page

import (
	"fmt"
	"html/template"
	"strconv"
	"time"

	"jrweb/eventlog"
	"jrweb/router/price"
)

// formats are the functions of the templates. assets/format.js does the same for
// what arrives later, so that a number does not change its looks when it is updated.
var formats = template.FuncMap{
	"cost":       func(t eventlog.Totals) string { return price.Text(&t) },
	"tokens":     tokens,
	"tokenKinds": func(t eventlog.Totals) string { return tokenKinds(&t) },
	"moment":     moment,
	"machine":    machine,
	"duration":   duration,
	"fact":       func(id, name, value string) fact { return fact{ID: id, Name: name, Value: value} },
	"raws":       raws,
	"files":      filesChanged,
	"plural":     pluralOf,
	"styles":     func() []string { return styleSheets },
	"modules":    func(script string) []string { return modules[script] },
	"site":       newSite,
	"day":        func(t time.Time) string { return t.Format(time.DateOnly) },
	"tokenCount": func(n uint64) string { return count(float64(n)) },
	"usageName":  usageName,
}

// count is a large number in short.
func count(n float64) string {
	switch {
	case n >= 999_500_000:
		return fmt.Sprintf("%.2fG", n/1e9)
	case n >= 999_500:
		return fmt.Sprintf("%.2fM", n/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.1fk", n/1e3)
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}

// moment is a time for people whose browser runs no script; the script puts the
// reader's own time zone in its place.
func moment(t eventlog.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// machine is a time for the datetime attribute.
func machine(t eventlog.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(eventlog.TimeFormat)
}

// duration is the time from start to end, or "–" when one of them is not known.
func duration(start, end eventlog.Time) string {
	if start.IsZero() || end.IsZero() {
		return "–"
	}
	return wholeSeconds(int(max(end.Sub(start.Time), 0) / time.Second))
}

func wholeSeconds(s int) string {
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d days", s/86400)
}

// clock is a time of day for people whose browser runs no script.
func clock(t eventlog.Time) string { return t.UTC().Format("15:04:05") }

// took is how long a tool ran: short times matter, too.
func took(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return wholeSeconds(int(d / time.Second))
}

// byteSize is the size of a text.
func byteSize(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// pluralOf is plural of a number of any kind.
func pluralOf(n any, noun string) string {
	text := fmt.Sprint(n)
	if text == "1" {
		return "1 " + noun
	}
	return text + " " + noun + "s"
}

// raws says how much was not understood.
func raws(r Raws) string {
	text := plural(r.Count, "line") + " not understood"
	if r.More {
		return "At least " + text
	}
	return text
}
