package router_test

import (
	"strings"
	"testing"

	"jrweb/router"
	"jrweb/router/price"
)

func costOf(data string) string { return `{"type":"cost","data":{` + data + `}}` }

func TestEveryAnswerWithTotalsHasTheEstimate(t *testing.T) {
	s := serve(t)
	session := s.append("t-1", costOf(`"model":"gpt-5","input_tokens":1000000`), costOf(`"model":"house-model","input_tokens":1`), costOf(`"model":"opus","usd":0.5,"input_tokens":3`))
	const want = `"usd":0.5,"input_tokens":1000004,"output_tokens":0,"cache_read_tokens":0,"cache_write_tokens":0,"estimated_usd":1.25,"unpriced":true}`
	for _, path := range []string{"/tasks", "/tasks/t-1", "/tasks/t-1/sessions", "/tasks/t-1/sessions/" + session} {
		s.get(path).is(200).says(want)
	}
	s.put("/tasks/t-1", `{"title":"x"}`).is(200).says(want)
	for _, page := range []string{"/", "/tasks/t-1"} {
		s.get(page, "Accept: text/html").is(200).says("≈ $1.75")
	}
	// There is no estimate for tokens with a cost in money, and none without tokens.
	s.append("t-2", costOf(`"model":"gpt-5","usd":1,"input_tokens":1000000`))
	if a := s.get("/tasks/t-2"); strings.Contains(a.body, "estimated_usd") || strings.Contains(a.body, "unpriced") {
		t.Errorf("the totals are %s", a.body)
	}
}

func TestPricesCanBeOthers(t *testing.T) {
	s := serveWith(t, options{router: router.Options{Prices: &price.Table{}}})
	s.append("t-1", costOf(`"model":"gpt-5","input_tokens":1000000`))
	s.get("/tasks/t-1").says(`"cache_write_tokens":0,"unpriced":true}`)
}
