package transcript

import (
	"strings"

	"jrweb/eventlog"
)

// HookAccount is what hooks have told of a session, so that it is not told again by the
// transcript of the session. The same thing looks different in both: a result is what the
// tool returns, or what the agent was shown of that. So calls are compared by their ids, and
// words by their text. The zero value is empty.
type HookAccount struct{ told map[string]int }

// Add adds an event that a hook told.
func (a *HookAccount) Add(e *eventlog.Event) {
	if key := sameTold(e); key != "" {
		if a.told == nil {
			a.told = map[string]int{}
		}
		a.told[key]++
	}
}

// Take reports whether the account has an event of the transcript once more, which it has
// not any more then.
func (a *HookAccount) Take(e *eventlog.Event) bool {
	key := sameTold(e)
	if key == "" || a.told[key] == 0 {
		return false
	}
	a.told[key]--
	return true
}

// sameTold is the same for an event of a hook and that of the transcript. It is empty for
// what hooks do not tell.
func sameTold(e *eventlog.Event) string {
	o := parseObject(e.Data)
	switch e.Type {
	case eventlog.TypeToolCall, eventlog.TypeToolResult:
		if id := o.text("call_id"); id != "" {
			return e.Type + "\x00" + id
		}
	case eventlog.TypeQuestion:
		if id := o.text("call_id"); id != "" {
			return e.Type + "\x00" + id + "\x00" + o.text("content")
		}
	case eventlog.TypeUser, eventlog.TypeAssistant, eventlog.TypeError:
		if text := strings.TrimSpace(o.text("content", "message")); text != "" {
			return e.Type + "\x00" + text
		}
	}
	return ""
}
