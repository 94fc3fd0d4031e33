package model

import (
	"encoding/json"
	"net/http"
	"strings"
)

// gemini is Google's generateContent API.
type gemini struct{}

func (gemini) ask(path string, body []byte) (question, error) {
	var r struct {
		Tools []struct {
			FunctionDeclarations []struct{ Name string }
		}
		Contents []struct {
			Role  string
			Parts []struct {
				Text    string
				Thought bool
			}
		}
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return question{}, err
	}
	name, method, _ := strings.Cut(path[strings.LastIndex(path, "/")+1:], ":")
	q := question{Model: name, Stream: strings.HasPrefix(method, "stream")}
	for _, t := range r.Tools {
		for _, f := range t.FunctionDeclarations {
			q.Tools = append(q.Tools, f.Name)
		}
	}
	for _, c := range r.Contents {
		for _, p := range c.Parts {
			if c.Role == "user" && p.Text != "" {
				q.Words = append(q.Words, p.Text)
			}
		}
	}
	return q, nil
}

func (gemini) response(a *Answer, parts []any, last bool) map[string]any {
	candidate := map[string]any{"index": 0, "content": map[string]any{"role": "model", "parts": parts}}
	r := map[string]any{"candidates": []any{candidate}, "modelVersion": a.Model, "responseId": a.id("resp")}
	if last {
		t := a.Turn.Tokens
		input := t.Input + t.CacheRead + t.CacheWrite
		candidate["finishReason"] = "STOP"
		r["usageMetadata"] = map[string]any{
			"promptTokenCount": input, "cachedContentTokenCount": t.CacheRead, "candidatesTokenCount": t.Output - t.Reasoning,
			"thoughtsTokenCount": t.Reasoning, "totalTokenCount": input + t.Output,
		}
	}
	return r
}

func (gemini) calls(a *Answer) (parts []any) {
	for _, c := range a.Turn.Calls {
		parts = append(parts, map[string]any{"functionCall": map[string]any{"id": c.ID, "name": c.Tool, "args": c.arguments()}})
	}
	return parts
}

func (d gemini) whole(a *Answer) any {
	parts := []any{}
	if a.Turn.Thought != "" {
		parts = append(parts, map[string]any{"text": a.Turn.Thought, "thought": true})
	}
	if a.Turn.Text != "" {
		parts = append(parts, map[string]any{"text": a.Turn.Text})
	}
	return d.response(a, append(parts, d.calls(a)...), true)
}

func (d gemini) pieces(a *Answer) (all []piece) {
	add := func(last bool, parts ...any) { all = append(all, piece{"", d.response(a, parts, last)}) }
	if a.Turn.Thought != "" {
		add(false, map[string]any{"text": a.Turn.Thought, "thought": true})
	}
	if a.Turn.Text != "" {
		for _, w := range words(a.Turn.Text) {
			add(false, map[string]any{"text": w})
		}
	}
	if a.Turn.Stall {
		return all
	}
	if calls := d.calls(a); calls != nil {
		add(false, calls...)
	}
	add(true, map[string]any{"text": ""})
	return all
}

func (gemini) failure(f *Failure) any {
	return map[string]any{"error": map[string]any{"code": f.Status, "message": f.Message, "status": strings.ToUpper(strings.ReplaceAll(http.StatusText(f.Status), " ", "_"))}}
}
