//go:build agents

package agents_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// busy measures how long the threads of pages work without a pause. What the machine does
// besides does not count: it is the time of the processor, not of the clock.
type busy struct {
	mu    sync.Mutex
	long  []task
	pages map[thread]bool
	ended chan struct{}
}

type thread struct{ process, thread int }

type task struct {
	thread
	clock, processor time.Duration
}

// measureBusy measures from now on.
func measureBusy(t *testing.T, ctx context.Context) *busy {
	t.Helper()
	b := &busy{pages: map[thread]bool{}, ended: make(chan struct{})}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			for _, value := range e.Value {
				b.note(t, value)
			}
		case *tracing.EventTracingComplete:
			close(b.ended)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(ctx, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{
		RecordMode: tracing.TraceConfigRecordModeRecordAsMuchAsPossible, IncludedCategories: []string{"toplevel"}, ExcludedCategories: []string{"*"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *busy) note(t *testing.T, value []byte) {
	var e struct {
		Phase string  `json:"ph"`
		Name  string  `json:"name"`
		PID   int     `json:"pid"`
		TID   int     `json:"tid"`
		Clock float64 `json:"dur"`  // µs
		CPU   float64 `json:"tdur"` // µs
		Args  struct{ Name any }
	}
	if err := json.Unmarshal(value, &e); err != nil {
		t.Errorf("%s: %v", value, err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := thread{e.PID, e.TID}
	switch {
	case e.Name == "thread_name" && e.Args.Name == "CrRendererMain":
		b.pages[at] = true
	case e.Phase == "X" && e.Clock >= 50_000:
		b.long = append(b.long, task{at, time.Duration(e.Clock) * time.Microsecond, time.Duration(e.CPU) * time.Microsecond})
	}
}

// end returns the tasks of pages that took 50 ms or more by the clock, the busiest first.
func (b *busy) end(t *testing.T, ctx context.Context) []task {
	t.Helper()
	if _, err := chromedp.Call(ctx, tracing.End, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.ended:
	case <-time.After(10 * time.Minute): // a long trace takes long where much else runs
		t.Fatal("the trace does not end")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	long := slices.DeleteFunc(b.long, func(one task) bool { return !b.pages[one.thread] })
	slices.SortFunc(long, func(a, b task) int { return int(b.processor - a.processor) })
	return long
}
