package steer

import (
	"encoding/json"

	"jrweb/eventlog/transcript"
)

// acp is an agent that speaks the Agent Client Protocol: gemini --acp, opencode acp and
// others. We are its client: the first prompt is our own input.
type acp struct {
	rpc
	cwd     string
	session string
	opening int // the id of the request that opens the session
}

func newACP(typed bool, cwd string) *acp {
	a := &acp{cwd: cwd, rpc: rpc{prompts: prompts{typed: typed}, asked: map[string]json.RawMessage{}}}
	a.prompt = func(text string) (string, any) {
		return "session/prompt", map[string]any{"sessionId": a.session, "prompt": []any{map[string]any{"type": "text", "text": text}}}
	}
	return a
}

func (*acp) Format() transcript.Format { return transcript.ACP }

func (a *acp) Begin() Does {
	return Does{Write: []Parcel{a.request("initialize", map[string]any{
		"protocolVersion": 1, "clientCapabilities": map[string]any{"fs": map[string]any{"readTextFile": false, "writeTextFile": false}, "terminal": false},
		"clientInfo": map[string]any{"name": "jrweb", "version": "1"},
	})}}
}

func (a *acp) Hear(line []byte) Does {
	var m rpcMessage
	if json.Unmarshal(line, &m) != nil {
		return Does{}
	}
	switch {
	case m.answers(1) && m.Error == nil:
		d := Does{Write: []Parcel{a.request("session/new", map[string]any{"cwd": a.cwd, "mcpServers": []any{}})}}
		a.opening = a.last
		return d
	case m.answers(a.opening) && m.Error == nil:
		var opened struct {
			Session string `json:"sessionId"`
		}
		if json.Unmarshal(m.Result, &opened) != nil {
			return Does{}
		}
		a.session, a.ready = opened.Session, true
		return a.next(Does{})
	case m.answers(1), m.answers(a.opening):
		return Does{Close: true} // nothing can be said to it: its error is in the record
	case m.answers(a.running):
		a.running = 0
		return a.next(a.moved(Does{}))
	case m.Method == "session/update":
		return a.moved(Does{})
	case m.Method == "session/request_permission":
		return a.ask(&m)
	case m.Method != "" && m.ID != nil:
		return Does{Write: []Parcel{refuse(m.ID, m.Method)}}
	}
	return Does{}
}

func (a *acp) ask(m *rpcMessage) Does {
	var p struct {
		Call struct {
			ID    string          `json:"toolCallId"`
			Title string          `json:"title"`
			Input json.RawMessage `json:"rawInput"`
		} `json:"toolCall"`
		Options []struct {
			ID   string `json:"optionId"`
			Name string `json:"name"`
		} `json:"options"`
	}
	if json.Unmarshal(m.Params, &p) != nil {
		return Does{Write: []Parcel{respond(m.ID, map[string]any{"outcome": map[string]any{"outcome": "cancelled"}})}}
	}
	q := Question{ID: string(m.ID), Call: p.Call.ID, Content: "May I? " + p.Call.Title}
	if len(p.Call.Input) > 2 {
		q.Content += "\n\n" + fenced(p.Call.Input)
	}
	for _, o := range p.Options {
		q.Options = append(q.Options, Option{o.ID, o.Name})
	}
	a.asked[q.ID] = m.ID
	return a.moved(Does{Hide: true, Asks: []Question{q}})
}

func (a *acp) Answer(question string, m Message) Does {
	id := a.asked[question]
	if id == nil {
		return Does{}
	}
	delete(a.asked, question)
	parcel := respond(id, map[string]any{"outcome": map[string]any{"outcome": "selected", "optionId": m.Text}})
	parcel.Of = m.Sequence
	return Does{Write: []Parcel{parcel}}
}
