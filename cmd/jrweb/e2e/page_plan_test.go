package e2e

import "testing"

// The plan of an agent that makes it step by step is a checklist in the head, and what
// changes a step says which and how.
func TestThePlanIsAChecklist(t *testing.T) {
	s := serve(t)
	s.append("t-plan", says("A plan."))
	page := openTab(t, s.url+"/tasks/t-plan")
	page.live()
	page.until(`document.getElementById("now-plan").hidden`)
	do := func(id, tool, args, output string) {
		s.append("t-plan", `{"type":"tool_call","data":{"tool":"`+tool+`","args":`+args+`,"call_id":"`+id+`"}}`, result(tool, id, output))
	}
	do("1", "TaskCreate", `{"subject":"Look <b>","description":"x"}`, "Task #1 created successfully: Look")
	do("2", "TaskCreate", `{"subject":"Mend","description":"x"}`, "Task #2 created successfully: Mend")
	page.nowSays("0/2 done")
	page.run(`document.getElementById("now-progress").click()`)
	do("3", "TaskUpdate", `{"taskId":"1","status":"completed"}`, "Updated task #1 status")
	do("4", "TaskUpdate", `{"taskId":"2","status":"in_progress"}`, "Updated task #2 status")

	const steps = `[...document.querySelectorAll("#now-plan li")].map(e => e.dataset.state + " " + e.querySelector("bdi").textContent).join(", ")`
	for range 2 { // live, and after a reload
		page.has(9)
		page.nowSays("1/2 done")
		page.until(steps + ` === "done Look <b>, doing Mend"`)
		page.until(`[...document.querySelectorAll('[data-tool="TaskUpdate"] .argument')].map(e => e.textContent).join(", ") === "#1 · done, #2 · in progress"`)
		page.until(`document.getElementById("now-plan").open && document.querySelector("#now-plan .steps").checkVisibility()`)
		page.goTo(s.url + "/tasks/t-plan")
		page.live()
		page.run(`document.getElementById("now-progress").click()`)
	}
}
