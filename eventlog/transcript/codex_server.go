package transcript

import (
	"cmp"
	"encoding/json"
	"strings"

	"jrweb/eventlog"
)

// isCodexServer: methods of the app server, which are of no other protocol over JSON-RPC.
func isCodexServer(o object) bool {
	if o.object("params") == nil {
		return false
	}
	switch o.text("method") {
	case "thread/started", "thread/start", "thread/resume", "thread/fork", "turn/start", "turn/started", "turn/completed", "item/started", "item/completed":
		return true
	}
	return false
}

// codexServer converts what goes over the wire to Codex's app server, or only what
// comes from there: JSON-RPC, one message a line.
type codexServer struct {
	holdsNothing
	items    codexItems
	thread   string // of the run, the first that is named
	accounts map[string]*codexAccount
	callers  recent[string] // the calls that started other threads, by thread
	asked    recent[string] // what the ids of requests are about
	prompts  recent[int]
}

// mostThreads is how many threads a run has at most whose tokens are counted.
const mostThreads = 1000

func (c *codexServer) object(o object, out *output) bool {
	p := o.object("params")
	method := o.text("method")
	if method == "" {
		return c.response(o, out)
	}
	thread := cmp.Or(p.text("threadId", "conversationId"), p.object("thread").text("id"))
	var known bool
	out.inside(c.caller(thread, method), func() { known = c.message(method, thread, o, p, out) })
	return known
}

// caller returns the call that a thread works for, "" for the run's own thread.
func (c *codexServer) caller(thread, method string) string {
	if c.thread == "" && !strings.HasPrefix(method, "thread/start") {
		c.thread = thread
	}
	if thread == "" || thread == c.thread || c.thread == "" {
		return ""
	}
	call, known := c.callers.get(thread)
	if !known {
		return thread
	}
	return call
}

func (c *codexServer) message(method, thread string, o, p object, out *output) bool {
	switch method {
	case "thread/started":
		c.started(p.object("thread"), out)
	case "thread/name/updated":
		if out.parent == "" {
			out.title(p.text("threadName", "name"))
		}
	case "thread/start", "thread/resume", "thread/fork":
		out.begin(Origin{Agent: "Codex", Model: p.text("model"), Dir: p.text("cwd")})
	case "thread/tokenUsage/updated":
		u := p.object("tokenUsage")
		c.account(thread).total(codexUsage(u.object("total")), codexUsage(u.object("last")), out)
	case "turn/start", "turn/steer":
		c.user(wasSent, p.value("input"), out)
	case "turn/started":
		out.working()
	case "turn/completed":
		c.turnCompleted(p.object("turn"), out)
	case "turn/plan/updated":
		c.items.todoList(codexTodo(p.list("plan"), "step"), out)
	case "item/started", "item/completed":
		return c.item(method == "item/completed", p.object("item"), out)
	case "error":
		message := codexError(p.object("error").text("message"))
		out.error(message, "")
		if !p.isTrue("willRetry") && !isCodexRetry(message) {
			out.failed(message)
		}
	case "warning", "configWarning", "deprecationNotice":
		out.error(p.text("message", "summary"), "warning")
	case "model/rerouted":
		out.begin(Origin{Agent: "Codex", Model: p.text("toModel")})
	default:
		return c.request(method, o, p, out) || isServerBookkeeping(method)
	}
	return true
}

func (c *codexServer) started(thread object, out *output) {
	id := thread.text("id")
	if c.thread == "" {
		c.thread = id
	}
	if id != c.thread {
		return
	}
	out.begin(Origin{
		Agent: "Codex", Version: thread.text("cliVersion"), Session: id, Model: thread.text("model"),
		Dir: thread.text("cwd"), Branch: thread.object("gitInfo").text("branch"), Parent: thread.text("parentThreadId"),
	})
	out.title(thread.text("name"))
}

func (c *codexServer) account(thread string) *codexAccount {
	if c.accounts == nil {
		c.accounts = map[string]*codexAccount{}
	}
	a := c.accounts[thread]
	if a == nil {
		if len(c.accounts) == mostThreads {
			return &codexAccount{thread: thread}
		}
		a = &codexAccount{thread: thread}
		c.accounts[thread] = a
	}
	return a
}

func (c *codexServer) turnCompleted(turn object, out *output) {
	message := codexError(turn.object("error").text("message"))
	switch status := snake(turn.text("status")); status {
	case "completed", "":
		out.done()
	case "interrupted":
		out.status("the turn was aborted: interrupted")
		out.canceled("the turn was aborted: interrupted")
	case "failed":
		out.error(message, "turn_failed")
		out.failed(cmp.Or(message, "the turn failed"))
	default:
		out.working()
	}
}

