package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"jrweb/eventlog"
)

const listed = `[...document.querySelectorAll("[data-task]")].map(e => e.dataset.task).join(" ")`

// The list has all tasks, says how many there are, and finds each of them on the server.
func TestListHasAllTasks(t *testing.T) {
	const tasks = 450
	s := serve(t)
	s.stop()
	log, err := eventlog.Open(s.db, &eventlog.Options{KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range tasks {
		id := fmt.Sprintf("t-%03d", n)
		title, project := fmt.Sprintf("number %d", n), []string{"oak", "elm"}[n%2]
		if _, _, err := log.PutTask(t.Context(), id, eventlog.TaskChange{Title: &title, Project: &project}); err != nil {
			t.Fatal(err)
		}
		if n%100 == 7 {
			if _, err := log.Start(t.Context(), id, &eventlog.StartOptions{Agent: "Codex", Owner: "ann"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	page := openTab(t, s.url+"/")
	page.live()
	const summary = `document.getElementById("summary").textContent`
	page.until(summary + ` === "450 tasks" && document.querySelectorAll("[data-task]").length === 200`)
	for document := range 2 { // as the reader comes near the end
		page.run(`scrollTo(0, document.documentElement.scrollHeight)`)
		page.until(fmt.Sprintf(`document.querySelectorAll("[data-task]").length >= %d`, min(tasks, 400+200*document)))
	}
	page.until(listed + `.split(" ").length === 450 && document.getElementById("more").parentElement.hidden`)
	if first, last := evaluate[string](page, listed+`.slice(0, 5)`), evaluate[string](page, listed+`.slice(-5)`); first != "t-449" || last != "t-000" {
		t.Errorf("it goes from %s to %s", first, last)
	}

	choose := func(name, value string) {
		t.Helper()
		page.run(`const one = document.querySelector('main [name="%s"]'); one.value = %q; one.dispatchEvent(new Event("input", {bubbles: true}))`, name, value)
	}
	choose("project", "oak")
	page.until(summary + ` === "225 tasks found" && location.search === "?project=oak"`)
	choose("q", "T-12")
	page.until(summary + ` === "5 tasks found" && ` + listed + ` === "t-128 t-126 t-124 t-122 t-120"`)
	choose("project", "")
	choose("q", "")
	choose("owner", "ann")
	page.until(listed + ` === "t-407 t-307 t-207 t-107 t-007"`)
	s.append("t-107", says("hello"))
	page.until(listed + ` === "t-107 t-407 t-307 t-207 t-007"`)
	s.append("t-200", says("not hers")) // matches not
	s.append("t-007", says("the last"))
	page.until(listed + ` === "t-007 t-107 t-407 t-307 t-207" && ` + summary + ` === "5 tasks found"`)

	// The address has it all.
	page.goTo(s.url + "/?owner=ann&status=open")
	page.live()
	page.until(listed + ` === "t-007 t-107 t-407 t-307 t-207" && document.querySelector('[name="status"]').value === "open"`)
	page.goTo(s.url + "/")
	page.live()
	s.append("t-new", says("one more"))
	page.until(summary + ` === "451 tasks"`)
	s.delete("/tasks/t-new")
	page.until(summary + ` === "450 tasks"`)
}

func TestListIsUsedByKeyboard(t *testing.T) {
	s := serve(t)
	for _, task := range []string{"t-1", "t-2", "t-3"} {
		s.append(task, says("hello"))
	}
	page := openTab(t, s.url+"/")
	page.live()
	const focused = `document.activeElement.closest("tr")?.dataset.task`
	page.press("j")
	page.until(focused + ` === "t-3"`)
	page.press("jj")
	page.until(focused + ` === "t-1"`)
	page.press("k")
	page.until(focused + ` === "t-2"`)
	page.run(`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}))`)
	page.until(`document.activeElement.id === "filter"`)
	page.press(kb.Escape)
	page.until(`document.activeElement.id !== "filter"`)
	page.press("j" + kb.Enter)
	page.becomes(`document.body.dataset.task !== undefined`)
}

// What has happened since the reader's last visit is marked, until it is looked at.
func TestListMarksWhatIsNew(t *testing.T) {
	s := serve(t)
	s.append("t-1", says("hello"))
	s.append("t-2", says("hello"))
	page := openTab(t, s.url+"/")
	page.live()
	const news = `[...document.querySelectorAll('[data-news="true"]')].map(e => e.dataset.task).sort().join(" ")`
	page.until(listed + ` === "t-2 t-1" && ` + news + ` === ""`)
	s.append("t-1", says("again"))
	page.until(news + ` === "t-1"`)
	page.goTo(s.url + "/tasks/t-1")
	page.live()
	page.goTo(s.url + "/")
	page.live()
	page.until(listed + ` === "t-1 t-2" && ` + news + ` === ""`)
	s.append("t-2", says("again"))
	page.until(news + ` === "t-2"`)
}

// An open task's row says what its agent does.
func TestListSaysWhatAgentsDo(t *testing.T) {
	s := serve(t)
	s.append("t-1", call("bash", "c", "make"), `{"type":"tool_call","data":{"tool":"TodoWrite","args":{"todos":[{"content":"One","status":"completed"},{"content":"Two","status":"pending"}]},"call_id":"td"}}`)
	page := openTab(t, s.url+"/")
	page.live()
	page.until(`document.querySelector(".doing")?.innerText.includes("1/2 done")`)
	s.append("t-1", says("so"))
	for n := range 3 {
		s.append("t-1", call("bash", fmt.Sprint(n), "again"), fmt.Sprintf(`{"type":"tool_result","data":{"tool":"bash","success":false,"output":"no","call_id":"%d"}}`, n))
	}
	page.until(`document.querySelector(".doing .now-loop")?.textContent === "The same call of bash failed 3 ×"`)
	s.complete("t-1", s.append("t-1", says("over")).Session)
	// That it went in circles is true of a task that is over as well.
	for range 2 {
		page.until(`document.querySelector("[data-status]").dataset.status === "succeeded" && document.querySelector(".doing")?.textContent === "The same call of bash failed 3 ×"`)
		page.goTo(s.url + "/")
		page.live()
	}
}

// The list notifies of all its tasks, whether they are in view or not.
func TestListNotifiesThoseWhoAskForIt(t *testing.T) {
	s := serve(t)
	session := s.append("t-ends", says("one")).Session
	s.append("t-asks", says("one"))
	page := openTab(t, s.url+"/")
	page.live()
	page.run(fakeNotifications)
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "true"`)
	page.run(`document.getElementById("some").style.marginTop = "9000px"`)
	s.append("t-asks", mayI)
	page.until(`told.length === 1 && told[0] === "t-asks: waits for you / May I?"`)
	s.complete("t-ends", session)
	page.until(`told.length === 2 && told[1] === "t-ends: succeeded / The run has ended."`)
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "false"`)
}
