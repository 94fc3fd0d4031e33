package steer

import (
	"strings"
	"testing"
)

// written is all that an agent's input gets.
func written(does ...Does) string {
	var text strings.Builder
	for _, d := range does {
		for _, p := range d.Write {
			text.Write(p.Bytes)
		}
	}
	return text.String()
}

const askUser = `{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"AskUserQuestion","tool_use_id":"c","input":{"questions":[` +
	`{"question":"Tabs?","options":[{"label":"Yes","description":"as Go does"},{"label":"No"}]},{"question":"Name?","options":[]}]}}}`

func TestQuestionsThatAreAskedTogetherAreAnsweredTogether(t *testing.T) {
	c := newClaude(false)
	d := c.Hear([]byte(askUser))
	if len(d.Asks) != 2 || !d.Hide || d.Asks[0].Options[0] != (Option{"Yes", "Yes: as Go does"}) || d.Asks[1].Content != "Name?" || d.Asks[1].Other != "Another answer" {
		t.Fatalf("it asks %+v", d)
	}
	if text := written(c.Answer(d.Asks[1].ID, Message{Sequence: 8, Text: "jr"})); text != "" {
		t.Errorf("one answer alone is %s", text)
	}
	text := written(c.Answer(d.Asks[0].ID, Message{Sequence: 9, Text: "Yes"}))
	for _, want := range []string{`"request_id":"r"`, `"behavior":"allow"`, `"answers":{"Name?":"jr","Tabs?":"Yes"}`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if again := written(c.Answer(d.Asks[0].ID, Message{Sequence: 10, Text: "No"})); again != "" {
		t.Errorf("it is answered again: %s", again)
	}
}

func TestAnAnswerThatIsNoOptionIsTheReasonWhyNot(t *testing.T) {
	c := newClaude(false)
	d := c.Hear([]byte(`{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"},"tool_use_id":"c"}}`))
	if d.Asks[0].Other != "Deny, and say why" {
		t.Errorf("people are told that another answer means %q", d.Asks[0].Other)
	}
	text := written(c.Answer(d.Asks[0].ID, Message{Sequence: 8, Text: "use find"}))
	if !strings.Contains(text, `"behavior":"deny","message":"use find"`) {
		t.Error(text)
	}
}

// The input ends when ours has, and nothing is left to do or to read.
func TestTheInputOfClaudeCodeEndsWhenAllIsDone(t *testing.T) {
	c := newClaude(false)
	result := []byte(`{"type":"result","subtype":"success"}`)
	if d := c.Input([]byte("Do it\n")); len(d.Write) > 0 {
		t.Error("half a prompt was sent")
	}
	first := c.InputEnded()
	if !strings.Contains(written(first), `"text":"Do it"`) || first.Close {
		t.Errorf("the prompt is %s", written(first))
	}
	uuid := func(d Does) string {
		_, rest, _ := strings.Cut(written(d), `"uuid":"`)
		return rest[:36]
	}
	c.Hear([]byte(`{"type":"user","isReplay":true,"uuid":"` + uuid(first) + `"}`))
	second := c.Say(Message{Sequence: 4, Text: "And then?"})
	if d := c.Hear(result); d.Close {
		t.Error("it ends before a message is read")
	}
	d := c.Hear([]byte(`{"type":"user","isReplay":true,"uuid":"` + uuid(second) + `"}`))
	if len(d.Read) != 1 || d.Read[0] != 4 || !d.Hide || !d.Close {
		t.Errorf("at the end it does %+v", d)
	}
}
