package router_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jrweb/router"
)

// spent appends a cost of a day.
func (s *server) spent(task, day, data string) {
	s.Helper()
	s.append(task, fmt.Sprintf(`{"type":"cost","time":"%sT12:00:00Z","data":{%s}}`, day, data))
}

// aMonth is a month of two models in two projects.
func aMonth(t *testing.T) *server {
	s := serve(t)
	s.put("/tasks/a", `{"project":"shop"}`).is(201)
	s.spent("a", "2025-11-03", `"model":"gpt-5","usd":1.5,"output_tokens":10`)
	s.spent("a", "2025-11-04", `"model":"gpt-5","input_tokens":1000000`) // 1.25 by the list
	s.spent("b", "2025-11-10", `"model":"house","input_tokens":7`)
	s.spent("b", "2025-11-10", `"model":"gpt-5","usd":0.5`)
	return s
}

func TestUsageIsSummedByWhatIsAskedFor(t *testing.T) {
	s := aMonth(t)
	const zeros = `"cache_read_tokens":0,"cache_write_tokens":0`
	for query, want := range map[string]string{
		"by=day": `"rows":[` +
			`{"day":"2025-11-03","usd":1.5,"input_tokens":0,"output_tokens":10,` + zeros + `},` +
			`{"day":"2025-11-04","usd":0,"input_tokens":1000000,"output_tokens":0,` + zeros + `,"estimated_usd":1.25},` +
			`{"day":"2025-11-10","usd":0.5,"input_tokens":7,"output_tokens":0,` + zeros + `,"unpriced":true}],` +
			`"total":{"usd":2,"input_tokens":1000007,"output_tokens":10,` + zeros + `,"estimated_usd":1.25,"unpriced":true}`,
		"by=week,model": `"rows":[` +
			`{"week":"2025-11-03","model":"gpt-5","usd":1.5,"input_tokens":1000000,"output_tokens":10,` + zeros + `,"estimated_usd":1.25},` +
			`{"week":"2025-11-10","model":"gpt-5","usd":0.5,"input_tokens":0,"output_tokens":0,` + zeros + `},` +
			`{"week":"2025-11-10","model":"house","usd":0,"input_tokens":7,"output_tokens":0,` + zeros + `,"unpriced":true}]`,
		"by=project":                `"rows":[{"project":"shop","usd":1.5,"input_tokens":1000000,"output_tokens":10,` + zeros + `,"estimated_usd":1.25},{"project":"","usd":0.5,`,
		"by=model&project=shop":     `"rows":[{"model":"gpt-5","usd":1.5,"input_tokens":1000000,"output_tokens":10,` + zeros + `,"estimated_usd":1.25}]`,
		"by=day&model=house":        `"rows":[{"day":"2025-11-10","usd":0,"input_tokens":7,`,
		"by=day&person=nobody":      `"rows":[],"total":{"usd":0,`,
		"by=agent&since=2024-01-01": `"since":"2024-01-01"`,
	} {
		if !strings.Contains(query, "since") {
			query += "&since=2025-11-01"
		}
		s.get("/usage?until=2025-11-30&" + query).is(200).says(want)
	}
	today := time.Now().UTC().Format(time.DateOnly)
	s.append("a", `{"type":"cost","data":{"usd":3}}`)
	s.get("/usage?since=1d").is(200).says(`{"since":"` + today + `","until":"` + today + `","rows":[{"day":"` + today + `","usd":3,`)
}

func TestWhatWasSpentStaysWhenItIsDeleted(t *testing.T) {
	s := aMonth(t)
	before := s.get("/usage?since=2025-11-01&until=2025-11-30").body
	s.delete("/tasks/a").is(204)
	s.get("/usage?since=2025-11-01&until=2025-11-30").is(200).says(before)
}

