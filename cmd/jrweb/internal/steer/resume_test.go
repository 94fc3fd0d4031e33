package steer

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAPersonSaysIsThePromptOfTheNextCommandAndNeverAFlag(t *testing.T) {
	for _, c := range []struct{ command, next string }{ // split at |
		{"codex|exec|--json|Do it", "codex|exec|--json|resume|T|--|--yolo"},
		{"codex|exec|--json|--|-Do it", "codex|exec|--json|resume|T|--|--yolo"},
		{"codex|exec|--json", "codex|exec|--json|resume|T|--|--yolo"},
		{"codex|exec|resume|T|Go on", "codex|exec|resume|T|--|--yolo"},
		{"opencode|run|--format|json|Do it", "opencode|run|--format|json|--session|T|--|--yolo"},
		{"opencode|run|--attach|http://127.0.0.1:4096|Do it", "opencode|run|--attach|http://127.0.0.1:4096|--session|T|--|--yolo"},
		{"opencode|run|-s|T|Do it", "opencode|run|-s|T|--|--yolo"},
	} {
		agent, err := Choose(strings.Split(c.command, "|"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		agent.Hear([]byte(`{"thread_id":"T"}`))
		agent.Say(Message{Sequence: 3, Text: "--yolo"})
		next, told := agent.Next(0)
		if got := strings.Join(next, "|"); got != c.next || !slices.Equal(told, []uint64{3}) {
			t.Errorf("%s: next %s %v, want %s", c.command, got, told, c.next)
		}
		if next, _ := agent.Next(0); next != nil {
			t.Errorf("%s: it is said twice: %q", c.command, next)
		}
	}
}
