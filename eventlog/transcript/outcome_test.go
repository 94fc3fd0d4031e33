package transcript_test

import (
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// outcome converts an input and returns how it ended.
func outcome(t *testing.T, format transcript.Format, input string) transcript.Outcome {
	t.Helper()
	c := converter(t, format, nil)
	feed(c, []byte(input), 0)
	return c.Outcome()
}

func TestARunSucceededOnlyIfSomethingSaysSo(t *testing.T) {
	const (
		failed    = `{"type":"turn.failed","error":{"message":"no model"}}` + "\n"
		completed = `{"type":"turn.completed","usage":{}}` + "\n"
		started   = `{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"ls"}}` + "\n"
		notice    = `{"type":"error","message":"Reconnecting... 1/5"}` + "\n"
		turn      = `{"type":"turn.started"}` + "\n"
	)
	for name, test := range map[string]struct {
		input  string
		status eventlog.Status
		reason string
	}{
		"a turn that completed":                       {turn + completed, eventlog.Succeeded, ""},
		"a turn that failed":                          {turn + failed, eventlog.Failed, "no model"},
		"a turn that completed after one that failed": {turn + failed + turn + completed, eventlog.Succeeded, ""},
		"a turn that failed after one that completed": {turn + completed + turn + failed, eventlog.Failed, "no model"},
		"a turn without an end":                       {turn + completed + turn, eventlog.Interrupted, "in the middle of a run"},
		"a notice alone":                              {turn + notice, eventlog.Interrupted, "in the middle of a run"},
		"an open call":                                {turn + started, eventlog.Interrupted, "a call without a result"},
		"a line that is cut off":                      {turn + completed + `{"type":"turn.sta`, eventlog.Interrupted, "in the middle of a line"},
		"nothing":                                     {"", eventlog.Interrupted, "in the middle of a run"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, transcript.Codex, test.input)
			if got.Status != test.status || !strings.Contains(got.Reason, test.reason) || test.reason == "" && got.Reason != "" {
				t.Errorf("got %+v, want %s %q", got, test.status, test.reason)
			}
		})
	}
}

func TestTextDoesNotTellHowItsRunEnded(t *testing.T) {
	if got := outcome(t, transcript.Auto, "All done.\n"); got.Status != eventlog.Interrupted || !strings.HasPrefix(got.Reason, "plain text") {
		t.Errorf("got %+v", got)
	}
}
