package transcript_test

import (
	"strings"
	"testing"

	"jrweb/eventlog"
	"jrweb/eventlog/transcript"
)

// dot is a picture of one point, in base64.
const dot = `iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR4nGNgYAAAAAMAASsJTYQAAAAASUVORK5CYII=`

// dots counts the parts of an event that are the dot, and checks that nothing else of it
// has the dot's base64.
func dots(t *testing.T, e eventlog.Event) (n int) {
	t.Helper()
	f := fields(t, e)
	parts, _ := f["parts"].([]any)
	for _, part := range parts {
		p, _ := part.(map[string]any)
		if p["type"] == "image" && p["media_type"] == "image/png" && p["bytes"] == 68.0 && p["data"] == dot {
			n++
		}
	}
	if found := strings.Count(string(e.Data), dot); found != n {
		t.Errorf("%d of %d are parts: %s", n, found, e.Data)
	}
	return n
}

func TestAnImageInATextIsAPart(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string
		images     int
	}{
		"a block of MCP":              {`{"type":"image","data":"` + dot + `","mimeType":"image/png"}`, "[image]", 1},
		"indented":                    {"{\n  \"type\": \"image\",\n  \"data\": \"" + dot + "\",\n  \"mimeType\": \"image/png\"\n}\n", "[image]", 1},
		"content of MCP":              {`[{"type":"text","text":"Here"},{"type":"image","data":"` + dot + `","mimeType":"image/png"}]`, "Here\n[image]", 1},
		"a result of MCP":             {`{"content":[{"type":"text","text":"Here"},{"type":"image","data":"` + dot + `","mimeType":"image/png"}],"isError":false}`, "Here\n[image]", 1},
		"a result with more":          {`{"content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}],"width":1}`, `{"content":["[image]"],"width":1}`, 1},
		"a resource of MCP":           {`[{"type":"resource","resource":{"uri":"x","mimeType":"image/png","blob":"` + dot + `"}}]`, "[image]", 1},
		"a block of OpenAI":           {`{"type":"image_url","image_url":{"url":"data:image/png;base64,` + dot + `"}}`, "[image]", 1},
		"an input of OpenAI":          {`[{"type":"input_image","image_url":"data:image/png;base64,` + dot + `"}]`, "[image]", 1},
		"a screenshot of OpenAI":      {`{"type":"computer_screenshot","image_url":"data:image/png;base64,` + dot + `"}`, "[image]", 1},
		"a block of Anthropic":        {`[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + dot + `"}}]`, "[image]", 1},
		"a part of Google":            {`{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}`, "[image]", 1},
		"a part of Google in a list":  {`{"parts":[{"text":"Here"},{"inline_data":{"mime_type":"image/png","data":"` + dot + `"}}]}`, `{"parts":[{"text":"Here"},"[image]"]}`, 1},
		"a block of LangChain":        {`[{"type":"image","base64":"` + dot + `","mime_type":"image/png"}]`, "[image]", 1},
		"a data URL":                  {"data:image/png;base64," + dot, "[image]", 1},
		"base64 alone":                {dot, "[image]", 1},
		"a data URL in JSON":          {`{"ok":true,"screenshot":"data:image/png;base64,` + dot + `"}`, `{"ok":true,"screenshot":"[image]"}`, 1},
		"base64 in JSON":              {`{"ok":true,"shots":[{"at":1,"png":"` + dot + `"},{"at":2,"png":"` + dot + `"}]}`, `{"ok":true,"shots":[{"at":1,"png":"[image]"},{"at":2,"png":"[image]"}]}`, 2},
		"Markdown":                    {"Look:\n\n![a dot](data:image/png;base64," + dot + ")\n\nNice, no?", "Look:\n\n[image]\n\nNice, no?", 1},
		"Markdown with a title":       {`![a](data:image/png;base64,` + dot + ` "the dot") and ![b](data:image/png;base64,` + dot + `)`, "[image] and [image]", 2},
		"HTML":                        {`<img src="data:image/png;base64,` + dot + `">`, `<img src="[image]">`, 1},
		"a dot of a style sheet":      {`a { background: url(data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=) }` + strings.Repeat(" ", 100), "", 0},
		"words about images":          {`Use type "image/png", and "data:image/png;base64,…" for the URL. It is long enough to be looked at.`, "", 0},
		"JSON that has none":          {`{ "type": "image", "media_type": "image/png",   "note": "it was not there, although this text is long enough" }`, "", 0},
		"what is no base64":           {"data:image/png;base64," + strings.Repeat("A", 65) + " and more of this", "", 0},
		"JSON that is cut off":        {`[{"type":"image","mimeType":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0l`, "", 0},
		"an image of no known length": {`{"type":"image","mimeType":"image/webp","data":"UklGRg=="}`, "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want == "" {
				test.want = test.text
			}
			if test.images < 0 {
				test.images, test.want = 0, "[image]" // another one than the dot
			}
			text := quoted(test.text)
			for kind, line := range map[string]string{
				"tool_result": `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":` + text + `}]}}`,
				"assistant":   `{"type":"assistant","session_id":"s","message":{"id":"m","content":[{"type":"text","text":` + text + `}]}}`,
				"user":        `{"type":"user","session_id":"s","message":{"content":` + text + `}}`,
			} {
				events := ofType(convert(t, transcript.Claude, line), kind)
				if len(events) != 1 {
					t.Fatalf("%s: %d events", kind, len(events))
				}
				got, _ := fields(t, events[0])["content"].(string)
				if kind == "tool_result" {
					got, _ = fields(t, events[0])["output"].(string)
				}
				if got != test.want || dots(t, events[0]) != test.images {
					t.Errorf("%s: got %q and %s", kind, got, events[0].Data)
				}
			}
		})
	}
}

