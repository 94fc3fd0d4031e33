package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// listening starts a session whose agent can be spoken to.
func (s *server) listening(task string) string {
	s.t.Helper()
	var info struct{ ID string }
	s.post("/tasks/"+task+"/sessions", `{"steer":true}`, &info)
	return info.ID
}

const mayI = `{"type":"question","data":{"content":"May I?","options":[{"value":"allow","label":"Allow once"},{"value":"deny","label":"Deny"}]}}`

// What an agent asks is answered by a button, and who looks sees what became of what people
// said: live, and after a reload.
func TestPageAnswersQuestionsAndShowsReceipts(t *testing.T) {
	s := serve(t)
	session := s.listening("t-ask")
	s.append("t-ask", says("one"), mayI)
	page := openTab(t, s.url+"/tasks/t-ask")
	page.live()
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 2 && document.getElementById("deaf").hidden`)
	page.run(`document.querySelector('.option[data-value="deny"]').click()`)
	page.until(`document.querySelector('#timeline [data-type="answer"] .text')?.textContent === "deny"`)
	if got := s.written("t-ask")[2]; string(got.Data) != `{"for":2,"value":"deny","author":"local"}` {
		t.Errorf("the answer is %s", got.Data)
	}
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 0 && document.querySelector('.option[aria-pressed="true"]').dataset.value === "deny"`)
	page.until(`document.body.dataset.follow === "true"`) // what comes of the answer is seen
	page.run(`document.getElementById("message").value = "Go on"; document.getElementById("compose").requestSubmit()`)
	page.has(4)
	receipt := func(of int, state, more string) {
		s.append("t-ask", fmt.Sprintf(`{"type":"receipt","actor":"system","data":{"for":%d,"state":%q%s}}`, of, state, more))
	}
	shown := func(want ...string) {
		t.Helper()
		page.until(fmt.Sprintf(`[...document.querySelectorAll("#timeline .receipt")].map((p) => p.textContent).join("|") === %q`, strings.Join(want, "|")))
	}
	receipt(3, "delivered", "")
	receipt(4, "delivered", "")
	shown("Delivered", "Delivered")
	receipt(4, "read", "")
	shown("Delivered", "Read")
	live := evaluate[string](page, `document.querySelector("#timeline").innerText`)
	page.goTo(s.url + "/tasks/t-ask")
	page.live()
	shown("Delivered", "Read")
	if loaded := evaluate[string](page, `document.querySelector("#timeline").innerText`); loaded != live {
		t.Errorf("live:\n%s\nloaded:\n%s", live, loaded)
	}
	page.run(`document.getElementById("message").value = "Too late"; document.getElementById("compose").requestSubmit()`)
	page.has(8)
	receipt(8, "failed", `,"reason":"the command had ended"`)
	shown("Delivered", "Read", "Not delivered: the command had ended")
	s.append("t-ask", mayI)
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 2`)
	s.complete("t-ask", session)
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 0`)
}

// A question that leaves the page with the event that brings its answer is an answered one.
func TestAQuestionLeavesThePageWithItsAnswer(t *testing.T) {
	s := serve(t)
	s.append("t-leaves", mayI)
	for n := range 199 {
		s.append("t-leaves", says("%d", n))
	}
	page := openTab(t, s.url+"/tasks/t-leaves")
	page.live()
	page.has(200)
	page.run(`new MutationObserver((changes) => {
		for (const row of changes.flatMap(({ removedNodes }) => [...removedNodes])) {
			if (row.id === "1") globalThis.left = [...row.querySelectorAll(".option")].map((option) => option.getAttribute("aria-pressed")).join(" ");
		}
	}).observe(document.getElementById("timeline"), { childList: true })`)
	s.append("t-leaves", `{"type":"answer","data":{"for":1,"value":"deny"}}`)
	page.until(`globalThis.left !== undefined`)
	if left := evaluate[string](page, `left`); left != "false true" {
		t.Errorf("the answers are pressed: %q", left)
	}
}

// What is asked without options, or may be answered otherwise, is answered in words of one's
// own.
func TestPageTakesAnswersInWordsOfOnesOwn(t *testing.T) {
	s := serve(t)
	s.listening("t-own")
	page := openTab(t, s.url+"/tasks/t-own")
	page.live()
	const shown = `[...document.querySelectorAll(".own-answer")].filter(e => e.checkVisibility()).map(e => e.textContent).join("|")`
	answers := func(to, text string) {
		t.Helper()
		page.run(`[...document.querySelectorAll(".own-answer")].find(e => e.checkVisibility()).click()`)
		page.until(`document.activeElement.id === "answer-text"`)
		if asked := evaluate[string](page, `document.querySelector("#answer-dialog p").textContent`); asked != to {
			t.Errorf("the dialog asks %q", asked)
		}
		page.press(text + kb.Enter)
		page.until(fmt.Sprintf(`[...document.querySelectorAll('#timeline [data-type="answer"] .text')].at(-1)?.textContent === %q`, text))
		page.until(shown + ` === ""`)
	}
	s.append("t-own", mayI) // the control: its agent understands its options alone
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 2 && ` + shown + ` === ""`)
	s.append("t-own", `{"type":"question","data":{"content":"Which **name**?"}}`)
	page.until(shown + ` === "Answer…"`)
	answers("Which name?", "jr web")
	s.append("t-own", strings.Replace(strings.Replace(mayI, "May I?", "May I?\\n\\n```\\nrm x\\n```", 1), `"options"`, `"other":"Deny, and say why","options"`, 1))
	page.until(shown + ` === "Deny, and say why…"`)
	answers("May I?", "use find")
	if got := s.written("t-own"); string(got[2].Data) != `{"for":2,"value":"jr web","author":"local"}` || string(got[4].Data) != `{"for":4,"value":"use find","author":"local"}` {
		t.Errorf("the answers are %s and %s", got[2].Data, got[4].Data)
	}
	live := evaluate[string](page, rendered, "#timeline")
	page.goTo(s.url + "/tasks/t-own")
	page.live()
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 2`)
	sameText(t, "the timeline", live, evaluate[string](page, rendered, "#timeline"))
}

