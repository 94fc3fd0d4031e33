package steer

import (
	"encoding/json"
	"slices"
	"strings"

	"jrweb/eventlog/transcript"
)

// codexServer is codex app-server. We are its client: the first prompt is our own input.
// What is said while it works steers the turn that goes on.
type codexServer struct {
	rpc
	cwd     string
	thread  string
	opening int
	turn    string
	steers  map[int]Message // requests to steer, that may be too late
	unseen  []Message       // what it has not told as its own item
}

func newCodexServer(typed bool, cwd string) *codexServer {
	c := &codexServer{cwd: cwd, steers: map[int]Message{}, rpc: rpc{prompts: prompts{typed: typed}, asked: map[string]json.RawMessage{}}}
	c.prompt = func(text string) (string, any) {
		return "turn/start", map[string]any{"threadId": c.thread, "input": codexInput(text)}
	}
	return c
}

func codexInput(text string) []any { return []any{map[string]any{"type": "text", "text": text}} }

func (*codexServer) Format() transcript.Format { return transcript.CodexServer }

func (c *codexServer) Begin() Does {
	return Does{Write: []Parcel{c.request("initialize", map[string]any{"clientInfo": map[string]any{"name": "jrweb", "title": "jrweb", "version": "1"}})}}
}

func (c *codexServer) Say(m Message) Does {
	c.unseen = append(c.unseen, m)
	if c.turn == "" {
		return c.rpc.Say(m)
	}
	p := c.request("turn/steer", map[string]any{"threadId": c.thread, "expectedTurnId": c.turn, "input": codexInput(m.Text)})
	p.Of, c.steers[c.last] = m.Sequence, m
	return Does{Write: []Parcel{p}}
}

func (c *codexServer) Hear(line []byte) Does {
	var m rpcMessage
	if json.Unmarshal(line, &m) != nil {
		return Does{}
	}
	switch {
	case m.answers(1) && m.Error == nil:
		initialized := Parcel{Bytes: jsonLine(map[string]any{"jsonrpc": "2.0", "method": "initialized"})}
		d := Does{Write: []Parcel{initialized, c.request("thread/start", map[string]any{"cwd": c.cwd})}}
		c.opening = c.last
		return d
	case m.answers(c.opening) && m.Error == nil:
		var opened struct{ Thread struct{ ID string } }
		if json.Unmarshal(m.Result, &opened) != nil {
			return Does{}
		}
		c.thread, c.ready = opened.Thread.ID, true
		return c.next(Does{})
	case m.answers(1), m.answers(c.opening):
		return Does{Close: true} // nothing can be said to it: its error is in the record
	case m.answers(c.running) && m.Error != nil:
		c.running = 0
		return c.next(Does{})
	case m.Method == "":
		return c.steered(&m)
	case m.ID == nil:
		return c.happened(&m)
	case m.Method == "item/commandExecution/requestApproval", m.Method == "item/fileChange/requestApproval":
		return c.ask(&m)
	}
	return Does{Write: []Parcel{refuse(m.ID, m.Method)}}
}

// steered looks at the answer to a request to steer: what came too late is the next prompt.
func (c *codexServer) steered(m *rpcMessage) Does {
	for id, said := range c.steers {
		if !m.answers(id) {
			continue
		}
		delete(c.steers, id)
		if m.Error != nil {
			c.queue = append(c.queue, said)
			return c.next(Does{})
		}
	}
	return Does{}
}

func (c *codexServer) happened(m *rpcMessage) Does {
	var p struct {
		Turn struct{ ID string }
		Item struct {
			Type    string
			Content []struct{ Text string }
		}
	}
	if json.Unmarshal(m.Params, &p) != nil {
		return Does{}
	}
	switch m.Method {
	case "turn/started":
		c.turn = p.Turn.ID
	case "turn/completed":
		c.turn, c.running = "", 0
		return c.next(Does{})
	case "item/started", "item/completed":
		if p.Item.Type == "userMessage" && len(p.Item.Content) > 0 {
			return c.seen(p.Item.Content[0].Text, m.Method == "item/completed")
		}
	}
	return Does{}
}

// seen is told of a message that Codex has taken note of. It is an event already.
func (c *codexServer) seen(text string, done bool) Does {
	for i, m := range c.unseen {
		if strings.TrimSpace(m.Text) != strings.TrimSpace(text) || m.Sequence == 0 {
			continue
		}
		if !done {
			return Does{Hide: true}
		}
		c.unseen = slices.Delete(c.unseen, i, i+1)
		return Does{Hide: true, Read: []uint64{m.Sequence}}
	}
	return Does{}
}

var codexDecisions = []Option{{"accept", "Allow once"}, {"acceptForSession", "Allow for this run"}, {"decline", "Deny"}, {"cancel", "Deny, and end the turn"}}

func (c *codexServer) ask(m *rpcMessage) Does {
	var p struct {
		ItemID  string `json:"itemId"`
		Command string `json:"command"`
		Reason  string `json:"reason"`
	}
	if json.Unmarshal(m.Params, &p) != nil {
		return Does{Write: []Parcel{respond(m.ID, map[string]any{"decision": "decline"})}}
	}
	q := Question{ID: string(m.ID), Call: p.ItemID, Content: "May I change files?", Options: codexDecisions}
	if p.Command != "" {
		q.Content = "May I run this?\n\n" + fence("sh", p.Command)
	}
	if p.Reason != "" {
		q.Content += "\n\n" + p.Reason
	}
	c.asked[q.ID] = m.ID
	return Does{Hide: true, Asks: []Question{q}}
}

func (c *codexServer) Answer(question string, m Message) Does {
	id := c.asked[question]
	if id == nil {
		return Does{}
	}
	delete(c.asked, question)
	decision := m.Text
	if !slices.ContainsFunc(codexDecisions, func(o Option) bool { return o.Value == decision }) {
		decision = "decline"
	}
	p := respond(id, map[string]any{"decision": decision})
	p.Of = m.Sequence
	return Does{Write: []Parcel{p}}
}
