package transcript

import (
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// claudeQueue follows what a person types while the agent works. Claude Code keeps it
// in lines of its own: put in, taken out to run or to be given to the agent at once,
// or taken back. The words may stand again where they run, or nowhere else.
type claudeQueue struct {
	waiting []queued
	told    []string // words that stood in the queue, and may come again
	running int      // how many were taken out to run, and have not come
}

type queued struct {
	text string
	at   time.Time
}

// mostQueued bounds what is remembered of the queue.
const mostQueued = 1000

// operation converts a line of the queue.
func (q *claudeQueue) operation(o object, out *output) {
	text, _ := contentText(o.value("content"))
	switch o.text("operation") {
	case "enqueue":
		if strings.TrimSpace(text) != "" && len(q.waiting) < mostQueued {
			q.waiting = append(q.waiting, queued{text, out.at})
		}
	case "dequeue", "remove":
		q.running++
	case "popAll":
		// They go back to where the person types, and come again if they are sent.
		q.waiting, q.running = nil, 0
		if slices.Contains(q.told, sameWords(text)) {
			out.status("A person takes back what was waiting")
		}
	}
}

// tell tells what waits: something else happens before it runs.
func (q *claudeQueue) tell(m *claudeMessages, out *output) {
	waiting, now, parent := q.waiting, out.at, out.parent
	q.waiting, q.running = nil, 0
	out.parent = ""
	for _, w := range waiting {
		out.at = w.at
		for _, p := range markup(w.text) {
			switch p.tag {
			case "", "pasted_content":
				out.user(eventlog.Human, p.text, nil)
				q.remember(p.text)
			default:
				m.piece(claudeSaid{eventlog.Human, w.at}, p, nil, out)
			}
		}
	}
	out.at, out.parent = now, parent
}

func (q *claudeQueue) remember(text string) {
	if len(q.told) == mostQueued {
		q.told = q.told[1:]
	}
	q.told = append(q.told, sameWords(text))
}

// said reports whether words have been told as the queue's. Those that still wait are told by
// the caller.
func (q *claudeQueue) said(text string) bool {
	words := sameWords(text)
	for i, w := range q.waiting {
		if same := sameWords(w.text); same == words || same == "!"+words {
			q.waiting = slices.Delete(q.waiting, i, i+1)
			q.running = max(0, q.running-1)
			return false
		}
	}
	if i := slices.Index(q.told, words); i >= 0 {
		q.told = slices.Delete(q.told, i, i+1)
		return true
	}
	// Several that waited run as one prompt.
	rest, used := words, 0
	told := slices.Clone(q.told)
	for rest != "" {
		i := slices.IndexFunc(told, func(w string) bool { return w != "" && strings.HasPrefix(rest, w) })
		if i < 0 {
			return false
		}
		rest = strings.TrimSpace(strings.TrimPrefix(rest, told[i]))
		told = slices.Delete(told, i, i+1)
		used++
	}
	if used > 0 {
		q.told = told
	}
	return used > 0
}

// ran says that a prompt runs: what was taken out of the queue for it has come, even if
// in other words.
func (q *claudeQueue) ran() {
	n := min(q.running, len(q.waiting))
	q.waiting, q.running = slices.Delete(q.waiting, 0, n), 0
}

// sameWords returns what makes two texts the same, whatever spaces stand between.
func sameWords(text string) string { return strings.Join(strings.Fields(text), " ") }
