package transcript

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"

	"jrweb/eventlog"
)

// TaskOf returns the id of the task of an agent's thread, by the agent's own id of it. It is
// the same for all who record the thread, on all machines.
func TaskOf(agent, thread string) string {
	name := slug(agent) + "-" + thread
	if len(name) > 128 || !eventlog.ValidTaskID(name) {
		name = fmt.Sprintf("%s-%x", slug(agent), sha256.Sum256([]byte(thread)))[:min(len(slug(agent))+33, 128)]
	}
	return name
}

// slug is a name in the letters of an id.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return cmp.Or(beginning(strings.Trim(b.String(), "-"), 64), "agent")
}
