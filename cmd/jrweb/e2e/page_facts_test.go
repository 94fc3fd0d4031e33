package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// picture is a PNG that does not become small, and what of it stands in an event.
func picture(t *testing.T, width, height int) (part, encoded, hash string) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: uint8(random.UintN(256))}.Y
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return partOf("image/png", b.Bytes()), base64.StdEncoding.EncodeToString(b.Bytes()), hashOf(b.Bytes())
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func partOf(mediaType string, content []byte) string {
	return fmt.Sprintf(`{"type":"image","media_type":%q,"bytes":%d,"sha256":%q,"data":%q}`,
		mediaType, len(content), hashOf(content), base64.StdEncoding.EncodeToString(content))
}

const loadedImages = `[...document.querySelectorAll(".picture img")].map(i => i.complete ? i.naturalWidth + "x" + i.naturalHeight : "loading").join(" ")`

func TestPageShowsImages(t *testing.T) {
	s := serve(t)
	large, encoded, hash := picture(t, 300, 200)
	small, _, _ := picture(t, 40, 30)
	svg := partOf("image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>window.owned=1</script></svg>`))
	dressed := partOf("image/png", []byte(`<html><script>window.owned=1</script></html>`))
	session := s.append("t-image", `{"type":"user","actor":"human","data":{"content":"[image]\nWhat is it?","parts":[`+large+`,`+svg+`,`+dressed+`]}}`).Session
	page := openTab(t, s.url+"/tasks/t-image")
	page.until(loadedImages + ` === "300x200"`)

	// One that comes live, in the row of its call.
	s.append("t-image", call("screenshot", "c1", "x"), `{"type":"tool_result","data":{"tool":"screenshot","success":true,"output":"[image]","call_id":"c1","parts":[`+small+`]}}`)
	page.until(loadedImages + ` === "300x200 40x30"`)
	page.until(`document.querySelector(".tool .picture img").getClientRects().length > 0`)

	// Its raw JSON is not a wall of base64.
	do(page, chromedp.Evaluate[chromedp.Void](`void document.querySelector("a.raw").click()`))
	page.until(`document.querySelector(".raw-event pre") !== null`)
	raw := do(page, chromedp.Evaluate[string](`document.querySelector(".raw-event pre").textContent`))
	if strings.Contains(raw, encoded[:2000]) || !strings.Contains(raw, "KB of base64)") || !strings.Contains(raw, hash) {
		t.Errorf("the raw JSON has %d bytes: %.500s", len(raw), raw)
	}
	if all := do(page, chromedp.Evaluate[string](`document.documentElement.outerHTML`)); strings.Contains(all, encoded[:2000]) {
		t.Error("the page has the bytes of the image in it")
	}
	if owned := do(page, chromedp.Evaluate[bool](`window.owned !== undefined`)); owned {
		t.Error("a script of an image ran")
	}

	// Alone, it is an image and nothing else.
	alone := page.another(fmt.Sprintf("%s/tasks/t-image/sessions/%s/blobs/%s?sequence=1", s.url, session, hash))
	if kind := do(alone, chromedp.Evaluate[string](`document.contentType`)); kind != "image/png" {
		t.Errorf("the image opens as %s", kind)
	}
}

func TestExportedPageShowsImages(t *testing.T) {
	s := serve(t)
	part, encoded, _ := picture(t, 300, 200)
	s.append("t-image", `{"type":"assistant","data":{"content":"[image]","parts":[`+part+`]}}`)
	file := s.export("t-image")
	exported, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(html.UnescapeString(string(exported)), encoded[:2000]); n != 1 {
		t.Errorf("the bytes of the image are %d times in the export", n)
	}
	page := openTab(t, "file://"+file)
	page.until(loadedImages + ` === "300x200"`)
}

// spent is what the page shows of costs and tokens, in all places.
const spent = `["usd", "tokens", "cost", "cost-note", "token-kinds"].map(id => document.getElementById(id).textContent).join(" | ")
	+ " | " + document.getElementById("usd").title + " | " + document.getElementById("tokens").title`

func cost(more string) string { return `{"type":"cost","data":{` + more + `}}` }

func TestPageShowsCostsAsTheLogCountsThem(t *testing.T) {
	s := serve(t)
	const opus = `"model":"claude-opus-4-5-20251101"`
	message := func(id string, in, out int) string {
		return cost(fmt.Sprintf(`"id":%q,"part_of":"s/opus",%s,"input_tokens":%d,"output_tokens":%d,"cache_write_tokens":1000`, id, opus, in, out))
	}
	s.append("t-cost", says("one"), message("m1", 100, 1))
	page := openTab(t, s.url+"/tasks/t-cost")
	page.until(`document.body.dataset.state === "live"`)
	// What a message has cost grows; it counts once.
	session := s.append("t-cost", message("m1", 100, 4000), message("m2", 1000, 4000), says("two")).Session
	const estimated = `document.getElementById("usd").textContent === "≈ $0.22"`
	page.until(estimated)
	page.until(`document.getElementById("tokens").textContent === "11.1k"`)
	page.until(`[...document.querySelectorAll('[data-type="cost"]')].filter(row => row.getClientRects().length > 0).length === 2`)
	live := do(page, chromedp.Evaluate[string](spent))
	do(page, chromedp.Reload())
	page.until(estimated)
	if again := do(page, chromedp.Evaluate[string](spent)); again != live {
		t.Errorf("live it shows %q, after a reload %q", live, again)
	}
	page.until(`document.body.dataset.state === "live"`)
	page.until(`[...document.querySelectorAll('[data-type="cost"]')].filter(row => row.getClientRects().length > 0).length === 2`)

	// A model that is on no list, and then the agent's own sum.
	s.append("t-cost", cost(`"model":"house-model","input_tokens":500`))
	page.until(`document.getElementById("cost-note").textContent.endsWith("without what tokens of an unknown price cost")`)
	s.append("t-cost", cost(`"id":"s/opus",`+opus+`,"usd":0.25,"input_tokens":1100,"output_tokens":8000,"cache_write_tokens":2000`), says("three"))
	page.until(`document.getElementById("usd").textContent === "$0.25"`)
	s.complete("t-cost", session)
	page.until(`document.body.dataset.state === "ended"`)
	live = do(page, chromedp.Evaluate[string](spent))
	do(page, chromedp.Reload())
	page.until(`document.body.dataset.state === "ended"`)
	if again := do(page, chromedp.Evaluate[string](spent)); again != live {
		t.Errorf("at the end it shows %q, after a reload %q", live, again)
	}
}

func TestListSaysWhatIsToldEstimatedAndUnknown(t *testing.T) {
	s := serve(t)
	s.append("t-estimated", cost(`"model":"gpt-5","input_tokens":1000000`))
	s.append("t-told", cost(`"model":"gpt-5","usd":1.5,"input_tokens":1000000`))
	s.append("t-unknown", cost(`"model":"house-model","input_tokens":1000000`))
	want := func(page *tab) {
		for task, cost := range map[string]string{"t-estimated": "≈ $1.25", "t-told": "$1.50", "t-unknown": "–"} {
			page.until(fmt.Sprintf(`document.querySelector('[data-task=%q] .cost')?.textContent === %q`, task, cost))
		}
	}
	page := openTab(t, s.url+"/")
	want(page)
	page.until(`document.body.dataset.state === "live"`)
	s.append("t-estimated", says("x")) // the stream brings it again
	page.until(`document.querySelector('[data-task="t-estimated"] .events').textContent === "2"`)
	want(page)
}

const facts = `[...document.querySelectorAll(".facts > div")].filter(f => !f.hidden && !["Started", "Duration", "Cost", "Tokens"].includes(f.firstChild.textContent))
	.map(f => f.firstChild.textContent + ": " + f.lastChild.textContent).join(" | ")`

func TestPageTellsWhatIsKnownOfARun(t *testing.T) {
	s := serve(t)
	s.append("t-run", says("one"))
	page := openTab(t, s.url+"/tasks/t-run")
	page.until(`document.body.dataset.state === "live"`)
	known := func(data string) string { return `{"type":"session","actor":"system","data":` + data + `}` }
	session := s.append("t-run",
		known(`{"agent":"Claude Code","version":"2.1.332","model":"claude-opus-4-5","cwd":"/srv/app","branch":"main","external_id":"x-1"}`),
		known(`{"title":"Please mend the cart","title_by":"prompt"}`), says("two")).Session
	const first = `Task: t-run | Agent: Claude Code 2.1.332 | Model: claude-opus-4-5 | Directory: /srv/app | Branch: main | Agent’s session: x-1`
	page.until(facts + ` === "` + first + `"`)
	page.until(`document.querySelector("h1").textContent === "Please mend the cart" && document.title.includes("Please mend the cart")`)
	s.append("t-run", known(`{"model":"claude-sonnet-4-5"}`), known(`{"title":"Mend the cart"}`),
		`{"type":"raw","actor":"system","data":{"content":"what?","format":"claude","reason":"not JSON"}}`,
		`{"type":"raw","actor":"system","data":{"content":"why?","format":"claude","reason":"not JSON"}}`, says("three"))
	page.until(`document.querySelector("h1").textContent === "Mend the cart"`)
	page.until(strings.ReplaceAll(facts+` === "`+first+`"`, "claude-opus-4-5", "claude-sonnet-4-5"))

	// No row tells it again, except the change of the model.
	const rows = `[...document.querySelectorAll("#timeline > .event")].filter(row => row.getClientRects().length > 0)
		.map(row => row.querySelector(".content").innerText.replace(/\s+/g, " ").trim()).join(" | ")
		+ " / " + document.getElementById("raws").innerText + " / " + document.getElementById("raws-link").hash`
	const want = `one | two | Model claude-sonnet-4-5 | Not understood what? | Not understood why? | three / 2 lines not understood / #7`
	if got := do(page, chromedp.Evaluate[string](rows)); got != want {
		t.Errorf("the page shows %q, want %q", got, want)
	}
	s.complete("t-run", session)
	do(page, chromedp.Reload())
	page.until(`document.body.dataset.state === "ended"`)
	if got := do(page, chromedp.Evaluate[string](rows)); got != strings.Replace(want, "three /", "three | Succeeded /", 1) {
		t.Errorf("after a reload the page shows %q, want %q", got, want)
	}
	page.until(strings.ReplaceAll(facts+` === "`+first+`"`, "claude-opus-4-5", "claude-sonnet-4-5"))
	// A link to an event that has no row shows it anyway.
	do(page, chromedp.Evaluate[chromedp.Void](`void (location.hash = "#2")`))
	page.until(`document.getElementById("2").getClientRects().length > 0`)
}

func TestATitleThatAPersonGivesOnThePageStays(t *testing.T) {
	s := serve(t)
	titled := func(title string) string { return `{"type":"session","data":{"title":"` + title + `"}}` }
	s.append("t-name", says("one"), titled("The agent's"))
	page := openTab(t, s.url+"/tasks/t-name")
	page.until(`document.body.dataset.state === "live"`)
	do(page, chromedp.Evaluate[chromedp.Void](`void document.getElementById("rename").click()`))
	page.until(`document.activeElement.id === "new-title" && document.activeElement.value === "The agent's"`)
	do(page, chromedp.Evaluate[chromedp.Void](`document.activeElement.value = " A person's "; void document.querySelector("#rename-dialog form").requestSubmit()`))
	page.until(`document.querySelector("h1").textContent === "A person's" && !document.getElementById("rename-dialog").open`)
	s.append("t-name", titled("The agent's new one"), says("two"))
	page.until(`document.getElementById("count").textContent === "4"`)
	do(page, chromedp.Reload())
	page.until(`document.querySelector("h1").textContent === "A person's"`)
}

func TestPageMarksWhatAnAgentHasWithdrawn(t *testing.T) {
	s := serve(t)
	session := s.append("t-back", says("I cannot help with that."), says("Something else.")).Session
	page := openTab(t, s.url+"/tasks/t-back")
	page.until(`document.body.dataset.state === "live"`)
	s.append("t-back", `{"type":"status","actor":"system","data":{"content":"Withdrawn: I cannot help with that.","withdraws":[{"type":"assistant","content":"I cannot help with that."}]}}`)
	const marked = `[...document.querySelectorAll("[data-withdrawn]")].map(row => row.id).join() === "1"`
	page.until(marked)
	s.complete("t-back", session)
	do(page, chromedp.Reload())
	page.until(`document.body.dataset.state === "ended" && ` + marked)
}

func TestPageOfARunOverMidnightAndLongAgo(t *testing.T) {
	s := serve(t)
	var started struct{ ID string }
	s.post("/tasks/t-night/sessions", `{"started":"2025-06-25T12:00:00Z"}`, &started)
	at := func(time, text string) string {
		return `{"type":"assistant","time":"` + time + `","data":{"content":"` + text + `"}}`
	}
	s.append("t-night", at("2025-06-25T12:00:01Z", "one"), at("2025-06-27T12:00:00Z", "two"),
		`{"type":"complete","time":"2025-06-27T12:30:00Z","data":{}}`)
	page := openTab(t, s.url+"/tasks/t-night")
	page.until(`document.body.dataset.state === "ended"`)
	const times = `[...document.querySelectorAll(".event .meta time")].map(t => /\d\d:\d\d:\d\d$/.test(t.textContent) && t.textContent.length > 8 ? t.textContent.replace(/ \d\d:.*/, "") : "").join()`
	if got := do(page, chromedp.Evaluate[string](times)); got != ",Jun 27,Jun 27" {
		t.Errorf("the rows have the days %q", got)
	}
	if got := do(page, chromedp.Evaluate[string](`document.getElementById("started").textContent + " | " + document.getElementById("duration").textContent`)); !strings.HasPrefix(got, "Jun 25, 2025") || !strings.HasSuffix(got, "| 2 days") {
		t.Errorf("the head says %q", got)
	}
	list := page.another(s.url + "/")
	for range 2 {
		list.until(`document.querySelector(".duration").textContent === "2 days" || document.querySelector("td.duration")?.textContent === "2 days"`)
		list.until(`document.querySelector(".ran").textContent.startsWith("ran Jun 27, 2025")`)
		list.until(`document.body.dataset.state === "live"`)
	}
}
