package page_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"jrweb/eventlog"
	"jrweb/router/page"
)

func TestWhatATerminalWouldShow(t *testing.T) {
	tests := []struct{ name, output, want string }{
		{"text", "a <b>\n", "a &lt;b&gt;\n"},
		{"colours", "\x1b[31mred\x1b[0m \x1b[1;92mbold\x1b[22m green\x1b[39m", `<span class="t-fg1">red</span> <span class="t-fg10 t-bold">bold</span><span class="t-fg10"> green</span>`},
		{"a ground", "\x1b[44;30mx\x1b[49my", `<span class="t-fg0 t-bg4">x</span><span class="t-fg0">y</span>`},
		{"256 colours", "\x1b[38;5;9ma\x1b[38;5;196mb\x1b[38;5;244mc\x1b[m", `<span class="t-fg9">ab</span><span class="t-fg8">c</span>`},
		{"any colour", "\x1b[38;2;0;0;200ma\x1b[48;2;255;255;255mb\x1b[0m", `<span class="t-fg4">a</span><span class="t-fg4 t-bg15">b</span>`},
		{"a style goes on in the next line", "\x1b[4ma\nb", "<span class=\"t-underline\">a</span>\n<span class=\"t-underline\">b</span>"},
		{"a progress bar", " 10%\r 50%\r100%\ndone\r", "100%\ndone"},
		{"line ends of Windows", "a\r\nb\r\n", "a\nb\n"},
		{"printed over", "_\bab\b\bc", "c"},
		{"cursor moves and titles", "\x1b[2J\x1b[1;1H\x1b]0;title\x07a\x1b]8;;https://x.example\x1b\\b\x1b]8;;\x1b\\\x1b(B\x1b7c\x07", "abc"},
		{"a sequence that is cut off", "a\x1b[3", "a"},
		{"a string without an end", "a\x1b]0;title\nb", "a\nb"},
		{"numbers beyond any sense", "\x1b[99999999999999999999;38;5;-1;48mx", "x"},
		{"control characters of Unicode", "a\u009b31mb", "a31mb"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(page.TerminalHTML(test.output)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	const link = ` rel="noopener noreferrer nofollow" target="_blank"`
	tests := []struct{ name, source, want string }{
		{"line breaks are kept", "a\nb\n\nc", "<p>a<br>b</p><p>c</p>"},
		{"headings make no outline", "# A\n## B", `<p class="heading" data-level="1">A</p><p class="heading" data-level="2">B</p>`},
		{"markup is text", "a <b>b</b> &lt; \\*", "<p>a &lt;b&gt;b&lt;/b&gt; &lt; *</p>"},
		{"a block of markup is code", "<div>\nx\n</div>", `<pre class="code" tabindex="0" data-language="html"><code>&lt;<span class="s-name">div</span>&gt;` + "\nx\n" + `&lt;/<span class="s-name">div</span>&gt;</code></pre>`},
		{"a link to a file is no link", "[x](src/a.go)", "<p>x (<code>src/a.go</code>)</p>"},
		{"a bare address is one", "see https://a.example/x?y=1&z=2.", `<p>see <a href="https://a.example/x?y=1&amp;z=2"` + link + `>https://a.example/x?y=1&amp;z=2</a>.</p>`},
		{"an image is a link", "![plan](https://a.example/p.png)", `<p>🖼 <a href="https://a.example/p.png"` + link + `>plan</a></p>`},
		{"a mail address is text", "<a@b.example>", "<p>a@b.example</p>"},
		{"a list", "3. a\n4. b\n   - c", "<ol start=\"3\"><li>a</li><li>b\n<ul><li>c</li></ul></li></ol>"},
		{"a formula is shown as it was written", `so $f(x)\,dx$, $$a_1*b_1*c$$ and \(x_1\) \[ y^2 \].`, `<p>so $f(x)\,dx$, $$a_1*b_1*c$$ and \(x_1\) \[ y^2 \].</p>`},
		{"a formula of several lines", "$$\n\\begin{a}\n*x* \\\\\n\\end{a}\n$$", `<p>$$<br>\begin{a}<br>*x* \\<br>\end{a}<br>$$</p>`},
		{"money is no formula", "from $5 *to* $6, US$7 or $8-$9, $", "<p>from $5 <em>to</em> $6, US$7 or $8-$9, $</p>"},
		{"brackets that are escaped are none", `\[x\] \(*y*\) \$5*`, "<p>[x] (<em>y</em>) $5*</p>"},
		{"code in dollars stays code", "`$a` and `b$`", "<p><code>$a</code> and <code>b$</code></p>"},
		{"code of no known language", "```foo\n<x>\n```", `<pre class="code" tabindex="0" data-language="foo"><code>&lt;x&gt;` + "\n</code></pre>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := page.MarkdownHTML(test.source); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The parser takes time by the square of such texts.
func TestTextsThatWouldKeepTheParserBusyStayAsTheyAre(t *testing.T) {
	for _, piece := range []string{"[", "![", "*a_ ", "[a](", "> ", ">", "1. ", "- ", "![a](", "*_"} {
		source := strings.Repeat(piece, 32<<10/len(piece))
		if !page.Laborious(source) || strings.Count(page.MarkdownHTML(source), "<") > 4 {
			t.Errorf("%q many times is parsed", piece)
		}
	}
	wide := strings.Repeat("|a", 400) + "\n" + strings.Repeat("|-", 400) + "\n" + strings.Repeat("|\n", 400)
	if !page.Laborious(wide) {
		t.Error("a table of 160,000 empty cells is made")
	}
	for _, row := range rows {
		if page.Laborious(row.data) {
			t.Errorf("%s is not parsed", row.name)
		}
	}
	honest := strings.Repeat("- a [link](https://a.example/) and **bold** `code_with_names`\n  - nested\n\n| a | b |\n|---|---|\n| c | d |\n\n", 150)
	if page.Laborious(honest) {
		t.Error("a long report is not parsed")
	}
}

func TestLongMarkdownIsCutBetweenParagraphs(t *testing.T) {
	paragraph := strings.Repeat("word ", 1000) + "\n\n"
	source := strings.Repeat(paragraph, 10)
	if end := page.PieceEnd(source); end%len(paragraph) != 0 || end == 0 || end > 32<<10 {
		t.Errorf("cut at %d, paragraphs have %d", end, len(paragraph))
	}
	code := "```go\n" + strings.Repeat("a := 1\n\n", 8000) + "```\n"
	if end := page.PieceEnd("before\n\n" + code + "after"); end != len("before\n\n") {
		t.Errorf("cut at %d, within the code", end)
	}
	if end := page.PieceEnd(strings.Repeat("ä", 40_000)); end != 32<<10 {
		t.Errorf("a text without line breaks is cut at %d", end)
	}
}

func TestExcerptsAddUpToTheirText(t *testing.T) {
	lines := strings.Repeat("a line of words\n", 5000)
	for name, text := range map[string]string{
		"short": "short", "lines": lines, "one line": strings.Repeat("x", 100_000), "wide characters": strings.Repeat("語", 50_000),
	} {
		for _, room := range []int{1 << 10, 5001, 64 << 10} {
			head, tail, omitted := page.Excerpt(text, room)
			if len(head)+len(tail)+omitted != len(text) || !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) {
				t.Errorf("%s in %d: %d + %d + %d is not %d", name, room, len(head), omitted, len(tail), len(text))
			}
			if !utf8.ValidString(head) || !utf8.ValidString(tail) {
				t.Errorf("%s in %d: cut within a character", name, room)
			}
			if len(head)+len(tail) > room || omitted > 0 && len(head)+len(tail) < room/4 {
				t.Errorf("%s in %d: %d bytes are shown", name, room, len(head)+len(tail))
			}
			if name == "lines" && omitted > 0 && (!strings.HasSuffix(head, "\n") || !strings.HasPrefix(tail, "a line")) {
				t.Errorf("%s in %d: not cut at line ends", name, room)
			}
		}
	}
}

// Every colour of text must be readable on every ground that it stands on.
func TestColoursHaveEnoughContrast(t *testing.T) {
	style := func(name string) string {
		content, err := os.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	variable := regexp.MustCompile(`(--[a-z-]+): (#[0-9a-f]{6});`)
	colors := func(css string) (light, dark map[string]string) {
		light, dark = map[string]string{}, map[string]string{}
		lightPart, darkPart, _ := strings.Cut(css, "prefers-color-scheme: dark")
		darkPart, _, _ = strings.Cut(darkPart, "\n}\n")
		for _, m := range variable.FindAllStringSubmatch(lightPart, -1) {
			light[m[1]] = m[2]
		}
		for _, m := range variable.FindAllStringSubmatch(darkPart, -1) {
			dark[m[1]] = m[2]
		}
		return light, dark
	}
	groundLight, groundDark := colors(style("app.css"))
	textLight, textDark := colors(style("syntax.css"))
	checked := 0
	check := func(what, text, ground string) {
		checked++
		if c := contrast(t, text, ground); c < 4.5 {
			t.Errorf("%s: %s on %s has %.2f", what, text, ground, c)
		}
	}
	for name, color := range textLight {
		for _, ground := range []string{"--sunken", "--surface"} {
			check("light "+name, color, groundLight[ground])
			check("dark "+name, textDark[name], groundDark[ground])
		}
	}
	terminal := style("terminal.css")
	for _, m := range regexp.MustCompile(`\.t-(?:fg[0-9]+|dim) \{ color: (#[0-9a-f]{6}); \}`).FindAllStringSubmatch(terminal, -1) {
		check("terminal", m[1], groundLight["--terminal"])
		check("terminal", m[1], groundDark["--terminal"])
	}
	for _, m := range regexp.MustCompile(`\{ background: (#[0-9a-f]{6}); color: (#[0-9a-f]{6}); \}`).FindAllStringSubmatch(terminal, -1) {
		check("terminal", m[2], m[1])
	}
	if checked < 70 {
		t.Errorf("only %d pairs were checked", checked)
	}
}

// contrast is the ratio of the Web Content Accessibility Guidelines.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		if len(color) != 7 {
			t.Fatalf("%q is not a colour", color)
		}
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		v := float64(n) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// What an agent prints may have an image in base64 anywhere.
func TestNoRowIsAWallOfBase64(t *testing.T) {
	wall := strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA9jG+/x", 2000)
	for kind, data := range map[string]string{
		"assistant":   `{"content":"See WALL there"}`,
		"thought":     `{"content":"WALL"}`,
		"user":        `{"content":"[image]","parts":[{"type":"document","source":{"data":"WALL"}}]}`,
		"tool_call":   `{"tool":"upload","args":{"command":"echo WALL","body":"WALL","deep":{"data":"WALL"}}}`,
		"tool_result": `{"tool":"download","success":true,"output":"WALL","more":["WALL"]}`,
		"status":      `{"content":"WALL","x":"WALL"}`,
		"error":       `{"message":"WALL"}`,
		"raw":         `{"content":"{\"type\":\"image\",\"data\":\"WALL\"}"}`,
		"other":       `{"data":"WALL"}`,
	} {
		e := event(1, kind, eventlog.Agent, strings.ReplaceAll(data, "WALL", wall))
		got := rendered(t, e)
		if len(got) > 10_000 || !strings.Contains(got, "KB of base64)") {
			t.Errorf("%s: the row has %d bytes: %.3000s", kind, len(got), got)
		}
		got = exported(t, exportOf(t, "x"), []page.Entry{{Session: session(t, newest), Event: e}})
		if strings.Contains(got, wall[:2000]) {
			t.Errorf("%s: the export has it", kind)
		}
	}
}
