package find

import (
	"errors"
	"regexp"
	"strconv"
	"time"
)

var (
	errTime = errors.New("must be a day (2026-11-22), a time (2026-11-22T10:00:00Z) or how long ago it is (30m, 12h, 7d, 4w)")
	ago     = regexp.MustCompile(`^([0-9]{1,6})([mhdw])$`)
	units   = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// parseTime reads a day, which begins at midnight UTC, a time, or how long ago it is.
func parseTime(text string, now time.Time) (time.Time, error) {
	if parts := ago.FindStringSubmatch(text); parts != nil {
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return time.Time{}, errTime
		}
		if d := time.Duration(n) * units[parts[2]]; d/units[parts[2]] == time.Duration(n) {
			return now.Add(-d), nil
		}
		return time.Time{}, errTime
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errTime
}
