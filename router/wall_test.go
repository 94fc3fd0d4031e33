package router_test

import (
	"strings"
	"testing"
)

// The wall has the tasks whose latest session is open, and says what their agents do.
func TestTheWallHasWhatRuns(t *testing.T) {
	s := serve(t)
	s.append("t-over", say("x"), complete)
	s.append("t-runs", `{"type":"tool_call","data":{"tool":"bash","args":{"command":"make all"},"call_id":"c"}}`, `{"type":"cost","data":{"usd":2}}`)
	a := s.get("/wall").is(200)
	for _, want := range []string{`data-task="t-runs"`, "Running bash", "make all", "$2.00/min"} {
		a.says(want)
	}
	if strings.Contains(a.body, "t-over") {
		t.Error("it has a task that is over")
	}
	s.get("/wall?kiosk").is(200)
	s.get("/wall?kiosk=1").problem(400, "kiosk")
	s.get("/wall?x=1").problem(400, "x")
}

// What one look does not reach, the page asks for.
func TestTheWallReadsABoundedNumberOfEvents(t *testing.T) {
	s := serve(t)
	batch := strings.Repeat(`{"type":"status","data":{"content":"step"}}`+"\n", 10_000)
	s.append("t-long", say("first"))
	for range 5 {
		s.post("/tasks/t-long/events", batch, "Content-Type: application/x-ndjson").is(200)
	}
	s.get("/wall").is(200).says(`data-behind="true"`)
	if a := s.get("/wall").is(200); strings.Contains(a.body, `data-behind="true"`) {
		t.Error("the second look did not go on where the first stopped")
	}
}
