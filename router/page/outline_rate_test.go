package page_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// costAt is an event at a second of a run, and the cost that it says, 0 for none.
type costAt struct {
	second int
	usd    float64
}

func TestTheCostOfAMinuteIsThatOfTheLastMinutes(t *testing.T) {
	busy := func(seconds int, usd float64) (all []costAt) { // a cost each second
		for second := range seconds {
			all = append(all, costAt{second, usd})
		}
		return all
	}
	for _, c := range []struct {
		name   string
		events []costAt
		want   float64
	}{
		{"nothing has happened", nil, 0},
		{"a run that costs nothing", []costAt{{0, 0}, {600, 0}}, 0},
		{"the first minute counts as a whole one", []costAt{{0, 0.5}, {20, 0.5}}, 1},
		{"a young run counts from its start", []costAt{{0, 0}, {60, 1}, {120, 1}}, 1},
		{"what was before the last five minutes does not count", []costAt{{0, 0}, {60, 100}, {3600, 0}, {3700, 1}, {3900, 4}}, 0.8},
		{"an agent that tells its cost once in twenty minutes", []costAt{{0, 0}, {600, 0}, {1200, 40}}, 2},
		{"a busy run", busy(7200, 0.01), 0.6},
		{"times that go back", []costAt{{120, 1}, {0, 1}, {120, 0}}, 2},
	} {
		o := page.NewOutline(nil)
		for i, one := range c.events {
			kind, data := "cost", fmt.Sprintf(`{"usd":%g}`, one.usd)
			if one.usd == 0 {
				kind, data = "assistant", `{"content":"so"}`
			}
			e := event(uint64(i+1), kind, eventlog.Agent, data)
			e.Time = time.Unix(1_800_000_000, 0).Add(time.Duration(one.second) * time.Second)
			o.Add(&e)
		}
		if got := o.Now().PerMinute; math.Abs(got-c.want) > 0.04*c.want {
			t.Errorf("%s: a minute costs %g, want %g", c.name, got, c.want)
		}
	}
}
