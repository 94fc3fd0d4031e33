package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progressBar draws how far something is, on a terminal only, and removes it
// when it is done. It may be used by several goroutines.
type progressBar struct {
	w     io.Writer // nil: nobody looks
	label string

	mu    sync.Mutex
	drawn time.Time
}

const (
	barWidth = 30
	// barEvery is how often the bar is drawn, and how long nothing is: what is
	// done by then needs no bar.
	barEvery = 200 * time.Millisecond
)

func newProgressBar(w io.Writer, label string) *progressBar {
	if !isTerminal(w) {
		w = nil
	}
	return &progressBar{w: w, label: label, drawn: time.Now()}
}

// show draws the bar, if it is time to.
func (p *progressBar) show(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || total <= 0 || time.Since(p.drawn) < barEvery {
		return
	}
	p.drawn = time.Now()
	fmt.Fprint(p.w, "\r", bar(p.label, done, total))
}

// end removes the bar. Whatever is printed next starts a line.
func (p *progressBar) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func bar(label string, done, total int64) string {
	part := min(max(float64(done)/float64(total), 0), 1)
	full := int(part * barWidth)
	return fmt.Sprintf("%s [%s%s] %3.0f %%", label, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), part*100)
}
