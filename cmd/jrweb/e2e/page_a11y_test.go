package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func emulate(b *tab, scheme string, width, height int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}, // colours in the middle of an animation prove nothing
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	if err != nil {
		b.t.Fatal(err)
	}
}

// axe-core finds nothing against WCAG 2.2 AA, on any page, light, dark and narrow.
func TestPagesAreAccessible(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is not installed: run make test, which installs it")
	}
	s := serve(t)
	page := openTab(t, s.url+"/")
	page.live()
	examine := func(name string) {
		t.Helper()
		do(page, chromedp.Evaluate[chromedp.Void](string(axe)+";void 0"))
		for _, how := range []struct {
			scheme string
			width  int64
		}{{"light", 1280}, {"dark", 700}, {"light", 390}} {
			emulate(page, how.scheme, how.width, 900)
			found := evaluate[[]string](page, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
				.then(({violations}) => violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 150) + " " + (n.any[0]?.message ?? ""))))`)
			for _, violation := range found {
				t.Errorf("%s, %s, %d wide: %s", name, how.scheme, how.width, violation)
			}
			if sideways := evaluate[int](page, `document.documentElement.scrollWidth - innerWidth`); sideways > 0 {
				t.Errorf("%s, %d wide: it scrolls %d pixels sideways: %s", name, how.width, sideways, evaluate[string](page, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("pre, .scroll, .runs, .diff")).map(e => e.tagName + "." + e.className + (e.closest(".event")?.id ?? "")).slice(0, 6).join(" ")`))
			}
		}
	}
	examine("the empty list")
	page.goTo(s.url + "/wall")
	page.live()
	examine("the empty wall")

	everything := append(everyType("plain **text** with `code` and [a link](https://example.com)"),
		`{"type":"tool_result","data":{"tool":"bash","success":true,"output":`+quoted("\u001b[31mred\u001b[32mgreen\u001b[90mgrey\u001b[0m")+`}}`, says("| a | b |\n|---|---|\n| 1 | 2 |\n\n```go\nfunc main() {}\n```\n\n> said\n\n1. one"),
		`{"type":"tool_call","data":{"tool":"edit_file","args":{"path":"a.go","old_str":"a\nb","new_str":"a\nc"},"call_id":"edit"}}`,
		`{"type":"tool_result","data":{"tool":"edit_file","success":false,"output":"no","call_id":"edit"}}`)
	done := s.append("t-done", everything...).Session
	s.complete("t-done", done)
	s.append("t-done", everything...)
	for i, who := range []string{`"agent":"Claude Code","model":"claude-sonnet-4-5-20250929"`, `"agent":"Codex","model":"gpt-5.2-codex"`} { // there is something to choose
		s.post(fmt.Sprintf("/tasks/t-agent-%d/sessions", i), "{"+who+"}", new(struct{}))
	}
	s.append("t-asks", plan, paid, mayI)
	s.append("t-loops", call("bash", "1", "a"), failedResult("bash", "1"), call("bash", "2", "a"), failedResult("bash", "2"), call("bash", "3", "a"), failedResult("bash", "3"))
	s.append("t-ends", says("one"))
	page.goTo(s.url + "/wall")
	page.card("t-asks", "Waits for an answer")
	page.card("t-loops", "The same call of bash failed 3 ×")
	for task, end := range map[string]string{"t-ends": "failed", "t-agent-0": "succeeded", "t-agent-1": "canceled"} {
		session, _, _ := s.head(task)
		s.post("/tasks/"+task+"/sessions/"+session+"/complete", `{"status":"`+end+`"}`, nil)
		page.until(`document.querySelector('[data-task="` + task + `"][data-status="` + end + `"]') !== null`)
	}
	examine("the wall")
	unfold := func() { page.run(`for (const details of document.querySelectorAll("details")) details.open = true`) }
	for _, path := range []string{"/", "/tasks/t-done", "/tasks/t-done?session=" + done, "/tasks/t-done?sessions=all"} {
		page.goTo(s.url + path)
		page.until(`["live", "ended"].includes(document.body.dataset.state)`)
		unfold()
		if path == "/" {
			page.run(`const box = document.getElementById("filter"); box.value = "nothing"; box.dispatchEvent(new Event("input", {bubbles: true}))`)
			examine("the list without a match")
			page.run(`const box = document.getElementById("filter"); box.value = ""; box.dispatchEvent(new Event("input", {bubbles: true}))`)
		}
		examine(path)
	}

	for _, query := range []string{"plain", "nothing-like-it", "foo:bar", ""} {
		page.goTo(s.url + "/search?q=" + query)
		page.until(`document.querySelector(".search-end, .search-help") !== null`)
		examine("the search for " + query)
	}

	s.listening("t-steer")
	s.append("t-steer", plan, mayI, `{"type":"answer","actor":"human","data":{"for":2,"value":"deny"}}`, `{"type":"receipt","actor":"system","data":{"for":3,"state":"read"}}`,
		strings.Replace(mayI, `"options"`, `"other":"Another answer","options"`, 1), `{"type":"user","actor":"human","data":{"content":"Use tabs."}}`,
		`{"type":"receipt","actor":"system","data":{"for":6,"state":"failed","reason":"it had ended"}}`)
	page.goTo(s.url + "/tasks/t-steer")
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 2 && document.querySelectorAll(".receipt").length === 2`)
	unfold()
	examine("an agent that asks")
	page.run(`document.querySelector(".own-answer:not([hidden])").click()`)
	examine("the answer in words of one's own")

	page.goTo(s.url + "/tasks/t-done")
	page.live()
	page.run(`document.querySelector(".raw").click()`)
	page.until(`document.querySelector(".raw-event pre") !== null`)
	page.run(`document.getElementById("cancel").click()`)
	examine("the question whether to end a session, over a raw event")
	page.run(`document.getElementById("cancel-dialog").close(); document.querySelector(".help-button").click()`)
	examine("the list of keys")

	page.goTo("file://" + s.export("t-done"))
	unfold()
	examine("an exported page")
}

// everyType is an event of every type with a text in every field.
func everyType(text string) []string {
	q := quoted(text)
	var alike []string // a run of tools that folds, and changes files
	for i := range 3 {
		id := quoted(fmt.Sprint(text, " ", i))
		alike = append(alike, `{"type":"tool_call","data":{"tool":`+q+`,"args":{"path":`+id+`,"old_str":`+q+`,"new_str":`+id+`},"call_id":`+id+`}}`,
			`{"type":"tool_result","data":{"tool":`+q+`,"success":true,"output":`+q+`,"call_id":`+id+`}}`)
	}
	return append(alike, []string{
		`{"type":"assistant","data":{"content":` + q + `,` + q + `:` + q + `}}`,
		`{"type":"thought","data":{"content":` + q + `}}`,
		`{"type":"user","actor":"human","data":{"content":` + q + `}}`,
		`{"type":"tool_call","data":{"tool":` + q + `,"args":{"path":` + q + `,"command":` + q + `,` + q + `:[` + q + `]},"call_id":` + q + `}}`,
		`{"type":"tool_result","data":{"tool":` + q + `,"success":false,"output":` + q + `,"call_id":` + q + `,` + q + `:` + q + `}}`,
		`{"type":"tool_call","data":{"tool":"edit","args":{"path":` + q + `,"old_str":` + q + `,"new_str":` + q + `},"call_id":` + q + `,"parent_call_id":` + q + `}}`,
		`{"type":"cost","data":{"usd":0.25,"input_tokens":10,"output_tokens":2,"model":` + q + `}}`,
		`{"type":"error","data":{"message":` + q + `,"code":` + q + `}}`,
		`{"type":"status","data":{"content":` + q + `}}`,
		`{"type":"comment","actor":"human","data":{"content":` + q + `}}`,
		`{"type":"checkpoint","data":{"content":` + q + `}}`,
		`{"type":"guardrail","actor":"system","data":{"content":` + q + `}}`,
		`{"type":"question","data":{"content":` + q + `,"options":[{"value":` + q + `,"label":` + q + `,"description":` + q + `}],"other":` + q + `,"call_id":` + q + `}}`,
		`{"type":"question","data":{"content":` + q + `}}`,
		`{"type":"raw","data":{"content":` + q + `,"format":` + q + `,"reason":` + q + `}}`,
		`{"type":"status","data":{"content":` + q + `,"plan":[{"step":` + q + `,"status":"completed"}]}}`,
		`{"type":"tool_call","data":{"tool":"TodoWrite","args":{"todos":[{"content":` + q + `,"status":"in_progress"}]},"call_id":` + q + `}}`,
		`{"type":"tool_call","data":{"tool":"AskUserQuestion","args":{"questions":[{"question":` + q + `,"options":[{"label":` + q + `,"description":` + q + `}]}]}}}`,
		`{"type":"plan_update","data":{` + q + `:{"steps":[` + q + `]}}}`,
	}...)
}
