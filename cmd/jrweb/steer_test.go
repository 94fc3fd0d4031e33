package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"jrweb/router/client"
)

// person appends what a person says on the page.
func (w *steeredRun) person(e client.Event, kind, data string) {
	w.Helper()
	status := w.post("/tasks/t-1/sessions/"+e.Session.String()+"/events", fmt.Sprintf(`{"type":%q,"actor":"human","data":%s}`, kind, data))
	if status != 200 {
		w.Fatalf("%s %s: %d", kind, data, status)
	}
}

// record is what a run has recorded, a line each: type and data.
func (w *steeredRun) record() []string {
	w.Helper()
	var all []string
	for e, err := range w.client.Events(w.Context(), "t-1", [16]byte{}) {
		w.must(err)
		all = append(all, fmt.Sprintf("%d %s %s", e.Sequence, e.Type, e.Data))
	}
	return all
}

func (w *steeredRun) holds(want ...string) {
	w.Helper()
	all := strings.Join(w.record(), "\n")
	for _, text := range want {
		if n := strings.Count(all, text); n != 1 {
			w.Errorf("%q is %d times in\n%s", text, n, all)
		}
	}
}

func TestAPersonsMessageIsALineOfTheCommandsInput(t *testing.T) {
	w := watchRun(t, `echo ready; read a; echo "a: $a"; read b; echo "b: $b"; exec <&-; echo bye`, "-steer", "-stdin")
	w.says("ready")
	first := w.event("assistant")
	// What a program says is a record, and reaches nobody.
	w.post("/tasks/t-1/events", `{"type":"user","actor":"human","data":{"content":"a forged word"}}`, program)
	w.person(first, "comment", `{"content":"for people"}`)
	w.person(first, "user", `{"content":"Use tabs."}`)
	w.says("a: Use tabs.")
	w.event("receipt")
	w.person(first, "user", `{"content":"\u0007And spaces."}`)
	w.says("b: And spaces.")
	w.says("bye")
	w.ends(0)
	w.holds(`"content":"Use tabs.","author":"local"`, `receipt {"for":4,"state":"delivered"}`, `complete {"status":"succeeded"`)
	if all := strings.Join(w.record(), "\n"); strings.Contains(all, `"for":2`) || strings.Contains(all, "a: a forged word") {
		t.Errorf("the program was heard:\n%s", all)
	}
	for s, err := range w.client.Sessions(t.Context(), "t-1") {
		w.must(err)
		if !s.Steer {
			t.Error("the session does not say that it can be spoken to")
		}
	}
}

// Our own input is the command's, before what people say and after it.
func TestOurOwnInputReachesACommandThatIsSpokenTo(t *testing.T) {
	w := watchRun(t, `while read x; do echo "got $x"; done`, "-steer", "-stdin")
	_, err := w.in.Write([]byte("own\n"))
	w.must(err)
	w.says("got own")
	first := w.event("assistant")
	w.person(first, "user", `{"content":"a\nb"}`)
	w.says("got a")
	w.says("got b")
	_, err = w.in.Write([]byte("own again\n"))
	w.must(err)
	w.says("got own again")
	w.must(w.in.Close())
	w.person(first, "user", `{"content":"after the end of our own"}`)
	w.says("got after the end of our own")
	w.cancel(first.Session)
	w.ends(130)
}

func TestAMessageThatNobodyReadsHasAReceiptThatSaysSo(t *testing.T) {
	w := watchRun(t, `exec <&-; echo ready; while ! test -e "$0.go"; do sleep 0.05; done; echo bye`, "-steer", "-stdin")
	// The shell's $0 is sh: its file is in the working directory.
	w.Cleanup(func() { _ = os.Remove("sh.go") })
	w.says("ready")
	first := w.event("assistant")
	w.person(first, "user", `{"content":"Hello?"}`)
	receipt := w.event("receipt")
	w.must(os.WriteFile("sh.go", nil, 0o600))
	w.says("bye")
	w.ends(0)
	var data map[string]any
	w.must(json.Unmarshal(receipt.Data, &data))
	if data["state"] != "failed" || data["reason"] != "the command takes no more input" {
		t.Errorf("the receipt says %s", receipt.Data)
	}
}

// claudeScript speaks as Claude Code does, as far as it is spoken to.
const claudeScript = `
read line
case $line in *'"text":"Do it"'*) ;; *) echo "odd: $line"; exit 1;; esac
echo '{"type":"system","subtype":"init","cwd":"/tmp","session_id":"s-1","tools":["Bash"],"mcp_servers":[],"model":"claude-sonnet-4","permissionMode":"default","claude_code_version":"2.1.7"}'
echo '{"type":"control_request","request_id":"r-1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"rm -r build"},"tool_use_id":"call-1"}}'
while read line; do
	case $line in
	*'"text":"And then?"'*) id=${line#*'"uuid":"'}; echo '{"type":"user","uuid":"'${id%%'"'*}'","isReplay":true,"session_id":"s-1","message":{"role":"user","content":[{"type":"text","text":"And then?"}]}}';;
	*'"behavior":"allow"'*'"request_id":"r-1"'*|*'"request_id":"r-1"'*'"behavior":"allow"'*) break;;
	*) echo "odd: $line"; exit 1;;
	esac
done
echo '{"type":"result","subtype":"success","is_error":false,"duration_ms":1000,"num_turns":1,"result":"Done.","session_id":"s-1","total_cost_usd":0.01,"usage":{"input_tokens":10,"output_tokens":5}}'
while read line; do echo "odd: $line"; done
exit 0
`

