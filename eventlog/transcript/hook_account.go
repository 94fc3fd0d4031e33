package transcript

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"jrweb/eventlog"
)

// HookAccount is what hooks have told of a session, so that it is not told again by the
// transcript of the session. The same thing looks different in both: a result is what the
// tool returns, or what the agent was shown of that. So calls are compared by their ids, and
// words by their text, of about the same time. The zero value is empty.
type HookAccount struct {
	told map[[sha256.Size]byte][]time.Time
}

// sameTime is how far apart the same words may be in both: clocks differ, and a message may
// wait for the agent.
const sameTime = time.Hour

// Add adds an event that a hook told.
func (a *HookAccount) Add(e *eventlog.Event) {
	if key, tells, _ := sameTold(e); tells {
		if a.told == nil {
			a.told = map[[sha256.Size]byte][]time.Time{}
		}
		a.told[key] = append(a.told[key], e.Time)
	}
}

// Take reports whether the account has an event of the transcript once more, which it has
// not any more then.
func (a *HookAccount) Take(e *eventlog.Event) bool {
	key, tells, words := sameTold(e)
	if !tells {
		return false
	}
	i := slices.IndexFunc(a.told[key], func(at time.Time) bool {
		return !words || e.Time.IsZero() || at.IsZero() || e.Time.Sub(at).Abs() <= sameTime
	})
	if i < 0 {
		return false
	}
	a.told[key] = slices.Delete(a.told[key], i, i+1)
	return true
}

// Join adds all that another account has.
func (a *HookAccount) Join(other *HookAccount) {
	if a.told == nil {
		a.told = map[[sha256.Size]byte][]time.Time{}
	}
	for key, times := range other.told {
		a.told[key] = append(a.told[key], times...)
	}
}

// sameTold is the same for an event of a hook and that of the transcript. It tells nothing
// of what hooks do not tell.
func sameTold(e *eventlog.Event) (key [sha256.Size]byte, tells, words bool) {
	o := parseObject(e.Data)
	name := ""
	switch e.Type {
	case eventlog.TypeToolCall, eventlog.TypeToolResult:
		name = o.text("call_id")
	case eventlog.TypeQuestion:
		if id := o.text("call_id"); id != "" {
			name = id + "\x00" + o.text("content")
		}
	case eventlog.TypeUser, eventlog.TypeAssistant, eventlog.TypeError:
		name, words = strings.TrimSpace(o.text("content", "message")), true
	}
	return sha256.Sum256([]byte(e.Type + "\x00" + name)), name != "", words
}
