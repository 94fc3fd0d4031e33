package e2e

import (
	"fmt"
	"testing"
)

// A run that is over opens with what it came to; each part of that leads to the event
// that made it, and so does the map.
func TestARunThatIsOverOpensWithItsOutcome(t *testing.T) {
	s := serve(t)
	edit := func(id, file, before, after string) []string {
		return []string{
			fmt.Sprintf(`{"type":"tool_call","data":{"tool":"Edit","args":{"file_path":"/repo/%s","old_string":%q,"new_string":%q},"call_id":%q}}`, file, before, after, id),
			fmt.Sprintf(`{"type":"tool_result","data":{"tool":"Edit","success":true,"output":"ok","call_id":%q}}`, id),
		}
	}
	test := func(id string, success bool) []string {
		return []string{
			fmt.Sprintf(`{"type":"tool_call","data":{"tool":"bash","args":{"command":"go test ./..."},"call_id":%q}}`, id),
			fmt.Sprintf(`{"type":"tool_result","data":{"tool":"bash","success":%v,"output":"out","call_id":%q}}`, success, id),
		}
	}
	s.append("t-done", `{"type":"session","data":{"agent":"Agent","cwd":"/repo"}}`)
	s.append("t-done", edit("e1", "a.go", "a\nb", "a\nc")...)
	s.append("t-done", test("t1", false)...)
	page := openTab(t, s.url+"/tasks/t-done")
	page.live()
	page.until(`document.getElementById("outcome").hidden && !document.getElementById("map").hidden`)
	s.append("t-done", taskCall("sub", "look"), inside("sub", call("Grep", "g", "x")), inside("sub", result("Grep", "g", "y")), result("Task", "sub", "done"))
	page.run(`document.getElementById("scrub").focus({preventScroll: true})`)
	s.appendTo("t-done", 400)
	s.append("t-done", edit("e2", "b.go", "x", "y")...)
	s.append("t-done", test("t2", true)...)
	s.append("t-done", says("It is **mended**."), cost(`"usd":0.5`), `{"type":"complete","data":{"status":"succeeded","reason":"done"}}`)
	shows := func() {
		t.Helper()
		page.until(`document.querySelector(".outcome-title")?.textContent === "Succeeded: done"`)
		for what, want := range map[string]string{
			`document.querySelector(".outcome-answer strong").textContent`:                                           "mended",
			`[...document.querySelectorAll(".outcome-files summary code")].map(e => e.textContent).join(" ")`:        "a.go b.go",
			`document.querySelector(".came-to h3:last-of-type").textContent`:                                         "2 files changed +2 −2",
			`[...document.querySelectorAll(".outcome-tests li")].map(e => e.dataset.failed).join(" ")`:               "true false",
			`[...document.querySelectorAll(".outcome-edit .diff-line.added code")].map(e => e.textContent).join("")`: "cy",
		} {
			if got := evaluate[string](page, "%s", what); got != want {
				t.Errorf("%s is %q, want %q", what, got, want)
			}
		}
	}
	shows() // the page saw it end
	if at := evaluate[string](page, `document.activeElement.id`); at != "scrub" {
		t.Errorf("who held the scrubber holds %q", at)
	}
	page.goTo(s.url + "/tasks/t-done")
	page.until(`document.body.dataset.state === "ended" && scrollY === 0`)
	shows()
	page.has(1)
	page.run(`document.querySelectorAll(".outcome-edit a")[1].closest("details").open = true; document.querySelectorAll(".outcome-edit a")[1].click()`)
	page.until(`document.querySelector(".target")?.dataset.call === "e2"`)
	page.run(`document.querySelector(".map a.failed").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}))`)
	page.until(`document.querySelector(".target")?.dataset.call === "t1"`)
	const lanesAndCosts = `document.querySelectorAll(".map rect.lane").length === 1 && [...document.querySelectorAll(".map title")].filter(e => e.textContent.endsWith(" · $0.50")).length === 1`
	page.until(lanesAndCosts)
	page.run(`document.querySelector(".map rect.lane").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}))`)
	page.until(`document.querySelector(".target")?.dataset.call === "sub"`)
	page.run(`const scrub = document.getElementById("scrub"); scrub.value = 200; scrub.dispatchEvent(new Event("change"))`)
	page.until(`document.querySelector(".target")?.id === "200"`)

	// The same in a file.
	page.goTo("file://" + s.export("t-done"))
	page.until(`document.querySelector(".outcome-title")?.textContent === "Succeeded: done" && document.querySelectorAll(".map a.failed").length > 0 && ` + lanesAndCosts)
	if top := evaluate[bool](page, `document.getElementById("outcome").getBoundingClientRect().top < document.getElementById("timeline").getBoundingClientRect().top`); !top {
		t.Error("in the file the outcome stands behind the timeline")
	}
	if led := evaluate[bool](page, `document.getElementById(document.querySelector(".outcome-edit a, .outcome-files a").hash.slice(1)) !== null`); !led {
		t.Error("in the file a link leads nowhere")
	}
}

// appendTo appends events to the open session of a task.
func (s *server) appendTo(task string, n int) {
	s.t.Helper()
	var events []string
	for i := range n {
		events = append(events, says("event %d", i+1))
	}
	s.append(task, events...)
}