func TestUsageHasOtherForms(t *testing.T) {
	s := aMonth(t)
	s.spent("b", "2025-11-11", `"model":"=HYPERLINK(1)","usd":0.25`)
	const query = "/usage?since=2025-11-01&until=2025-11-30&by=day,model"
	for _, a := range []*answer{s.get(query, "Accept: text/csv"), s.get(query + "&format=csv")} {
		a.is(200).has("Content-Type", "text/csv; charset=utf-8").says("day,model,usd,estimated_usd,unpriced,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens\n" +
			"2025-11-03,gpt-5,1.500000000,0.000000000,false,0,10,0,0\n" +
			"2025-11-04,gpt-5,0.000000000,1.250000000,false,1000000,0,0,0\n").
			says("2025-11-11,'=HYPERLINK(1),0.250000000")
	}
	page := s.get(query, "Accept: text/html").is(200)
	for _, want := range []string{"≈ $3.50", "+ unknown", "2025-11-04: ≈ $1.25, 1.00M tokens", "gpt-5: $1.50", "estimated from list prices"} {
		page.says(want)
	}
	s.get("/usage", "Accept: text/html").is(200).says("Nothing was spent")
}

func TestABadQueryOfUsageNamesItsField(t *testing.T) {
	s := serve(t)
	for query, field := range map[string]string{
		"since=x": "since", "since=0d": "since", "since=2025-11-01&until=2025-10-01": "since", "since=1990-01-01": "since",
		"until=7d": "until", "by=day,day": "by", "by=hour": "by", "format=xml": "format", "owner=x": "owner",
		"model=" + strings.Repeat("x", 2000): "model",
	} {
		s.get("/usage?" + query).is(400).says(`"field":"` + field + `"`)
	}
}

func TestWhoSeesSomeTasksSeesNoUsage(t *testing.T) {
	some := func(router.Access) (router.Grant, error) {
		return router.Grant{Role: router.RoleRead, Sees: func(string) bool { return true }}, nil
	}
	serveWith(t, options{router: router.Options{Authorize: some}}).get("/usage").is(403)
}

func TestATaskIsPinnedAndNoLonger(t *testing.T) {
	s := serve(t)
	s.put("/tasks/a", `{"pinned":true}`).is(201).says(`"pinned":true`)
	s.put("/tasks/a", `{"title":"x"}`).is(200).says(`"pinned":true`)
	s.get("/tasks").is(200).says(`"pinned":true`)
	if a := s.put("/tasks/a", `{"pinned":false}`).is(200); strings.Contains(a.body, "pinned") {
		t.Errorf("the task is %s", a.body)
	}
	s.put("/tasks/a", `{"pinned":"yes"}`).is(422).says(`"field":"pinned"`)
}

func TestAWarningStandsOnThePagesOfWhoSeesAllTasks(t *testing.T) {
	warn := func() string { return "The budget <is> spent." }
	const mark, said = `><span class="warning-mark" aria-hidden="true">!</span> `, `The budget &lt;is&gt; spent.`
	s := serveWith(t, options{router: router.Options{Warning: warn}})
	s.append("t-1", say("x"))
	for _, path := range []string{"/", "/tasks/t-1", "/usage", "/search", "/search?q=x"} {
		s.get(path, "Accept: text/html").is(200).says(`class="warning"` + mark + said)
	}
	for _, path := range []string{"/wall", "/wall?kiosk"} { // which show it when it comes, too
		s.get(path).is(200).says(`id="warning"` + mark + `<span id="warning-text">` + said)
	}
	s.get("/tasks/t-1/now").is(200).says(`"warning":"The budget `)
	s = serveWith(t, options{router: router.Options{Warning: warn, Authorize: func(router.Access) (router.Grant, error) {
		return router.Grant{Role: router.RoleRead, Sees: func(string) bool { return true }}, nil
	}}})
	s.append("t-1", say("x"))
	for _, path := range []string{"/", "/wall", "/search", "/tasks/t-1/now"} {
		if strings.Contains(s.get(path, "Accept: text/html").is(200).body, "spent") {
			t.Errorf("who may see some tasks is warned on %s", path)
		}
	}
}
