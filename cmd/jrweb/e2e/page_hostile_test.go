package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func quoted(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// hostile are texts that would run a script, load something or leave the page if
// any of them became markup.
var hostile = []string{
	`<img src=x onerror="window.owned=1"><script>window.owned=1</script>`,
	`"><svg onload=window.owned=1><a href="javascript:window.owned=1">x</a>`,
	`' onmouseover='window.owned=1' autofocus onfocus='window.owned=1' x='`,
	`[x](javascript:window.owned=1) ![x](https://leak.example/i.png) <https://leak.example/> [y](data:text/html,<script>window.owned=1</script>)`,
	`</li></ol><iframe src="https://leak.example/"></iframe><style>@import "https://leak.example/s.css";</style>`,
	"```html\n</code></pre><script>window.owned=1</script>\n```\n<base href=\"https://leak.example/\"><meta http-equiv=refresh content=\"0;url=https://leak.example/\">",
	"\u001b]8;;javascript:window.owned=1\u0007link\u001b]8;;\u0007\u001b[31m<b onclick=window.owned=1>red</b>",
	`<form action="https://leak.example/"><input name=a><button>`,
	`<li class="event" data-seq="1" data-type="complete"><template><script>window.owned=1</script></template>`,
}

// Whatever stands in any field, before the page was opened or after: no script of
// it runs, and no request leaves the origin.
func TestPageIsSafeFromEvents(t *testing.T) {
	s := serve(t)
	var replayed, live []string
	for _, text := range hostile {
		replayed = append(replayed, everyType(text)...)
	}
	live = replayed
	s.putTask("t-xss", hostile[0], hostile[1])
	s.append("t-xss", `{"type":"session","data":{"agent":`+quoted(hostile[0])+`,"model":`+quoted(hostile[1])+`,"cwd":`+quoted(hostile[2])+`,"branch":`+quoted(hostile[3])+`}}`,
		`{"type":"complete","data":{"status":"failed","reason":`+quoted(hostile[4])+`}}`) // a session in the menu
	s.listening("t-xss")
	s.append("t-xss", replayed...)
	page := openTab(t, s.url+"/tasks/t-xss")
	page.live()
	page.has(len(replayed))
	s.append("t-xss", live...)
	page.has(2 * len(replayed))
	page.until(`document.querySelector(".runs bdi").textContent.includes("<iframe") && document.querySelector(".own-answer:not([hidden])") !== null`)
	s.complete("t-xss", s.append("t-xss", says("done")).Session)
	page.until(`document.body.dataset.state === "ended"`)
	check := func() {
		t.Helper()
		page.run(`
			for (const details of document.querySelectorAll("details")) details.open = true;
			for (const element of document.querySelectorAll("#timeline *")) {
				for (const type of ["mouseover", "focus", "click"]) if (!element.matches("a, a *, button, summary, summary *")) element.dispatchEvent(new Event(type));
			}`)
		page.until(`document.readyState === "complete"`)
		if evaluate[bool](page, `window.owned === 1`) {
			t.Error("a script of an event ran")
		}
		bad := evaluate[[]string](page, `[...document.querySelectorAll("body *")].flatMap(e => [
			...(e.matches("img, iframe, object, embed, style, base, meta, svg:not(#map svg, svg.spark), video, audio, #timeline form, #timeline input, #timeline script") ? [e.outerHTML.slice(0, 200)] : []),
			...e.getAttributeNames().filter(a => a.startsWith("on") || a === "style" || /^\s*(javascript|data|vbscript):/i.test(e.getAttribute(a)) && ["href", "src", "action"].includes(a)),
		])`)
		if len(bad) > 0 {
			t.Errorf("in the page: %q", bad)
		}
		for _, request := range page.requested() {
			_, url, _ := strings.Cut(request, " ")
			if !strings.HasPrefix(url, s.url+"/") && !strings.HasPrefix(url, "data:image/svg+xml,") && url != "about:blank" {
				t.Errorf("the page made a request: %s", request)
			}
		}
	}
	check()
	page.goTo(s.url + "/")
	page.until(`document.querySelector('[data-task="t-xss"]') !== null`)
	check()
}

// putTask gives a task a title and a description.
func (s *server) putTask(task, title, description string) {
	s.t.Helper()
	body := `{"title":` + quoted(title) + `,"description":` + quoted(description) + `,"type":` + quoted(title) + `}`
	req, err := http.NewRequest(http.MethodPut, s.url+"/tasks/"+task, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		s.t.Fatalf("PUT: %s", res.Status)
	}
}
