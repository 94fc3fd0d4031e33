package model

import "encoding/json"

// anthropic is the Messages API.
type anthropic struct{}

func (anthropic) ask(_ string, body []byte) (question, error) {
	var r struct {
		Model    string
		Stream   bool
		Tools    []struct{ Name string }
		Messages []struct {
			Role    string
			Content json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return question{}, err
	}
	q := question{Model: r.Model, Stream: r.Stream}
	for _, t := range r.Tools {
		q.Tools = append(q.Tools, t.Name)
	}
	for _, m := range r.Messages {
		if m.Role == "user" {
			q.Words = append(q.Words, texts(m.Content, "text")...)
		}
	}
	return q, nil
}

// texts are the texts of a content that is a text, or a list of parts of some type.
func texts(content json.RawMessage, kind string) (all []string) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return []string{text}
	}
	var parts []struct{ Type, Text string }
	if json.Unmarshal(content, &parts) == nil {
		for _, p := range parts {
			if p.Type == kind {
				all = append(all, p.Text)
			}
		}
	}
	return all
}

func (anthropic) usage(t Tokens) map[string]any {
	return map[string]any{
		"input_tokens":                t.Input,
		"cache_creation_input_tokens": t.CacheWrite,
		"cache_read_input_tokens":     t.CacheRead,
		"cache_creation":              map[string]any{"ephemeral_5m_input_tokens": t.CacheWrite, "ephemeral_1h_input_tokens": 0},
		"output_tokens":               t.Output,
		"service_tier":                "standard",
	}
}

// blocks are the parts of the answer.
func (anthropic) blocks(a *Answer) []any {
	blocks := []any{}
	if a.Turn.Thought != "" {
		blocks = append(blocks, map[string]any{"type": "thinking", "thinking": a.Turn.Thought, "signature": "c2lnbmVk"})
	}
	if a.Turn.Text != "" {
		blocks = append(blocks, map[string]any{"type": "text", "text": a.Turn.Text})
	}
	for _, c := range a.Turn.Calls {
		blocks = append(blocks, map[string]any{"type": "tool_use", "id": c.ID, "name": c.Tool, "input": c.arguments()})
	}
	return blocks
}

func (anthropic) stop(a *Answer) string {
	if len(a.Turn.Calls) > 0 {
		return "tool_use"
	}
	return "end_turn"
}

func (d anthropic) whole(a *Answer) any {
	return map[string]any{
		"id": a.id("msg"), "type": "message", "role": "assistant", "model": a.Model, "content": d.blocks(a),
		"stop_reason": d.stop(a), "stop_sequence": nil, "usage": d.usage(a.Turn.Tokens),
	}
}

func (d anthropic) pieces(a *Answer) []piece {
	begun := a.Turn.Tokens
	begun.Output = 1 // the API tells the output at the end
	start := map[string]any{
		"id": a.id("msg"), "type": "message", "role": "assistant", "model": a.Model, "content": []any{},
		"stop_reason": nil, "stop_sequence": nil, "usage": d.usage(begun),
	}
	all := []piece{{"message_start", map[string]any{"type": "message_start", "message": start}}}
	for i, block := range d.blocks(a) {
		add := func(kind string, key string, value any) {
			p := map[string]any{"type": kind, "index": i}
			if key != "" {
				p[key] = value
			}
			all = append(all, piece{kind, p})
		}
		delta := func(kind, key, text string) {
			add("content_block_delta", "delta", map[string]any{"type": kind, key: text})
		}
		b := block.(map[string]any)
		switch b["type"] {
		case "thinking":
			add("content_block_start", "content_block", map[string]any{"type": "thinking", "thinking": "", "signature": ""})
			for _, w := range words(a.Turn.Thought) {
				delta("thinking_delta", "thinking", w)
			}
			delta("signature_delta", "signature", b["signature"].(string))
		case "text":
			add("content_block_start", "content_block", map[string]any{"type": "text", "text": ""})
			for _, w := range words(a.Turn.Text) {
				delta("text_delta", "text", w)
			}
		case "tool_use":
			add("content_block_start", "content_block", map[string]any{"type": "tool_use", "id": b["id"], "name": b["name"], "input": map[string]any{}})
			for _, w := range words(string(b["input"].(json.RawMessage))) {
				delta("input_json_delta", "partial_json", w)
			}
		}
		if a.Turn.Stall && i == len(d.blocks(a))-1 {
			return all // in the middle of it
		}
		add("content_block_stop", "", nil)
	}
	return append(all,
		piece{"message_delta", map[string]any{
			"type": "message_delta", "usage": d.usage(a.Turn.Tokens),
			"delta": map[string]any{"stop_reason": d.stop(a), "stop_sequence": nil},
		}},
		piece{"message_stop", map[string]any{"type": "message_stop"}})
}

func (anthropic) failure(f *Failure) any {
	return map[string]any{"type": "error", "error": map[string]any{"type": f.Type, "message": f.Message}, "request_id": "req_1"}
}
