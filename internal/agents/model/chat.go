package model

import "encoding/json"

// chat is OpenAI's chat completions API.
type chat struct{}

func (chat) ask(_ string, body []byte) (question, error) {
	var r struct {
		Model  string
		Stream bool
		Tools  []struct {
			Function struct{ Name string }
		}
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
		q.Tools = append(q.Tools, t.Function.Name)
	}
	for _, m := range r.Messages {
		if m.Role == "user" {
			q.Words = append(q.Words, texts(m.Content, "text")...)
		}
	}
	return q, nil
}

func (chat) usage(t Tokens) map[string]any {
	input := t.Input + t.CacheRead + t.CacheWrite
	return map[string]any{
		"prompt_tokens": input, "completion_tokens": t.Output, "total_tokens": input + t.Output,
		"prompt_tokens_details":     map[string]any{"cached_tokens": t.CacheRead},
		"completion_tokens_details": map[string]any{"reasoning_tokens": t.Reasoning},
	}
}

func (chat) calls(a *Answer) (calls []any) {
	for i, c := range a.Turn.Calls {
		calls = append(calls, map[string]any{
			"index": i, "id": c.ID, "type": "function",
			"function": map[string]any{"name": c.Tool, "arguments": string(c.arguments())},
		})
	}
	return calls
}

func (chat) stop(a *Answer) string {
	if len(a.Turn.Calls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

func (d chat) whole(a *Answer) any {
	message := map[string]any{"role": "assistant", "content": a.Turn.Text}
	if calls := d.calls(a); calls != nil {
		message["tool_calls"] = calls
	}
	if a.Turn.Thought != "" {
		message["reasoning_content"] = a.Turn.Thought
	}
	return map[string]any{
		"id": a.id("chatcmpl"), "object": "chat.completion", "created": 1, "model": a.Model, "usage": d.usage(a.Turn.Tokens),
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": d.stop(a)}},
	}
}

func (d chat) pieces(a *Answer) (all []piece) {
	add := func(delta map[string]any, stop any, usage any) {
		chunk := map[string]any{
			"id": a.id("chatcmpl"), "object": "chat.completion.chunk", "created": 1, "model": a.Model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": stop}},
		}
		if usage != nil {
			chunk["usage"] = usage
		}
		all = append(all, piece{"", chunk})
	}
	add(map[string]any{"role": "assistant", "content": ""}, nil, nil)
	if a.Turn.Thought != "" {
		for _, w := range words(a.Turn.Thought) {
			add(map[string]any{"reasoning_content": w}, nil, nil)
		}
	}
	if a.Turn.Text != "" {
		for _, w := range words(a.Turn.Text) {
			add(map[string]any{"content": w}, nil, nil)
		}
	}
	if a.Turn.Stall {
		return all
	}
	for _, call := range d.calls(a) {
		add(map[string]any{"tool_calls": []any{call}}, nil, nil)
	}
	add(map[string]any{}, d.stop(a), d.usage(a.Turn.Tokens))
	return append(all, piece{"", "[DONE]"})
}

func (chat) failure(f *Failure) any {
	return map[string]any{"error": map[string]any{"type": f.Type, "code": f.Type, "message": f.Message, "param": nil}}
}
