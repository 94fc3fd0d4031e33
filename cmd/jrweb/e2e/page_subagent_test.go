package e2e

import "testing"

// What stands beside the rows of a subagent leaves them room, and lies on none of them,
// on a desk, in half a window and on a phone.
func TestRowsOfASubagentHaveRoom(t *testing.T) {
	s := serve(t)
	s.append("t-sub", `{"type":"tool_call","data":{"tool":"Task","args":{"description":"Look around"},"call_id":"sub"}}`,
		`{"type":"user","data":{"content":"Look at the files for me.","parent_call_id":"sub"}}`,
		`{"type":"assistant","data":{"content":"I am the helper.","parent_call_id":"sub"}}`,
		`{"type":"cost","data":{"usd":0.0123,"id":"m1","part_of":"p","parent_call_id":"sub"}}`,
		`{"type":"tool_call","data":{"tool":"run_shell_command","args":{"command":"echo one file; sleep 0.1; exit 3"},"call_id":"c","parent_call_id":"sub"}}`,
		`{"type":"tool_result","data":{"tool":"run_shell_command","success":false,"output":"one file","call_id":"c","duration_ms":1100,"parent_call_id":"sub"}}`)
	page := openTab(t, s.url+"/tasks/t-sub")
	page.live()
	page.until(`document.querySelectorAll(".nested > .event").length === 3`)
	for _, width := range []int64{1280, 960, 700, 390, 320} {
		emulate(page, "light", width, 900)
		for _, fault := range evaluate[[]string](page, `[...document.querySelectorAll(".nested > .event")].flatMap((row) => {
			const boxes = [".meta", ".content", ".costs"].map((part) => [part, row.querySelector(":scope > " + part)?.getBoundingClientRect()]).filter(([, box]) => box?.width > 0);
			const faults = boxes.flatMap(([a, one], i) => boxes.slice(i + 1).filter(([, other]) =>
				Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1,
			).map(([b]) => "#" + row.dataset.seq + ": " + a + " lies on " + b));
			const summary = row.querySelector(".tool > summary");
			if (summary !== null && summary.scrollWidth > summary.clientWidth + 1) faults.push("#" + row.dataset.seq + ": its line sticks out");
			const share = row.querySelector(":scope > .content").getBoundingClientRect().width / innerWidth;
			if (share < 0.35) faults.push("#" + row.dataset.seq + " has " + share + " of the width");
			return faults;
		})`) {
			t.Errorf("%d wide: %s", width, fault)
		}
	}
}

// What programs tell an agent in a person's place is a line of its own, and no person's:
// the person's words are in sight.
func TestWhatAProgramTellsTheAgentIsFolded(t *testing.T) {
	s := serve(t)
	s.append("t-told",
		`{"type":"user","actor":"system","data":{"content":"You are an agent.\n\n# Rules\n\nBe kind."}}`,
		`{"type":"user","actor":"human","data":{"content":"Look at the files."}}`)
	page := openTab(t, s.url+"/tasks/t-told")
	page.live()
	page.until(`document.querySelector('[data-seq="1"] .told') !== null && !document.querySelector('[data-seq="1"] .told').open`)
	if shown := evaluate[string](page, `document.querySelector('[data-seq="1"]').querySelector(".preview").textContent`); shown != "You are an agent." {
		t.Errorf("of it is seen %q", shown)
	}
	page.run(`document.querySelector('.kind-button[data-kind="people"]').click()`)
	page.until(`document.querySelector('[data-seq="1"]').checkVisibility() === false && document.querySelector('[data-seq="2"]').checkVisibility()`)
}