// An agent that nobody can speak to says so before anybody writes.
func TestPageSaysBeforehandThatAnAgentCannotBeSpokenTo(t *testing.T) {
	s := serve(t)
	s.append("t-deaf", says("one"), mayI)
	page := openTab(t, s.url+"/tasks/t-deaf")
	page.live()
	page.until(`!document.getElementById("deaf").hidden && document.getElementById("deaf").textContent.includes("cannot be spoken to")`)
	page.until(`document.querySelector('#compose [value="user"]').disabled && document.querySelector('#compose [value="comment"]').checked`)
	page.until(`document.querySelectorAll(".option:not([disabled])").length === 0`)
	page.run(`document.getElementById("message").value = "for people"; document.getElementById("compose").requestSubmit()`)
	page.has(3)
	if got := s.written("t-deaf")[2]; got.Type != "comment" {
		t.Errorf("it is a %s", got.Type)
	}
}

// fakeNotifications notes what the desktop would show, while nobody looks at the page.
const fakeNotifications = `
	window.told = [];
	window.Notification = class extends EventTarget {
		static permission = "default";
		static async requestPermission() { return (this.permission = "granted"); }
		constructor(title, { body }) { super(); told.push(title + " / " + body); }
	};
	document.hasFocus = () => false;`

// The button stays when another part of the run is loaded.
func TestThePageStillNotifiesAfterAnotherPartWasLoaded(t *testing.T) {
	s := serve(t)
	session := s.appendMany("t-part", 500)
	page := openTab(t, s.url+"/tasks/t-part")
	page.live()
	page.run(fakeNotifications)
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "true"`)
	page.run(`scrollTo(0, 0)`)
	page.until(`document.querySelector('[data-seq="290"]') !== null`)
	page.until(`document.getElementById("notify")?.getAttribute("aria-pressed") === "true"`)
	s.complete("t-part", session)
	page.until(`told.length === 1 && told[0] === "t-part: succeeded / The run has ended."`)
}

// Notifications are for those who ask for them, once the run has ended or waits.
func TestPageNotifiesThoseWhoAskForIt(t *testing.T) {
	s := serve(t)
	session := s.append("t-note", says("one")).Session
	page := openTab(t, s.url+"/tasks/t-note")
	page.live()
	page.run(fakeNotifications)
	s.append("t-note", mayI)
	page.has(2)
	if told := evaluate[int](page, `told.length`); told != 0 {
		t.Errorf("%d notifications before anybody asked", told)
	}
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "true"`)
	s.append("t-note", strings.Replace(mayI, "May I?", "And now?", 1))
	page.until(`told.length === 1 && told[0] === "t-note: waits for you / And now?"`)
	s.append("t-note", `{"type":"tool_call","data":{"tool":"Task","args":{},"call_id":"sub"}}`, strings.Replace(strings.Replace(mayI, "May I?", "Below?", 1), `"options"`, `"parent_call_id":"sub","options"`, 1))
	page.until(`told.length === 2 && told[1] === "t-note: waits for you / Below?"`)
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "false"`)
	page.run(`document.getElementById("notify").click()`)
	page.until(`document.getElementById("notify").getAttribute("aria-pressed") === "true"`)
	s.complete("t-note", session)
	page.until(`told.length === 3 && told[2] === "t-note: succeeded / The run has ended."`)
}

// Who looks at a run that is over would wait in vain. The whole history goes on with the next
// session, and so does the offer.
func TestPageOffersToNotifyOnlyWhileARunMayGoOn(t *testing.T) {
	s := serve(t)
	session := s.append("t-over", says("one")).Session
	offered := func(page *tab, want bool) {
		t.Helper()
		page.until(fmt.Sprintf(`document.getElementById("notify").checkVisibility() === %t`, want))
	}
	page := openTab(t, s.url+"/tasks/t-over")
	page.live()
	offered(page, true)
	s.complete("t-over", session)
	offered(page, false)
	page.goTo(s.url + "/tasks/t-over")
	page.until(`document.body.dataset.state === "ended"`)
	offered(page, false)
	page.goTo(s.url + "/tasks/t-over?sessions=all")
	page.live()
	offered(page, true)
	s.delete("/tasks/t-over")
	page.until(`document.body.dataset.state === "gone"`)
	offered(page, false)
}
