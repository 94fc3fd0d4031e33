package page_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// changedLines are the changed lines that the outcome of a run shows, each place of a file
// after the events that made it.
func changedLines(t *testing.T, sessions []eventlog.SessionInfo, entries []page.Entry) string {
	t.Helper()
	var out strings.Builder
	if err := page.Export(&out, page.ExportPage{Task: taskWith("x"), Sessions: sessions}, func(yield func(page.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range document.Descendants() {
		if n.Type != html.ElementNode || !strings.HasPrefix(attribute(n, "class"), "outcome-edit") {
			continue
		}
		text.WriteString("|")
		for inner := range n.Descendants() {
			switch class := attribute(inner, "class"); {
			case inner.Type == html.ElementNode && inner.Data == "a":
				_, sequence, _ := strings.Cut(attribute(inner, "data-to"), ":")
				text.WriteString(" #" + sequence)
			case class == "diff-line added" || class == "diff-line removed":
				text.WriteString(" " + textOf(inner))
			case inner.Type == html.TextNode && strings.TrimSpace(inner.Data) == "Deleted":
				text.WriteString(" deleted")
			case inner.Type == html.TextNode && strings.Contains(inner.Data, "changed back") && inner.Parent == n:
				text.WriteString(" nothing")
			}
		}
	}
	return text.String()
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			text.WriteString(inner.Data)
		}
	}
	return text.String()
}

// Several edits of one file are told as one, from the first state to the last, where one
// goes on with what another has made; others stand for themselves, in their order.
func TestEditsOfAFileBecomeOneDiff(t *testing.T) {
	const edit, write, patch = `{"tool":"Edit","args":{"file_path":"a.go","old_string":%q,"new_string":%q}}`, `{"tool":"Write","args":{"file_path":"a.go","content":%q}}`, `{"tool":"apply_patch","args":{"input":%q}}`
	long := "a line that is long enough"
	tests := []struct {
		name  string
		calls []string
		want  string
	}{
		{"one", []string{fmt.Sprintf(edit, "a\nb", "a\nc")}, "| #1 -b +c"},
		{"what was made is changed again", []string{fmt.Sprintf(edit, "a\nb", "a\nc"), fmt.Sprintf(edit, "c", "d")}, "| #1 #3 -b +d"},
		{"and back", []string{fmt.Sprintf(edit, "b", "c"), fmt.Sprintf(edit, "c", "b")}, "| nothing"},
		{"two places", []string{fmt.Sprintf(edit, "a", "b"), fmt.Sprintf(edit, "x", "y")}, "| #1 -a +b| #3 -x +y"},
		{"one that stands twice is not known for sure", []string{fmt.Sprintf(edit, "a", "b\nb"), fmt.Sprintf(edit, "b", "c")}, "| #1 -a +b +b| #3 -b +c"},
		{"a larger place takes a smaller one in", []string{fmt.Sprintf(edit, "short", long), fmt.Sprintf(edit, "x\n"+long+"\ny", "x\nz")}, "| #1 #3 -short -y +z"},
		{"but not by a text that may stand elsewhere", []string{fmt.Sprintf(edit, "a", "b"), fmt.Sprintf(edit, "x b", "x c")}, "| #1 -a +b| #3 -x b +x c"},
		{"a file that is written, then edited", []string{fmt.Sprintf(write, "a\nb\n"), fmt.Sprintf(edit, "b", "c")}, "| #1 #3 +a +c"},
		{"and written anew", []string{fmt.Sprintf(write, "a\n"), fmt.Sprintf(write, "b\n")}, "| #1 #3 +b"},
		{"everywhere stands for itself", []string{fmt.Sprintf(edit, "a", "b"), strings.Replace(fmt.Sprintf(edit, "b", "c"), `"old_string"`, `"replace_all":true,"old_string"`, 1)}, "| #1 -a +b| #3 -b +c"},
		{"a patch goes on with a patch", []string{
			fmt.Sprintf(patch, "*** Begin Patch\n*** Update File: a.go\n@@\n one\n-two\n+three\n*** End Patch"),
			fmt.Sprintf(patch, "*** Begin Patch\n*** Update File: a.go\n@@\n-three\n+four\n*** End Patch"),
		}, "| #1 #3 -two +four"},
		{"a file that is made and deleted", []string{
			fmt.Sprintf(patch, "*** Begin Patch\n*** Add File: a.go\n+one\n*** End Patch"),
			fmt.Sprintf(patch, "*** Begin Patch\n*** Delete File: a.go\n*** End Patch"),
		}, "| #1 +one| #3 deleted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var lines []string
			for i, call := range test.calls {
				id := fmt.Sprintf(`,"call_id":"c%d"}`, i)
				lines = append(lines, "tool_call "+strings.TrimSuffix(call, "}")+id, `tool_result {"tool":"x","success":true,"output":""`+id)
			}
			lines = append(lines, completeLine)
			sessions := sessionsWith(t, "succeeded")
			if got := changedLines(t, sessions, timeline(t, sessions[1].ID, lines...)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The edits of what failed are none.
func TestAnEditThatFailedIsNoChange(t *testing.T) {
	const call = `tool_call {"tool":"Edit","args":{"file_path":"a.go","old_string":"a","new_string":"b"},"call_id":"c"}`
	for success, want := range map[bool]string{true: "| #1 -a +b", false: ""} {
		sessions := sessionsWith(t, "succeeded")
		entries := timeline(t, sessions[1].ID, call, fmt.Sprintf(`tool_result {"tool":"Edit","success":%v,"output":"","call_id":"c"}`, success), completeLine)
		if got := changedLines(t, sessions, entries); got != want {
			t.Errorf("success %v: got %s, want %s", success, got, want)
		}
	}
}
