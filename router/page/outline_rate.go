package page

import "time"

const (
	// rateOver is the time over which the cost of a minute is taken.
	rateOver = 5 * time.Minute
	// rateStep is the time between two points that are kept.
	rateStep = 10 * time.Second
)

// rate follows how fast a run spends. Its time is that of the events: what is recorded long
// after it happened shows the rate that it had.
type rate struct {
	newest time.Time
	// points are the cost so far, at the first event and whenever it grew. The first point
	// is the only one that may be older than rateOver.
	points []ratePoint
}

type ratePoint struct {
	at  time.Time
	usd float64
}

// see takes the time of an event, and what the run has cost with it.
func (r *rate) see(at time.Time, usd float64) {
	if len(r.points) == 0 {
		r.newest, r.points = at, []ratePoint{{at: at}}
	}
	if at.After(r.newest) { // events of subagents may come out of order
		r.newest = at
	}
	last := &r.points[len(r.points)-1]
	switch {
	case usd == last.usd:
	case len(r.points) > 1 && r.newest.Sub(last.at) < rateStep:
		last.usd = usd
	default:
		r.points = append(r.points, ratePoint{r.newest, usd})
	}
	for len(r.points) > 1 && r.newest.Sub(r.points[1].at) >= rateOver {
		r.points = r.points[1:]
	}
}

// perMinute is the cost of a minute, over rateOver, or over the whole run if that is
// shorter. An agent that tells its cost only now and then has spent it evenly since it told
// before.
func (r *rate) perMinute() float64 {
	if len(r.points) < 2 {
		return 0
	}
	first, next, last := r.points[0], r.points[1], r.points[len(r.points)-1]
	if start := r.newest.Add(-rateOver); start.After(first.at) {
		first.usd += (next.usd - first.usd) * float64(start.Sub(first.at)) / float64(next.at.Sub(first.at))
		first.at = start
	}
	return (last.usd - first.usd) / max(r.newest.Sub(first.at), time.Minute).Minutes()
}
