package router

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jrweb/eventlog"
)

// usageQuery is what a client asks about what was spent.
type usageQuery struct {
	since, until time.Time         // days, both included
	by           []string          // of usageDimensions, each once
	only         map[string]string // names by their dimension; no other rows count
}

// usageNames are the dimensions that are names. The others are times.
var usageNames = []string{"agent", "model", "project", "person", "machine"}

var usageDimensions = append([]string{"day", "week"}, usageNames...)

const (
	defaultUsageDays = 30
	mostUsageDays    = 10 * 366
)

// readUsageQuery reads the query. by is used if the client names no dimensions.
func readUsageQuery(q queryValues, now time.Time, by ...string) (u usageQuery, err error) {
	today := now.UTC().Truncate(24 * time.Hour)
	u = usageQuery{until: today, by: by, only: map[string]string{}}
	if text := q["until"]; text != "" {
		if u.until, err = time.Parse(time.DateOnly, text); err != nil {
			return u, badQuery("until", "must be a day, such as 2026-11-30")
		}
	}
	u.since = u.until.AddDate(0, 0, 1-defaultUsageDays)
	if text := q["since"]; text != "" {
		if u.since, err = readSince(text, today); err != nil {
			return u, err
		}
	}
	if days := u.until.Sub(u.since).Hours() / 24; days < 0 || days >= mostUsageDays {
		return u, badQuery("since", fmt.Sprintf("must be before until, and at most %d days", mostUsageDays))
	}
	if text := q["by"]; text != "" {
		u.by = strings.Split(text, ",")
		for i, name := range u.by {
			if !slices.Contains(usageDimensions, name) || slices.Contains(u.by[:i], name) {
				return u, badQuery("by", fmt.Sprintf("must be some of %s, each once", strings.Join(usageDimensions, ",")))
			}
		}
	}
	for _, name := range usageNames {
		if len(q[name]) > maxFilter {
			return u, badQuery(name, fmt.Sprintf("must be at most %d bytes", maxFilter))
		}
		if q[name] != "" {
			u.only[name] = q[name]
		}
	}
	return u, nil
}

// readSince reads a day, or a number of days up to today, such as 7d.
func readSince(text string, today time.Time) (time.Time, error) {
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return time.Time{}, badQuery("since", "must be a day, or a number of days such as 7d")
		}
		return today.AddDate(0, 0, 1-int(n)), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, badQuery("since", "must be a day, or a number of days such as 7d")
	}
	return day, nil
}

// usageValue returns the value of a row in a dimension.
func usageValue(row *eventlog.UsageRow, dimension string) string {
	switch dimension {
	case "day":
		return row.Day.Format(time.DateOnly)
	case "week": // its Monday
		return row.Day.AddDate(0, 0, -(int(row.Day.Weekday())+6)%7).Format(time.DateOnly)
	case "agent":
		return row.Agent
	case "model":
		return row.Model
	case "project":
		return row.Project
	case "person":
		return row.Person
	}
	return row.Machine
}

func (u *usageQuery) wants(row *eventlog.UsageRow) bool {
	for name, value := range u.only {
		if usageValue(row, name) != value {
			return false
		}
	}
	return true
}
