package find_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"jrweb/eventlog/event"
	"jrweb/eventlog/find"
)

func TestAQueryThatIsWrongSaysWhatIs(t *testing.T) {
	for text, filter := range map[string]string{
		`foo:bar`:                            "foo",
		`agent:`:                             "agent",
		`agent:"" x`:                         "agent",
		`status:done`:                        "status",
		`type:Tool`:                          "type",
		`task:../x`:                          "task",
		`after:yesterday`:                    "after",
		`before:2026-13-01`:                  "before",
		`after:999999w`:                      "after",
		`"open`:                              "",
		`agent:"open`:                        "agent",
		"\xff":                               "",
		strings.Repeat("x", find.MaxQuery+1): "",
		strings.Repeat("x ", 33):             "",
	} {
		_, err := find.Parse(text, now)
		wrong, ok := errors.AsType[*find.QueryError](err)
		if !ok || wrong.Filter != filter || wrong.Reason == "" {
			t.Errorf("%q: %v, want an error of %q", text, err, filter)
		}
	}
}

func TestAQueryHasWordsAndFilters(t *testing.T) {
	q := query(t, `  Foo "two  words" error: agent:"Claude Code" type:error `)
	if got := slices.Sorted(slices.Values(q.Words())); !slices.Equal(got, []string{"Foo", "error:", "two words"}) {
		t.Errorf("words are %q", got)
	}
	for _, text := range []string{"", "  ", `""`} {
		if !query(t, text).Empty() {
			t.Errorf("%q is not empty", text)
		}
	}
	if query(t, "after:7d").Empty() {
		t.Error("a filter alone is empty")
	}
}

func TestFiltersOfASession(t *testing.T) {
	ended := event.Time{Time: now.Add(-48 * time.Hour)}
	s := event.SessionInfo{Agent: "Claude Code", Model: "claude-opus-4", Owner: "ann", Status: event.Succeeded,
		Started: event.Time{Time: now.Add(-50 * time.Hour)}, Ended: ended}
	for text, want := range map[string]bool{
		`agent:claude`:                   true,
		`agent:"claude code"`:            true,
		`agent:codex`:                    false,
		`agent:codex agent:claude`:       true,
		`model:opus person:ANN`:          true,
		`model:opus person:bob`:          false,
		`status:succeeded`:               true,
		`status:failed`:                  false,
		`status:failed status:succeeded`: true,
		`after:1d`:                       false,
		`after:3d`:                       true,
		`before:3d`:                      false,
		`before:49h`:                     true,
		`after:2026-11-20`:               true,
		`after:2026-11-20T11:00:00Z`:     false,
	} {
		if got := query(t, text).Session(&s); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	open := event.SessionInfo{Status: event.StatusOpen, Started: event.Time{Time: now.Add(-time.Hour * 1000)}}
	if !query(t, "after:1d status:open").Session(&open) {
		t.Error("an open session has not ended")
	}
}

func TestFiltersOfAnEvent(t *testing.T) {
	call := event.Event{Type: "tool_call", Time: now.Add(-time.Hour), Data: []byte(`{"tool":"Bash","args":{"command":"ls"}}`)}
	for text, want := range map[string]bool{
		`type:tool_call`:            true,
		`type:error`:                false,
		`type:error type:tool_call`: true,
		`tool:bash`:                 true,
		`tool:edit`:                 false,
		`tool:bash ls`:              true,
		`tool:bash rm`:              false,
		`after:2h`:                  true,
		`after:30m`:                 false,
		`before:30m`:                true,
		`before:2h`:                 false,
	} {
		if got := find.NewMatcher(query(t, text)).Match(&call); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	said := event.Event{Type: "assistant", Time: now, Data: []byte(`{"content":"Bash","tool":"Bash"}`)}
	if find.NewMatcher(query(t, "tool:bash")).Match(&said) {
		t.Error("what an agent says is of no tool")
	}
}