func (c *codexServer) item(done bool, item object, out *output) bool {
	id := item.text("id")
	switch codexKind(item) {
	case "usermessage":
		if done {
			c.user(wasTaken, item.value("content"), out)
		}
	case "agentmessage":
		if done {
			out.says(eventlog.TypeAssistant, item.text("text"))
		}
	case "reasoning":
		for _, text := range append(stringsOf(item.list("summary")), stringsOf(item.list("content"))...) {
			if done {
				out.says(eventlog.TypeThought, text)
			}
		}
	case "plan":
		if done {
			out.status("Plan:\n" + item.text("text"))
		}
	case "contextcompaction":
		if done {
			out.status("The conversation was compacted")
		}
	case "exitedreviewmode":
		if done {
			out.says(eventlog.TypeAssistant, item.text("review"))
		}
	case "hookprompt":
		for _, raw := range item.list("fragments") {
			if done {
				out.user(eventlog.System, parseObject(raw).text("text"), nil)
			}
		}
	default:
		for _, started := range stringsOf(listOf(cmpRaw(item.value("receiverThreadIds"), item.value("newThreadId")))) {
			if _, known := c.callers.get(started); !known && id != "" {
				c.callers.put(started, id)
			}
		}
		return c.items.tool(id, item, done, out) || c.items.note(item, done, out)
	}
	return true
}

// The ways of a prompt.
const (
	wasSent  = 1
	wasTaken = -1
)

// user tells what was said to the agent. Where the stream has both directions it is
// there twice, as it was sent and as it was taken.
func (c *codexServer) user(way int, content json.RawMessage, out *output) {
	for _, piece := range codexPieces(content, nil) {
		key := squash(piece.text)
		ahead, _ := c.prompts.get(key) // how often it was sent more than taken
		c.prompts.put(key, ahead+way)
		if ahead*way < 0 {
			continue
		}
		actor := eventlog.Human
		if piece.context {
			actor = eventlog.System
		}
		out.user(actor, piece.text, piece.parts)
	}
}

// request tells what the server asks the person, and remembers it until the answer.
func (c *codexServer) request(method string, o, p object, out *output) bool {
	var what string
	switch method {
	case "item/commandExecution/requestApproval", "execCommandApproval":
		what = cmp.Or(p.text("command"), shellCommand(stringsOf(p.list("command"))), "a command")
	case "item/fileChange/requestApproval", "applyPatchApproval":
		what = "change files"
	case "item/permissions/requestApproval":
		what = "permissions"
	case "item/tool/requestUserInput":
		c.asked.put(string(o.value("id")), "")
		for _, q := range questionsOf(p.list("questions")) {
			q.id, q.call = string(o.value("id")), p.text("itemId")
			out.asks(q)
		}
		return true
	default:
		return false
	}
	c.asked.put(string(o.value("id")), what)
	out.asks(question{
		id: string(o.value("id")), call: p.text("itemId", "callId"), text: "Permission asked: " + what,
		options: optionsOf(p.list("availableDecisions")), more: data(nil).some("reason", p.text("reason")),
	})
	return true
}

// response tells an answer to a question of the server. Any other answer tells nothing that a
// notification does not, except an error.
func (c *codexServer) response(o object, out *output) bool {
	if !o.has("id") {
		return false
	}
	if what, known := c.asked.get(string(o.value("id"))); known && o.has("result") {
		if what == "" { // the answers come with the result of the call
			out.answered(string(o.value("id")))
		} else {
			out.decided(string(o.value("id")), snake(o.object("result").text("decision")), data(nil).text("about", what))
		}
		return true
	}
	if failure := o.object("error"); failure != nil {
		out.error(failure.text("message"), "")
		return true
	}
	result := o.object("result")
	if thread := result.object("thread"); thread != nil {
		c.started(thread, out)
		out.begin(Origin{Agent: "Codex", Model: result.text("model"), Dir: result.text("cwd")})
	}
	return o.has("result")
}

// isServerBookkeeping: pieces of what comes again as a whole, and messages that are
// about the program around the agent.
func isServerBookkeeping(method string) bool {
	for _, start := range []string{
		"initialize", "account/", "config/", "model/", "skills/", "app/", "fs/", "fuzzyFileSearch", "mcpServer", "thread/", "turn/diff/",
		"turn/interrupt", "rawResponseItem/", "serverRequest/", "hook/", "codex/event/", "windows/", "command/", "process/", "review/start",
		"remoteControl/",
	} {
		if strings.HasPrefix(method, start) {
			return true
		}
	}
	return strings.HasPrefix(method, "item/") && (strings.HasSuffix(method, "elta") || strings.HasSuffix(method, "/progress") ||
		strings.HasSuffix(method, "Added") || strings.HasSuffix(method, "/terminalInteraction") || strings.HasSuffix(method, "/patchUpdated"))
}
