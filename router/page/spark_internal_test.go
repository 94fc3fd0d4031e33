package page

import (
	"strings"
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
	even := NewSpark(at(0, 20, 40, 60, 80, 100), 1000)
	for i, h := range even.Heights {
		if h != sparkHeight {
			t.Errorf("of an even run, part %d has height %d", i, h)
		}
	}
	if path, bar := even.Path(), "M3 14v-14h2v14z"; !strings.HasPrefix(path, "M0 14v-14h2v14z"+bar) {
		t.Errorf("it is drawn as %s", path)
	}
	burst := NewSpark(at(0, 96, 97, 98, 99, 100), 1000).Heights
	if burst[sparkParts-1] != sparkHeight || burst[0] != 1 {
		t.Errorf("of a run with a burst at its end, the heights are %v", burst)
	}
	if NewSpark(at(1, 1, 1, 1), 4) != nil || NewSpark(at(1, 2, 3), 3) != nil {
		t.Error("something is drawn of nothing")
	}
}
