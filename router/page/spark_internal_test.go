package page

import (
	"testing"
	"time"
)

func TestASparkIsHighWhereMuchHappened(t *testing.T) {
	at := func(minutes ...int) (times []time.Time) {
		for _, n := range minutes {
			times = append(times, time.Unix(int64(n)*60, 0))
		}
		return times
	}
	heights := func(s *spark) (h [sparkParts]int) {
		for i, bar := range s.Bars {
			h[i] = bar.Height
			if bar.Y+bar.Height != sparkHeight {
				t.Errorf("bar %d does not stand on the ground", i)
			}
		}
		return h
	}
	even := heights(newSpark(at(0, 20, 40, 60, 80, 100), 1000))
	for i, h := range even {
		if h != sparkHeight {
			t.Errorf("of an even run, part %d has height %d", i, h)
		}
	}
	burst := heights(newSpark(at(0, 96, 97, 98, 99, 100), 1000))
	if burst[sparkParts-1] != sparkHeight || burst[0] != 1 {
		t.Errorf("of a run with a burst at its end, the heights are %v", burst)
	}
	if newSpark(at(1, 1, 1, 1), 4) != nil || newSpark(at(1, 2, 3), 3) != nil {
		t.Error("something is drawn of nothing")
	}
}