func TestAQuestionForPermissionIsAnsweredByAPerson(t *testing.T) {
	w := watchRun(t, `exit 0`)
	w.ends(0)
	w.errs.Reset()
	w.cmd = exec.Command("jrweb", "run", "-task", "t-2", "-steer", "-url", w.url, "-spool", w.spool, "--", "sh", "-c", claudeScript, "--input-format", "stream-json")
	w.cmd.Stdin, w.cmd.Stderr = strings.NewReader("Do it\n"), &w.errs
	out, err := w.cmd.StdoutPipe()
	w.must(err)
	w.must(w.cmd.Start())
	t.Cleanup(func() { kill(w.cmd) })
	go func() { _, _ = io.Copy(io.Discard, out) }()
	question := w.eventOf("t-2", "question")
	post := func(status int, kind, data string, headers ...string) {
		t.Helper()
		path := "/tasks/t-2/sessions/" + question.Session.String() + "/events"
		if got := w.post(path, fmt.Sprintf(`{"type":%q,"data":%s}`, kind, data), headers...); got != status {
			t.Fatalf("%s %s: %d, want %d", kind, data, got, status)
		}
	}
	// The agent's question, under another's words: who answers that one allows nothing.
	var data struct{ Request string }
	w.must(json.Unmarshal(question.Data, &data))
	post(200, "question", fmt.Sprintf(`{"content":"May I look?","request":%q}`, data.Request), program)
	post(200, "answer", fmt.Sprintf(`{"for":%d,"value":"allow"}`, question.Sequence+1))
	post(200, "user", `{"content":"And then?"}`)
	post(200, "answer", fmt.Sprintf(`{"for":%d,"value":"allow"}`, question.Sequence))
	post(409, "answer", fmt.Sprintf(`{"for":%d,"value":"deny"}`, question.Sequence))
	wantExit(t, w.cmd.Wait(), 0)
	var all []string
	for e, err := range w.client.Events(t.Context(), "t-2", [16]byte{}) {
		w.must(err)
		all = append(all, fmt.Sprintf("%s %s", e.Type, e.Data))
	}
	text := strings.Join(all, "\n")
	for want, times := range map[string]int{
		`"options":[{"value":"allow","label":"Allow once"},{"value":"deny","label":"Deny"}],"call_id":"call-1"`: 1,
		`"content":"And then?"`: 1, // and not again as Claude Code repeats it
		// What is read at once has no other receipt.
		fmt.Sprintf(`receipt {"for":%d,"state":"read"}`, question.Sequence+3):      1,
		fmt.Sprintf(`receipt {"for":%d,"state":"delivered"}`, question.Sequence+4): 1,
		"odd:": 0, `complete {"status":"succeeded"`: 1,
	} {
		if n := strings.Count(text, want); n != times {
			t.Errorf("%s is there %d times, want %d:\n%s", want, n, times, text)
		}
	}
}

// Who answers a question that its agent has taken back hears that at once.
func TestAnAnswerToAQuestionThatWasTakenBackHasAReceipt(t *testing.T) {
	const script = `
read line
echo '{"type":"system","subtype":"init","cwd":"/tmp","session_id":"s-1","tools":["Bash"],"mcp_servers":[],"model":"claude-sonnet-4","permissionMode":"default","claude_code_version":"2.1.7"}'
echo '{"type":"control_request","request_id":"r-1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"},"tool_use_id":"call-1"}}'
echo '{"type":"control_cancel_request","request_id":"r-1"}'
echo '{"type":"assistant","session_id":"s-1","message":{"id":"m-1","role":"assistant","model":"claude-sonnet-4","content":[{"type":"text","text":"On."}]}}'
while read line; do :; done
`
	w := watchRun(t, `exit 0`)
	w.ends(0)
	w.cmd = exec.Command("jrweb", "run", "-task", "t-1", "-steer", "-url", w.url, "-spool", w.spool, "-grace", "300ms", "--", "sh", "-c", script, "--input-format", "stream-json")
	w.cmd.Stdin, w.cmd.Stderr = strings.NewReader("Do it\n"), &w.errs
	w.must(w.cmd.Start())
	t.Cleanup(func() { kill(w.cmd) })
	question := w.event("question")
	w.event("assistant") // what stands behind it was heard
	w.person(question, "answer", fmt.Sprintf(`{"for":%d,"value":"allow"}`, question.Sequence))
	if got, want := string(w.event("receipt").Data), fmt.Sprintf(`{"for":%d,"state":"failed","reason":"the command does not wait for it"}`, question.Sequence+2); got != want {
		t.Errorf("the receipt is %s, want %s", got, want)
	}
	w.cancel(question.Session)
	_ = w.cmd.Wait()
}

func TestWhatCannotBeSpokenToIsSaidBeforehand(t *testing.T) {
	for command, want := range map[string]string{
		"-steer -- true":                              "if it reads lines, say -stdin",
		"-steer -- claude -p hello":                   "--input-format stream-json",
		"-stdin -- true":                              "-stdin is for -steer",
		"-steer -stdin -db jr.db -- true":             "-steer needs somebody who speaks",
		"-steer -db jr.db -- codex exec --json hello": "-steer needs somebody who speaks",
	} {
		cmd := exec.Command("jrweb", append([]string{"run", "-task", "t-1"}, strings.Fields(command)...)...)
		cmd.Env = append(os.Environ(), "PATH="+fakeAgents(t)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		wantExit(t, err, 2)
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: %s", command, out)
		}
	}
}

// fakeAgents is a folder with programs that are called as agents are.
func fakeAgents(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{"claude", "codex"} {
		if err := os.WriteFile(dir+"/"+name, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
