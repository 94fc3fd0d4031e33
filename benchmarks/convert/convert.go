package main

import (
	"runtime"
	"syscall"
	"time"

	"jrweb/eventlog/transcript"
)

// result is what was measured of one format.
type result struct {
	bytes, events int
	took          time.Duration // of the processor, so that a busy machine makes no difference
	peak          uint64        // of the heap, above what was there before
}

func (r result) megabytesPerSecond() float64 { return float64(r.bytes) / 1e6 / r.took.Seconds() }
func (r result) eventsPerSecond() float64    { return float64(r.events) / r.took.Seconds() }

// convert converts at least n bytes. Only the conversion is timed.
func convert(format transcript.Format, in *input, n int) (result, error) {
	c, err := transcript.New(format, nil)
	if err != nil {
		return result{}, err
	}
	var r result
	lines := transcript.NewSplitter(0)
	take := func(l transcript.Line) { r.events += len(c.Line(l)) }
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapInuse
	for sampled := 0; r.bytes < n; {
		part := in.next()
		start := processorTime()
		lines.Split(part, take)
		r.took += processorTime() - start
		if r.bytes += len(part); r.bytes-sampled > 5_000_000 {
			sampled = r.bytes
			runtime.ReadMemStats(&m)
			r.peak = max(r.peak, m.HeapInuse-min(before, m.HeapInuse))
		}
	}
	start := processorTime()
	lines.Rest(take)
	r.events += len(c.End())
	r.took += processorTime() - start
	return r, nil
}

// processorTime returns what this process has used, its garbage collector included.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it is always there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
