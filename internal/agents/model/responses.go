package model

import (
	"encoding/json"
	"fmt"
)

// responses is OpenAI's Responses API.
type responses struct{}

func (responses) ask(_ string, body []byte) (question, error) {
	var r struct {
		Model  string
		Stream bool
		Tools  []struct{ Name, Type string }
		Input  json.RawMessage
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return question{}, err
	}
	q := question{Model: r.Model, Stream: r.Stream}
	for _, t := range r.Tools {
		if t.Name == "" {
			t.Name = t.Type
		}
		q.Tools = append(q.Tools, t.Name)
	}
	var items []struct {
		Type, Role string
		Content    json.RawMessage
		Tools      []struct{ Tools []struct{ Name string } }
	}
	if json.Unmarshal(r.Input, &items) != nil {
		q.Words = texts(r.Input, "")
	}
	for _, item := range items {
		for _, namespace := range item.Tools {
			for _, t := range namespace.Tools {
				q.Tools = append(q.Tools, t.Name)
			}
		}
		switch {
		case item.Role == "user":
			q.Words = append(q.Words, texts(item.Content, "input_text")...)
		case item.Type == "agent_message": // of one agent to another
			q.Words = append(q.Words, sealed(item.Content)...)
		}
	}
	return q, nil
}

// sealed are the texts of a message that only the model is to read. Here nothing
// encrypts them.
func sealed(content json.RawMessage) (all []string) {
	var parts []struct {
		Encrypted string `json:"encrypted_content"`
	}
	if json.Unmarshal(content, &parts) == nil {
		for _, p := range parts {
			all = append(all, p.Encrypted)
		}
	}
	return all
}

func (responses) output(a *Answer) []any {
	items := []any{}
	if a.Turn.Thought != "" {
		items = append(items, map[string]any{
			"type": "reasoning", "id": a.id("rs"), "encrypted_content": "c2VhbGVk",
			"summary": []any{map[string]any{"type": "summary_text", "text": a.Turn.Thought}},
		})
	}
	if a.Turn.Text != "" {
		items = append(items, map[string]any{
			"type": "message", "id": a.id("msg"), "role": "assistant", "status": "completed",
			"content": []any{map[string]any{"type": "output_text", "text": a.Turn.Text, "annotations": []any{}}},
		})
	}
	for i, c := range a.Turn.Calls {
		item := map[string]any{"id": fmt.Sprintf("%s_%d", a.id("fc"), i+1), "call_id": c.ID, "name": c.Tool, "status": "completed"}
		if c.Server != "" {
			item["namespace"] = c.Server
		}
		if c.Args == nil {
			item["type"], item["input"] = "custom_tool_call", c.Input
		} else {
			item["type"], item["arguments"] = "function_call", string(c.arguments())
		}
		items = append(items, item)
	}
	return items
}

func (responses) response(a *Answer, status string, output []any) map[string]any {
	return map[string]any{"id": a.id("resp"), "object": "response", "created_at": 1, "model": a.Model, "status": status, "output": output}
}

func (d responses) completed(a *Answer) map[string]any {
	r := d.response(a, "completed", d.output(a))
	t := a.Turn.Tokens
	input := t.Input + t.CacheRead + t.CacheWrite
	r["usage"] = map[string]any{
		"input_tokens": input, "input_tokens_details": map[string]any{"cached_tokens": t.CacheRead, "cache_write_tokens": t.CacheWrite},
		"output_tokens": t.Output, "output_tokens_details": map[string]any{"reasoning_tokens": t.Reasoning},
		"total_tokens": input + t.Output,
	}
	return r
}

func (d responses) whole(a *Answer) any { return d.completed(a) }

func (d responses) pieces(a *Answer) (all []piece) {
	add := func(kind string, fields map[string]any) {
		fields["type"], fields["sequence_number"] = kind, len(all)
		all = append(all, piece{kind, fields})
	}
	add("response.created", map[string]any{"response": d.response(a, "in_progress", []any{})})
	items := d.output(a)
	for i, item := range items {
		it := item.(map[string]any)
		event := func(kind string, fields map[string]any) {
			fields["output_index"], fields["item_id"] = i, it["id"]
			add(kind, fields)
		}
		switch it["type"] {
		case "reasoning":
			add("response.output_item.added", map[string]any{"output_index": i, "item": map[string]any{"type": "reasoning", "id": it["id"], "summary": []any{}}})
			event("response.reasoning_summary_part.added", map[string]any{"summary_index": 0, "part": map[string]any{"type": "summary_text", "text": ""}})
			for _, w := range words(a.Turn.Thought) {
				event("response.reasoning_summary_text.delta", map[string]any{"summary_index": 0, "delta": w})
			}
			event("response.reasoning_summary_text.done", map[string]any{"summary_index": 0, "text": a.Turn.Thought})
		case "message":
			add("response.output_item.added", map[string]any{"output_index": i, "item": map[string]any{
				"type": "message", "id": it["id"], "role": "assistant", "status": "in_progress", "content": []any{},
			}})
			event("response.content_part.added", map[string]any{"content_index": 0, "part": map[string]any{"type": "output_text", "text": "", "annotations": []any{}}})
			for _, w := range words(a.Turn.Text) {
				event("response.output_text.delta", map[string]any{"content_index": 0, "delta": w})
			}
			if a.Turn.Stall {
				return all // in the middle of it
			}
			event("response.output_text.done", map[string]any{"content_index": 0, "text": a.Turn.Text})
		case "function_call":
			add("response.output_item.added", map[string]any{"output_index": i, "item": map[string]any{
				"type": "function_call", "id": it["id"], "call_id": it["call_id"], "name": it["name"], "arguments": "", "status": "in_progress",
			}})
			event("response.function_call_arguments.done", map[string]any{"arguments": it["arguments"]})
		case "custom_tool_call":
			add("response.output_item.added", map[string]any{"output_index": i, "item": map[string]any{
				"type": "custom_tool_call", "id": it["id"], "call_id": it["call_id"], "name": it["name"], "input": "", "status": "in_progress",
			}})
			event("response.custom_tool_call_input.done", map[string]any{"input": it["input"]})
		}
		add("response.output_item.done", map[string]any{"output_index": i, "item": it})
	}
	if a.Turn.Stall {
		return all
	}
	add("response.completed", map[string]any{"response": d.completed(a)})
	return all
}

func (responses) failure(f *Failure) any {
	return map[string]any{"error": map[string]any{"type": f.Type, "code": f.Type, "message": f.Message, "param": nil}}
}
