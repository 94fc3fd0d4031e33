package page

import "fmt"

// loops finds calls that are made again and again.
type loops struct {
	current, worst loop
}

// loop is a row of calls that are the same.
type loop struct {
	what          uint64
	tool          string
	first         uint64
	times, failed int
	before, after float64 // what the run had cost when it began, and when its last call had
}

// loopsFrom is how often a call is made in a row until it is called a loop.
const loopsFrom = 3

func (l *loops) call(c *outlineCall, usd float64) {
	if l.current.times == 0 || l.current.what != c.what {
		if l.worst.first == l.current.first {
			l.worst.after = usd // what its last call cost was said after that
		}
		l.current = loop{what: c.what, tool: c.tool, first: c.sequence, before: usd}
	}
	l.current.times++
	l.current.after = usd
	if l.current.times >= l.worst.times {
		l.worst = l.current
	}
}

func (l *loops) result(c *outlineCall, failed bool) {
	if failed && c.what == l.current.what {
		l.current.failed++
		if l.worst.first == l.current.first {
			l.worst = l.current
		}
	}
}

// say names the loop that the agent is in, or when it has ended the longest one that
// it was in.
func (l *loops) say(spent *spending, goesOn bool) (text string, at uint64) {
	it := l.worst
	if goesOn {
		it = l.current
		it.after = spent.usd
	} else if it.first == l.current.first {
		it.after = spent.usd
	}
	if it.times < loopsFrom {
		return "", 0
	}
	did := "was made"
	if it.failed > 0 && it.failed >= it.times-1 { // the last one may still run
		did, it.times = "failed", it.failed
	}
	if it.times < loopsFrom {
		return "", 0
	}
	text = fmt.Sprintf("The same call of %s %s %d ×", toolName(it.tool), did, it.times)
	if usd := it.after - it.before; usd > 0 {
		text += ", " + dollars(usd, spent.estimated)
	}
	return text, it.first
}
