package page

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// UsagePage is what the page of what was spent shows.
type UsagePage struct {
	Since, Until time.Time // days, both included
	// By are the dimensions of the rows, and Only what was chosen of some.
	By   []string
	Only map[string]string
	Rows []UsageRow // the oldest first
	// Total is what the rows come to, and PricesOf the day of the prices that estimates use.
	Total    eventlog.Totals
	PricesOf string
	// Person is who looks, if there is a page where people sign in and out.
	Person string
	// Warning stands at the top, "" for none.
	Warning string
}

// UsageRow is what was spent under these names, which are in the order of the dimensions.
type UsageRow struct {
	Names  []string
	Totals eventlog.Totals
}

// Usage writes the page of what was spent.
func Usage(w io.Writer, p UsagePage) error {
	if err := templates.ExecuteTemplate(w, "usage.html", newUsageView(p)); err != nil {
		return fmt.Errorf("page: usage: %w", err)
	}
	return nil
}

// mostUsageRows is how many rows the table of a page has. The other forms have all.
const mostUsageRows = 500

// usageView is a UsagePage with what its template would otherwise have to look up.
type usageView struct {
	UsagePage
	Ranges, Dimensions []usageLink
	Chosen             []usageLink // leads to the page without that choice
	CSV                template.URL
	Chart              *usageChart
	Table              []UsageRow // the newest first
	Left               int        // rows that the table does without
}

// usageLink leads to another view of the same.
type usageLink struct {
	Name    string
	Address template.URL
	Current bool
}

func newUsageView(p UsagePage) usageView {
	v := usageView{UsagePage: p, CSV: p.link("", nil, "", "csv")}
	days := int(p.Until.Sub(p.Since).Hours()/24) + 1
	for _, r := range []struct {
		name string
		days int
	}{{"7 days", 7}, {"30 days", 30}, {"90 days", 90}, {"A year", 365}} {
		v.Ranges = append(v.Ranges, usageLink{r.name, p.link(fmt.Sprintf("%dd", r.days), nil, "", ""), days == r.days})
	}
	times, by := p.times(), p.stack()
	for _, name := range []string{"agent", "model", "project", "person", "machine"} {
		v.Dimensions = append(v.Dimensions, usageLink{name, p.link("", []string{cmp.Or(times, "day"), name}, "", ""), name == by})
		if value := p.Only[name]; value != "" {
			v.Chosen = append(v.Chosen, usageLink{name + " " + value, p.link("", nil, name, ""), true})
		}
	}
	v.Chart = newUsageChart(&p)
	v.Table = slices.Clone(p.Rows)
	if times != "" {
		at := slices.Index(p.By, times)
		slices.SortStableFunc(v.Table, func(a, b UsageRow) int { return strings.Compare(b.Names[at], a.Names[at]) })
	}
	if v.Left = len(v.Table) - mostUsageRows; v.Left > 0 {
		v.Table = v.Table[:mostUsageRows]
	}
	return v
}

// times is the dimension of time, and stack the first of names, or empty.
func (p *UsagePage) times() string { return p.first("day", "week") }
func (p *UsagePage) stack() string {
	return p.first("agent", "model", "project", "person", "machine")
}

func (p *UsagePage) first(of ...string) string {
	for _, name := range p.By {
		if slices.Contains(of, name) {
			return name
		}
	}
	return ""
}

// link leads to the page with another range, other dimensions, without a choice, or to
// another form of the same.
func (p *UsagePage) link(since string, by []string, without, format string) template.URL {
	q := url.Values{"by": {strings.Join(p.By, ",")}, "since": {p.Since.Format(time.DateOnly)}, "until": {p.Until.Format(time.DateOnly)}}
	if since != "" {
		q.Set("since", since)
		q.Del("until")
	}
	if by != nil {
		q.Set("by", strings.Join(by, ","))
	}
	for name, value := range p.Only {
		if name != without {
			q.Set(name, value)
		}
	}
	if format != "" {
		q.Set("format", format)
	}
	return template.URL("?" + q.Encode())
}

// Note says where the money that is shown comes from.
func (v usageView) Note() string { return costNote(v.Total, v.PricesOf) }

// Heads are the heads of the columns of names.
func (v usageView) Heads() (heads []string) {
	for _, name := range v.By {
		heads = append(heads, strings.ToUpper(name[:1])+name[1:])
	}
	return heads
}

// usageName is a name for people.
func usageName(name string) string { return cmp.Or(name, "not named") }
