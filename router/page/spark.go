package page

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Spark is how much happened in each of some equal parts of a run's time, as a small
// picture: a bar each.
type Spark struct {
	What    string `json:"what"` // in words
	Heights []int  `json:"heights"`
}

// SparkPulse is how many events of a run are looked at for its picture, see
// [eventlog.Session.Pulse].
const SparkPulse = 16

// The measures of the picture, in its own units.
const (
	sparkParts  = 20
	sparkWidth  = 3 // of a part
	sparkHeight = 14
)

// NewSpark draws the pulse of a session with that many events, nil if there is too little to
// draw. Between two times of a pulse lie equally many events.
func NewSpark(pulse []time.Time, events uint64) *Spark {
	if len(pulse) < 4 {
		return nil
	}
	times := slices.SortedFunc(slices.Values(pulse), time.Time.Compare) // clients name them
	first, span := times[0], times[len(times)-1].Sub(times[0])
	if span <= 0 {
		return nil
	}
	part := func(at time.Time) float64 { return float64(at.Sub(first)) / float64(span) * sparkParts }
	var parts [sparkParts]float64
	for i := range len(times) - 1 {
		from, to := part(times[i]), part(times[i+1])
		for n := min(int(from), sparkParts-1); n < sparkParts && float64(n) <= to; n++ {
			share := 1.0 // all of it at one moment
			if to > from {
				share = (min(to, float64(n+1)) - max(from, float64(n))) / (to - from)
			}
			parts[n] += max(share, 0)
			if to == from {
				break
			}
		}
	}
	most := slices.Max(parts[:])
	s := &Spark{What: fmt.Sprintf("%s in %s", plural(int(events), "event"), took(span))}
	for _, much := range parts {
		height := int(much/most*sparkHeight + 0.5)
		if much > 0 {
			height = max(height, 1)
		}
		s.Heights = append(s.Heights, height)
	}
	return s
}

// Path is the picture, for an SVG of 60 × 14 (see drawSpark of listrow.js).
func (s *Spark) Path() string {
	var path strings.Builder
	for n, height := range s.Heights {
		fmt.Fprintf(&path, "M%d %dv-%dh%dv%dz", n*sparkWidth, sparkHeight, height, sparkWidth-1, height)
	}
	return path.String()
}
