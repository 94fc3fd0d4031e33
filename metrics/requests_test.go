package metrics_test

import (
	"fmt"
	"testing"
	"time"
)

func TestRequestsAreCounted(t *testing.T) {
	m, reg := newMetrics(t)
	before := scrape(t, reg)
	answered := m.RequestTrace().Answered
	answered("/tasks/:task", "GET", 200, 20*time.Millisecond)
	answered("/tasks/:task", "GET", 200, 40*time.Millisecond)
	answered("/tasks/:task", "PUT", 422, time.Millisecond)
	answered("none", "GET", 404, time.Millisecond)
	expect(t, scrape(t, reg).since(before), series{
		`http_request_seconds{code="200",method="GET",route="/tasks/:task"}`: 2,
		`http_request_seconds{code="422",method="PUT",route="/tasks/:task"}`: 1,
		`http_request_seconds{code="404",method="GET",route="none"}`:         1,
	})
	byRoute := gather(t, reg)["jrweb_http_request_seconds"].GetMetric()
	sum := 0.0
	for _, m := range byRoute {
		sum += m.GetHistogram().GetSampleSum()
	}
	if sum < 0.0619 || sum > 0.0621 {
		t.Errorf("62 ms of requests were observed as %v s", sum)
	}
}

func TestMethodsAreBounded(t *testing.T) {
	m, reg := newMetrics(t)
	before := scrape(t, reg)
	want := series{}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"} {
		m.RequestTrace().Answered("none", method, 405, time.Millisecond)
		want[fmt.Sprintf(`http_request_seconds{code="405",method=%q,route="none"}`, method)] = 1
	}
	for _, method := range []string{"get", "BREW", "PROPFIND", "", "other"} {
		m.RequestTrace().Answered("none", method, 405, time.Millisecond)
	}
	want[`http_request_seconds{code="405",method="other",route="none"}`] = 5
	expect(t, scrape(t, reg).since(before), want)
}
