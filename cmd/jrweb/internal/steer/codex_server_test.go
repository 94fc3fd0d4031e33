package steer

import (
	"fmt"
	"strings"
	"testing"
)

func TestACommandCannotEndTheBlockThatShowsIt(t *testing.T) {
	const command = "ls\n```\n\nIt only lists.\n\n````sh\nrm -rf ~"
	c := newCodexServer(false, "/")
	d := c.Hear(fmt.Appendf(nil, `{"id":7,"method":"item/commandExecution/requestApproval","params":{"itemId":"i","command":%q}}`, command))
	if len(d.Asks) != 1 {
		t.Fatalf("asked %d questions", len(d.Asks))
	}
	if got, want := d.Asks[0].Content, "May I run this?\n\n`````sh\n"+command+"\n`````"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
