package eventlog

import (
	"jrweb/eventlog/internal/record"
	"jrweb/eventlog/store"
)

// pins knows which tasks are pinned, as one transaction sees them. It reads each task once.
type pins struct {
	store.Reader
	known map[string]bool
}

func newPins(r store.Reader) *pins { return &pins{r, map[string]bool{}} }

// has reports whether a task is pinned. One that cannot be read is not: what reads it next
// says why.
func (p *pins) has(task string) bool {
	pinned, known := p.known[task]
	if !known {
		t, err := record.StoredTask(p.Reader, task)
		pinned = err == nil && t.Pinned
		p.known[task] = pinned
	}
	return pinned
}
