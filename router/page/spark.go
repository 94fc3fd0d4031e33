package page

import (
	"fmt"
	"slices"
	"time"
)

// spark is how much happened in each of some equal parts of a run's time, as a small
// picture.
type spark struct {
	Bars []sparkBar
	What string // in words
}

type sparkBar struct{ X, Y, Height int }

// The measures of the picture, in its own units.
const (
	sparkParts  = 20
	sparkWidth  = 3 // of a part
	sparkHeight = 14
)

// newSpark draws the pulse of a session with that many events, nil if there is too little to
// draw. Between two times of a pulse lie equally many events.
func newSpark(pulse []time.Time, events uint64) *spark {
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
	s := &spark{What: fmt.Sprintf("%s in %s", plural(int(events), "event"), took(span))}
	for n, much := range parts {
		height := int(much/most*sparkHeight + 0.5)
		if much > 0 {
			height = max(height, 1)
		}
		s.Bars = append(s.Bars, sparkBar{n * sparkWidth, sparkHeight - height, height})
	}
	return s
}