func TestAPictureInATextStandsBesideThoseThatArePartsAlready(t *testing.T) {
	events := convert(t, transcript.Claude, `{"type":"user","session_id":"s","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"data:image/png;base64,`+dot+`"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`+dot+`"}}]}]}}`)
	if got := dots(t, events[len(events)-1]); got != 2 {
		t.Errorf("%d images: %s", got, lines(events))
	}
}

func TestImagesOfEveryFormatArePartsNotText(t *testing.T) {
	const url = "data:image/png;base64," + dot
	for name, test := range map[string]struct {
		format transcript.Format
		input  string
	}{
		"chat completions, content":  {transcript.ChatCompletions, `{"object":"chat.completion","id":"chatcmpl-1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":[{"type":"text","text":"Here"},{"type":"image_url","image_url":{"url":"` + url + `"}}]},"finish_reason":"stop"}]}`},
		"chat completions, images":   {transcript.ChatCompletions, `{"object":"chat.completion","id":"chatcmpl-1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Here","images":[{"type":"image_url","image_url":{"url":"` + url + `"}}]},"finish_reason":"stop"}]}`},
		"LangGraph, answer":          {transcript.LangGraph, `{"type":"ai","id":"m","content":[{"type":"text","text":"Here"},{"type":"image","base64":"` + dot + `","mime_type":"image/png"}]}`},
		"LangGraph, tool":            {transcript.LangGraph, `{"type":"tool","id":"m","tool_call_id":"t","content":[{"type":"image_url","image_url":{"url":"` + url + `"}}]}`},
		"LangGraph, person":          {transcript.LangGraph, `{"type":"human","id":"m","content":[{"type":"image_url","image_url":{"url":"` + url + `"}}]}`},
		"AI SDK, file":               {transcript.AISDK, `data: {"type":"file","url":"` + url + `","mediaType":"image/png"}`},
		"AI SDK, tool":               {transcript.AISDK, `data: {"type":"tool-output-available","toolCallId":"t","output":{"type":"content","value":[{"type":"media","mediaType":"image/png","data":"` + dot + `"}]}}`},
		"Responses, screenshot":      {transcript.Responses, `{"object":"response","id":"resp_1","status":"completed","output":[{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"` + url + `"}}]}`},
		"Responses, code":            {transcript.Responses, `{"object":"response","id":"resp_1","status":"completed","output":[{"type":"code_interpreter_call","id":"c","code":"plot()","status":"completed","outputs":[{"type":"image","url":"` + url + `"}]}]}`},
		"Responses, made":            {transcript.Responses, `{"object":"response","id":"resp_1","status":"completed","output":[{"type":"image_generation_call","id":"c","result":"` + dot + `"}]}`},
		"rollout, function":          {transcript.CodexRollout, `{"timestamp":"2026-09-01T10:00:00Z","type":"response_item","payload":{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"` + url + `"}]}}`},
		"rollout, text":              {transcript.CodexRollout, `{"timestamp":"2026-09-01T10:00:00Z","type":"response_item","payload":{"type":"function_call_output","call_id":"c","output":"[{\"type\":\"image\",\"data\":\"` + dot + `\",\"mimeType\":\"image/png\"}]"}}`},
		"codex exec, MCP":            {transcript.Codex, `{"type":"item.completed","item":{"id":"i","type":"mcp_tool_call","server":"s","tool":"shot","arguments":{},"status":"completed","result":{"content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}]}}}`},
		"Gemini, response":           {transcript.GeminiChat, `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"shot","args":{},"status":"success","result":[{"functionResponse":{"id":"c","name":"shot","response":{"output":"Here"},"parts":[{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}}]}]}`},
		"Gemini, beside a response":  {transcript.GeminiChat, `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"shot","args":{},"status":"success","result":[{"functionResponse":{"id":"c","name":"shot","response":{"output":"Here"}}},{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}]}`},
		"Gemini, answer":             {transcript.GeminiChat, `{"id":"u","timestamp":"2026-11-01T10:00:01Z","type":"gemini","content":[{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"` + dot + `"}}]}`},
		"Qwen, MCP":                  {transcript.Qwen, `{"type":"user","session_id":"s","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"[{\"type\":\"image\",\"data\":\"` + dot + `\",\"mimeType\":\"image/png\"}]"}]}}`},
		"AG-UI, person":              {transcript.AGUI, `{"type":"MESSAGES_SNAPSHOT","messages":[{"id":"m","role":"user","content":[{"type":"binary","mimeType":"image/png","data":"` + dot + `"}]}]}`},
		"AG-UI, tool":                {transcript.AGUI, `{"type":"TOOL_CALL_RESULT","messageId":"m","toolCallId":"c","content":"{\"type\":\"image\",\"data\":\"` + dot + `\",\"mimeType\":\"image/png\"}"}`},
		"ACP, answer":                {transcript.ACP, `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"image","data":"` + dot + `","mimeType":"image/png"}}}}`},
		"ACP, tool":                  {transcript.ACP, `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"c","title":"shot","status":"completed","content":[{"type":"content","content":{"type":"image","data":"` + dot + `","mimeType":"image/png"}}]}}}`},
		"ACP, what a tool gave back": {transcript.ACP, `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"c","title":"shot","status":"completed","rawOutput":{"content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}]}}}}`},
		"Goose":                      {transcript.Goose, `{"type":"message","message":{"id":"m","role":"assistant","created":1788256800,"content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}]}}`},
		"Kimi":                       {transcript.Kimi, `{"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"` + url + `"}}]}`},
		"pi, answer":                 {transcript.Pi, `{"type":"message","id":"1","parentId":null,"message":{"role":"assistant","content":[{"type":"image","data":"` + dot + `","mimeType":"image/png"}],"timestamp":1790000000000}}`},
		"opencode, answer":           {transcript.OpenCodeExport, `{"info":{"id":"s"},"messages":[{"info":{"id":"m","role":"assistant"},"parts":[{"id":"p","type":"file","mime":"image/png","url":"` + url + `"}]}]}`},
		"Droid":                      {transcript.Droid, `{"type":"message","id":"1","timestamp":"2026-09-01T10:00:00Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + dot + `"}}]}]}}`},
		"Copilot, text":              {transcript.Copilot, `{"type":"tool.execution_complete","data":{"toolCallId":"x","success":true,"result":{"content":"{\"type\":\"image\",\"data\":\"` + dot + `\",\"mimeType\":\"image/png\"}"}}}`},
		"Cursor, MCP":                {transcript.Cursor, `{"type":"tool_call","subtype":"completed","call_id":"x","tool_call":{"mcpToolCall":{"args":{},"result":{"success":{"content":[{"image":{"data":"` + dot + `","mimeType":"image/png"}}]}}}}}`},
		"Cline, browser":             {transcript.Cline, `{"ts":1788256800000,"type":"say","say":"browser_action_result","text":"{\"logs\":\"\",\"screenshot\":\"` + url + `\"}"}`},
		"Crush":                      {transcript.Crush, `{"meta":{"id":"s","title":"t"},"messages":[{"id":"m","role":"user","parts":[{"type":"binary","data":{"Path":"a.png","MIMEType":"image/png","Data":"` + dot + `"}}]}]}`},
		"Crush, tool":                {transcript.Crush, `{"meta":{"id":"s","title":"t"},"messages":[{"id":"m","role":"tool","parts":[{"type":"tool_result","data":{"tool_call_id":"c","name":"view","content":"Here","data":"` + dot + `","mime_type":"image/png"}}]}]}`},
		"Amp":                        {transcript.AmpThread, `{"v":3,"id":"T-1","created":1,"messages":[{"role":"user","messageId":0,"content":[{"type":"image","source":{"type":"base64","mediaType":"image/png","data":"` + dot + `"}}]}]}`},
		"a program that prints text": {transcript.Text, "Here: " + url},
	} {
		t.Run(name, func(t *testing.T) {
			events, n := convert(t, test.format, test.input), 0
			for _, e := range events {
				n += dots(t, e)
			}
			if n != 1 {
				t.Errorf("%d images in:\n%s", n, lines(events))
			}
		})
	}
}
