package dbfile

// progress counts work, and calls a function from time to time.
type progress struct {
	tell        func(done, total int64)
	done, total int64
	told        int64
}

func progressTo(tell func(done, total int64), total int64) *progress {
	if tell == nil {
		tell = func(int64, int64) {}
	}
	return &progress{tell: tell, total: max(total, 1)}
}

func (p *progress) add(n int64) {
	p.done = min(p.done+n, p.total)
	if p.done-p.told > p.total/1000 || p.done == p.total && p.told != p.done {
		p.told = p.done
		p.tell(p.done, p.total)
	}
}

func (p *progress) addBytes(n int) { p.add(int64(n)) }

// half says that the first half of the work is done.
func (p *progress) half() { p.add(p.total/2 - p.done) }

// stepScale is the resolution of one step.
const stepScale = 1 << 20

// steps is the progress of work in several steps that each count from 0.
type steps struct {
	whole   *progress
	weights []int64
}

func newSteps(tell func(done, total int64), weights ...int64) *steps {
	sum := int64(0)
	for _, w := range weights {
		sum += w
	}
	return &steps{whole: progressTo(tell, sum*stepScale), weights: weights}
}

// tell returns the progress function of one step.
func (s *steps) tell(step int) func(done, total int64) {
	before := int64(0)
	for _, w := range s.weights[:step] {
		before += w
	}
	return func(done, total int64) {
		at := before*stepScale + int64(float64(s.weights[step]*stepScale)*float64(done)/float64(total))
		s.whole.add(at - s.whole.done)
	}
}
