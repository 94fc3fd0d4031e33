package page_test

import (
	"fmt"
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// An outline holds a bounded amount, however long the run is and whatever is in it: the
// page that it makes does not grow.
func TestAnOutlineIsBounded(t *testing.T) {
	session := sessionsWith(t, "open")[0]
	size := func(events int) int {
		o := page.NewOutline(nil)
		add := func(kind, data string) {
			e := event(o.UpTo()+1, kind, eventlog.Agent, data)
			o.Add(&e)
		}
		for i := range events {
			add("tool_call", fmt.Sprintf(`{"tool":"Task","args":{"subagent_type":"x"},"call_id":"s%d"}`, i))
			add("tool_call", fmt.Sprintf(`{"tool":"Edit","args":{"path":"f%d","old_str":"a","new_str":"b"},"call_id":"e%d","parent_call_id":"s%d"}`, i, i, i))
			add("tool_result", fmt.Sprintf(`{"tool":"Edit","success":true,"output":"","call_id":"e%d"}`, i))
			add("tool_call", `{"tool":"bash","args":{"command":"go test"},"call_id":"t"}`)
			add("tool_result", `{"tool":"bash","success":false,"output":"","call_id":"t"}`)
			add("cost", fmt.Sprintf(`{"id":"m%d","usd":0.1}`, i))
		}
		add("complete", `{"status":"failed"}`)
		var b strings.Builder
		p := page.TaskPage{Task: taskWith("x"), Sessions: []eventlog.SessionInfo{session}, Summary: o.Summary(&session)}
		if err := page.Overview(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	some, many := size(1000), size(5000)
	if many > some*12/10 || many > 400_000 {
		t.Errorf("of 1,000 rounds it makes %d bytes, of 5,000 %d", some, many)
	}
}
